"""Whether two sets of data are one market's: by hashes of their months, or by the stored paths of their prices."""

import logging
from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np

from tradsys.core.arrays import MonthArray
from tradsys.core.errors import LedgerError
from tradsys.core.files import write_once
from tradsys.core.price_path import PATH_BLOCK, PricePath
from tradsys.journal.judged import JudgedData

_log = logging.getLogger(__name__)


class Recognition:
    """Compares data by their blocks; paths of prices lie in a folder, `<digest>.safetensors`, and are read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._paths: dict[str, PricePath] = {}
        self._shared: dict[tuple[str, str], MonthArray] = {}

    def keep(self, paths: Iterable[PricePath]) -> None:
        """Store paths under their digests."""
        for path in paths:
            write_once(self._file(path.digest), path.to_bytes())

    def share_data(self, blocks: Collection[str], others: Collection[str]) -> bool:
        """Whether both hold a month of one market: the same closes, or paths of prices that are one market's."""
        return self.share_judged(JudgedData(tuple(blocks)), JudgedData(tuple(others)))

    def share_judged(self, one: JudgedData, other: JudgedData) -> bool:
        """Whether some of what one judged was judged by the other: the same market at the same time.

        Two spans that overlap and reach into one month overlap within it, as intervals do (Helly's theorem).
        """
        both = one.overlap(other)
        if both is None:
            return False
        if not frozenset(one.blocks).isdisjoint(other.blocks):
            return True
        pairs = ((a, b) for a in _paths_among(one.blocks) for b in _paths_among(other.blocks))
        return any(_reach_into(self._shared_months(a, b), *both) for a, b in pairs)

    def _shared_months(self, digest: str, other: str) -> MonthArray:
        """Compares two stored paths once; one whose file is not here is recognised by its months alone."""
        pair = (digest, other)
        if pair not in self._shared:
            own, theirs = self._load(digest), self._load(other)
            if own is None or theirs is None:
                self._shared[pair] = np.empty(0, "datetime64[M]")
            else:
                self._shared[pair] = own.months[own.months_shared(theirs)]
        return self._shared[pair]

    def _load(self, digest: str) -> PricePath | None:
        if digest not in self._paths:
            path = self._file(digest)
            if not path.exists():
                _log.warning("%s is gone: the market it told of is recognised by its exact months alone", path)
                return None
            stored = PricePath.from_bytes(path.read_bytes())
            if stored.digest != digest:
                raise LedgerError(f"{path} holds another path than its name says; restore it from a copy")
            self._paths[digest] = stored
        return self._paths[digest]

    def _file(self, digest: str) -> Path:
        return self.folder / f"{digest}.safetensors"


def _paths_among(blocks: Iterable[str]) -> list[str]:
    """Digests of the paths of prices that data name among the hashes of their months."""
    return [block.removeprefix(PATH_BLOCK) for block in blocks if block.startswith(PATH_BLOCK)]


def _reach_into(months: MonthArray, opens: int | None, closes: int | None) -> bool:
    """Whether any of the months has a part in [opens, closes), ms."""
    is_inside = np.ones(len(months), bool)
    if opens is not None:
        is_inside &= months >= np.datetime64(opens, "ms").astype("datetime64[M]")
    if closes is not None:
        is_inside &= months <= np.datetime64(closes - 1, "ms").astype("datetime64[M]")
    return bool(is_inside.any())
