"""How far a symbol's features have left what the model was trained on."""

from collections.abc import Mapping
from math import isnan
from typing import Final

from tradsys.core.errors import DataError
from tradsys.live.risk.remembered import Remembered
from tradsys.live.state import Flags

DRIFT: Final = "risk.drift"


class FeatureDrift:
    """Share of a symbol's features outside their bands, over its last `n_rows` bars; kept through restarts.

    `bands` are low and high by feature, as the deployment has them. A feature without a value is neither inside nor
    outside; of a row without any value all are taken for outside. Rows that have not come yet count as inside.
    """

    def __init__(self, flags: Flags, bands: Mapping[str, tuple[float, float]], n_rows: int) -> None:
        self._bands, self._n_rows = dict(bands), n_rows
        self._remembered = Remembered(flags, DRIFT, may_wait=True)
        self._rows: dict[str, list[tuple[int, float]]] = {
            symbol: [(int(close_ms), float(share)) for close_ms, share in rows][-n_rows:]
            for symbol, rows in (self._remembered.read() or {}).items()
        }

    def add(self, symbol: str, close_ms: int, values: Mapping[str, float]) -> None:
        """The features at one close; a close that was counted already is not counted again."""
        rows = self._rows.setdefault(symbol, [])
        if self._bands and (not rows or close_ms > rows[-1][0]):
            rows.append((close_ms, self._outside(values)))
            del rows[: -self._n_rows]

    def shares(self) -> dict[str, float]:
        """Symbol to share."""
        return {symbol: sum(share for _, share in rows) / self._n_rows for symbol, rows in self._rows.items()}

    def keep(self) -> None:
        """On disk with the next commit."""
        self._remembered.keep(self._rows)

    def _outside(self, values: Mapping[str, float]) -> float:
        absent = sorted(set(self._bands) - set(values))
        if absent:
            raise DataError(f"drift is measured on every feature with a band, found none of {', '.join(absent)}")
        known = [(values[name], low, high) for name, (low, high) in self._bands.items() if not isnan(values[name])]
        return sum(not low <= value <= high for value, low, high in known) / len(known) if known else 1.0
