"""Aims: how much of a symbol is to be held from a choice of target weights on, until the next one.

An aim is a row of the intent journal, one a symbol. Whoever reads it after a crash needs nothing else: what the venue
holds is compared with it, and the difference is traded. Making a position smaller is due at any time; making it larger
only for a while after the choice, and never again once anything but a choice has made it smaller.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Self

from tradsys.core.errors import LedgerError
from tradsys.core.json_text import canonical_json, read_json

AIM: Final = "aim:"
"""Flags of symbols that are aimed at begin so."""

REBALANCED: Final = "rebalanced"
"""Why a position is made smaller, or left, for its aim; the batch calls the end of a stretch so too."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What is to be held: `size_base` with its sign, whole lots, 0 for nothing.

    `choice_ms` is the close that the weights were chosen at, `close_ms` the one that they were sized at with
    `reference_price`, the same or a later one. The position may be made larger until `until_ms`. `weight` is what the
    choice said, whatever became of it; `note` is why less is aimed at ("": as much as was chosen). `stop_fraction` is
    how far from the position's average entry price its stop lies, a share of it.
    """

    symbol: str
    choice_ms: int
    close_ms: int
    weight: float
    size_base: float
    reference_price: float
    until_ms: int
    stop_fraction: float
    note: str = ""
    bundle_hash: str = ""

    @property
    def side(self) -> int:
        """1, -1, or 0 where nothing is to be held."""
        return (self.size_base > 0) - (self.size_base < 0)

    def grows(self, held: Mapping[str, float]) -> bool:
        """Whether it takes more than what is held by symbol, or another side."""
        held_base = held.get(self.symbol, 0.0)
        return self.size_base * held_base < 0 or abs(self.size_base) > abs(held_base)

    def shrinks(self, held: Mapping[str, float]) -> bool:
        """Whether something of what is held by symbol is to be left first."""
        held_base = held.get(self.symbol, 0.0)
        return held_base != 0.0 and (self.size_base * held_base <= 0 or abs(self.size_base) < abs(held_base))

    def at_most(self, held_base: float, note: str) -> "Aim":
        """The same without making the position larger: what is held shrinks towards it, or stays."""
        if not self.grows({self.symbol: held_base}):
            return self
        return self.at_size(held_base if self.size_base * held_base > 0 else 0.0, note)

    def at_size(self, size_base: float, note: str) -> "Aim":
        """The same with what is held already, or less of it."""
        return replace(self, size_base=size_base, until_ms=0, note=note)

    def dropped(self, note: str) -> "Aim":
        """Nothing is to be held any more, until the next choice."""
        return self.at_size(0.0, note)

    @property
    def text(self) -> str:
        """As the journal keeps it."""
        return canonical_json(asdict(self))

    @classmethod
    def of(cls, text: str) -> Self:
        """What `text` wrote; a LedgerError where it is not that."""
        try:
            return cls(**read_json(text))
        except (ValueError, TypeError) as error:
            raise LedgerError(
                f"what the intent journal aims at cannot be read ({error}): {text!r:.200}; it was written by another "
                "release of tradsys, which is the one to trade this account with"
            ) from None

    def told(self) -> Mapping[str, Any]:
        """Plain values for the audit log and the status."""
        return asdict(self)
