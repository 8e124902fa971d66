"""Which share of a study's work is one part's: part K of N, the same share wherever and whenever it is asked for."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from tradsys.core.errors import ConfigError

_WRITTEN = re.compile(r"(\d+)/(\d+)")


@dataclass(frozen=True, slots=True)
class Part:
    """Part `k` of `n`, counted from 1, as `--part K/N` names it.

    >>> Part.of("2/3").label
    'part-2-of-3'
    """

    k: int
    n: int

    def __post_init__(self) -> None:
        if not 1 <= self.k <= self.n:
            raise ConfigError(f"--part takes K/N with K from 1 to N, such as 2/3, found {self}")

    @classmethod
    def of(cls, written: str) -> Self:
        """The part that K/N names."""
        found = _WRITTEN.fullmatch(written.strip())
        if found is None:
            raise ConfigError(f"--part takes K/N with K from 1 to N, such as 2/3, found {written!r}")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.k}/{self.n}"

    @property
    def label(self) -> str:
        """What its files are called by."""
        return f"part-{self.k}-of-{self.n}"

    @property
    def others(self) -> tuple["Part", ...]:
        """All parts of the study, this one too."""
        return tuple(Part(k, self.n) for k in range(1, self.n + 1))

    def share_of[T](self, pieces: Sequence[T], *, row: Callable[[T], str], name: Callable[[T], str]) -> list[T]:
        """The pieces of work that are this part's: as many of each row as any other part's, but for one, and in all.

        Pieces of a row, those of like cost, are dealt out in an order that looks like chance, so that what comes back
        every few pieces and costs more is shared out too. Names are unique; the order of the pieces stays.
        """
        rows: dict[str, list[str]] = {}
        for piece in pieces:
            rows.setdefault(row(piece), []).append(name(piece))
        dealt = [one for _, names in sorted(rows.items()) for one in sorted(names, key=_shuffled)]
        own = set(dealt[self.k - 1 :: self.n])
        return [piece for piece in pieces if name(piece) in own]


def _shuffled(name: str) -> bytes:
    return sha256(name.encode()).digest()
