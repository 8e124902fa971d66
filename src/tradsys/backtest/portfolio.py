"""Position sizing: the share of the equity that a trade gets, the cap on all together, and the capital."""

from dataclasses import dataclass

from tradsys.core.errors import ConfigError
from tradsys.labels.kernel import WALKS, Walk


@dataclass(frozen=True, slots=True)
class PortfolioSpec:
    """A trade of size 1 gets `fraction` of the equity; all open trades together at most `cap`, counted at their
    entries.

    `cash_quote` is the capital to begin with and `walk` how a bar is read: the worse case, vectorbt's or
    NautilusTrader's.
    """

    fraction: float = 1.0
    cap: float = 1.0
    cash_quote: float = 10_000.0
    walk: Walk = "pessimistic"

    def __post_init__(self) -> None:
        if not (self.fraction > 0 and self.cap > 0 and self.cash_quote > 0):
            raise ConfigError(
                "fraction, cap and cash_quote must be positive, "
                f"were {self.fraction}, {self.cap} and {self.cash_quote}; 1, 1 and 10000 are the defaults"
            )
        if self.walk not in WALKS:
            raise ConfigError(f"walk must be one of {', '.join(WALKS)}, was {self.walk!r}")
