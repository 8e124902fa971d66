"""Which part of some data was judged: the test blocks of a trial, or an opened lock-box; by time and by symbol."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Self

ANY_DATA = "any data"
"""Stands for blocks that are unknown: of whatever market, it may be this one."""


@dataclass(frozen=True, slots=True)
class JudgedData:
    """The span [opens, closes), ms, of which results were seen, and the data that it reaches into.

    `blocks` are hashes of the months, and of the paths of prices, of the symbols that have bars in the span. Ends that
    are None are unknown: then all of the data may have been judged.
    """

    blocks: tuple[str, ...]
    opens: int | None = None
    closes: int | None = None

    @classmethod
    def of(cls, data: "Self | Collection[str]") -> "JudgedData":
        """Itself, or all of the data of which only hashes are given."""
        return data if isinstance(data, JudgedData) else cls(tuple(data))

    @classmethod
    def of_entry(cls, content: Mapping[str, Any]) -> Self:
        """What an entry of the ledger judged; all of its months where it does not say."""
        judged = content.get("judged")
        if judged is None:
            return cls(tuple(content.get("blocks", ())))
        return cls(tuple(judged["blocks"]), judged["opens"], judged["closes"])

    @property
    def is_dated(self) -> bool:
        """Whether it is known when it begins and ends."""
        return self.opens is not None and self.closes is not None

    def overlap(self, other: Self) -> "tuple[int | None, int | None] | None":
        """The time that both may have judged, ms, an end None where neither knows it; None where there is none."""
        opens = max((end for end in (self.opens, other.opens) if end is not None), default=None)
        closes = min((end for end in (self.closes, other.closes) if end is not None), default=None)
        return None if opens is not None and closes is not None and opens >= closes else (opens, closes)
