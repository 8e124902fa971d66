"""Measured error rates of the verdict as rows that a page draws: share, interval, n, and the bound for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tradsys.report.numbers import count

STAND_INS = {"fast": "quick stand-ins for the slow parts", "full": "the whole experiment"}


@dataclass(frozen=True, slots=True)
class RateMark:
    """A share of k in n; `low`, `point` and `high` are places in percent of a scale from none to all."""

    k: int
    n: int
    share: str
    interval: str
    low: float
    point: float
    high: float

    @classmethod
    def of(cls, rate: Mapping[str, Any] | None) -> "RateMark | None":
        """From a stored rate; None where nothing was tried."""
        if rate is None or not rate["n"]:
            return None
        low, point, high = (
            100 * rate[end] if end != "share" else 100 * rate["k"] / rate["n"] for end in ("low", "share", "high")
        )
        return cls(
            rate["k"],
            rate["n"],
            f"{rate['k'] / rate['n']:.1%}",
            f"[{rate['low']:.1%}, {rate['high']:.1%}]",
            low,
            point,
            high,
        )


@dataclass(frozen=True, slots=True)
class RateRow:
    """One kind of market: a rate for each number of trials that were counted, and whether the first keeps its bound."""

    market: str
    rates: tuple[RateMark | None, ...]
    bound: str
    bound_at: float
    standing: str
    refuted: RateMark | None
    refused: RateMark | None

    @property
    def tone(self) -> str:
        """How the standing is coloured."""
        return {"holds": "good", "fails": "bad"}.get(self.standing, "careful")


@dataclass(frozen=True, slots=True)
class RateTable:
    """All markets of one preset: those without an edge that anybody could collect, and those with one."""

    preset: str
    about: str
    n_markets: str
    when: str
    false_proofs: RateMark | None
    trials: tuple[int, ...]
    without: tuple[RateRow, ...]
    edges: tuple[RateRow, ...]


def rate_table(summary: Mapping[str, Any], when: str = "") -> RateTable:
    """From what `tradsys calibrate` computed or published."""
    cells: Mapping[str, Mapping[str, Any]] = summary["cells"]
    trials = tuple(sorted({int(k) for cell in cells.values() for k in cell["proven"]}))
    return RateTable(
        preset=str(summary["preset"]),
        about=STAND_INS.get(str(summary["preset"]), ""),
        n_markets=count(summary["n_markets"]),
        when=when or str(summary.get("date", "")),
        false_proofs=RateMark.of(summary["false_proven"]),
        trials=trials,
        without=tuple(_row(name, cell, trials) for name, cell in cells.items() if "limit" in cell),
        edges=tuple(_row(name, cell, trials) for name, cell in cells.items() if "formula" in cell),
    )


def _row(name: str, cell: Mapping[str, Any], trials: Sequence[int]) -> RateRow:
    has_edge = "formula" in cell
    rates = cell["own_proven"] if has_edge else cell["proven"]
    least = cell.get("least")
    bound = (f"at least {least:.0%}" if least is not None else "") if has_edge else f"at most {cell['limit']:.0%}"
    standing = cell.get("least_standing", "") if has_edge else cell["standing"][str(trials[0])]
    return RateRow(
        market=name,
        rates=tuple(RateMark.of(rates.get(str(k))) for k in trials),
        bound=bound,
        bound_at=100 * float((least or 0.0) if has_edge else cell["limit"]),
        standing=str(standing),
        refuted=RateMark.of(cell["wrongly_refuted"] if has_edge else None),
        refused=RateMark.of(cell["refused"]) if not has_edge and cell["refused"]["k"] else None,
    )
