"""Whether two sets of data are one market's: by hashes of their months, or by the stored paths of their prices."""

import logging
from collections.abc import Collection, Iterable
from pathlib import Path

from tradsys.core.errors import LedgerError
from tradsys.core.files import write_once
from tradsys.core.price_path import PATH_BLOCK, PricePath, SharedSpan
from tradsys.journal.judged import ANY_DATA, JudgedData

_log = logging.getLogger(__name__)


class Recognition:
    """Compares data by their blocks; paths of prices lie in a folder, `<digest>.safetensors`, and are read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._paths: dict[str, PricePath] = {}
        self._shared: dict[tuple[str, str], list[SharedSpan]] = {}

    def keep(self, paths: Iterable[PricePath]) -> None:
        """Store paths under their digests."""
        for path in paths:
            write_once(self._file(path.digest), path.to_bytes())

    def share_data(self, blocks: Collection[str], others: Collection[str]) -> bool:
        """Whether both hold a month of one market: the same closes, or paths of prices that are one market's."""
        return self.share_judged(JudgedData(tuple(blocks)), JudgedData(tuple(others)))

    def share_judged(self, one: JudgedData, other: JudgedData) -> bool:
        """Whether some of what one judged was judged by the other: the same market at the same time.

        Where paths of prices are shifted against each other, so are the times that are compared.
        """
        is_exact = ANY_DATA in (*one.blocks, *other.blocks) or not frozenset(one.blocks).isdisjoint(other.blocks)
        if is_exact and one.overlap(other) is not None:
            return True
        pairs = ((a, b) for a in _paths_among(one.blocks) for b in _paths_among(other.blocks))
        return any(_reaches(span, one, other) for a, b in pairs for span in self._shared_spans(a, b))

    def _shared_spans(self, digest: str, other: str) -> list[SharedSpan]:
        """Compares two stored paths once; one whose file is not here is recognised by its months alone."""
        pair = (digest, other)
        if pair not in self._shared:
            own, theirs = self._load(digest), self._load(other)
            self._shared[pair] = [] if own is None or theirs is None else own.spans_shared(theirs)
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


def _reaches(span: SharedSpan, one: JudgedData, other: JudgedData) -> bool:
    """Whether one judged some part of the span that the other judged too, each at its own times."""
    opens = max(end for end in (span.opens, one.opens) if end is not None)
    closes = min(end for end in (span.closes, one.closes) if end is not None)
    mine = JudgedData((), opens + span.later, closes + span.later)
    return opens < closes and mine.overlap(other) is not None
