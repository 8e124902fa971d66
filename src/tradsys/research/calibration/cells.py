"""The kinds of market that the verdict is tried on, and what must come out."""

import difflib
from dataclasses import dataclass

from tradsys.core.errors import ConfigError
from tradsys.settings.sections import CostSettings


@dataclass(frozen=True, slots=True)
class Cell:
    """A recipe of simulated markets with or without costs.

    `sharpe` is the oracle's annual net Sharpe ratio where there is an edge; without one, `limit` is the largest upper
    bound of the rate of false proofs that is accepted.
    """

    name: str
    recipe: str
    has_costs: bool = True
    sharpe: float | None = None
    limit: float = 0.08

    @property
    def costs(self) -> CostSettings:
        """The usual fees, or none."""
        return CostSettings() if self.has_costs else CostSettings(taker_bps=0.0, maker_bps=0.0)


CELLS = (
    Cell("noise", "noise"),
    Cell("noise-free", "noise", has_costs=False),
    Cell("sv-free", "sv-martingale", has_costs=False),
    Cell("bull", "bull"),
    Cell("bull-free", "bull", has_costs=False, limit=0.10),
    Cell("edge:0", "edge:0"),
    Cell("edge:1", "edge:1", sharpe=1.0),
    Cell("edge:2", "edge:2", sharpe=2.0),
    Cell("edge:3", "edge:3", sharpe=3.0),
)
"""`-free` is without costs; `edge:0` has gross skill that only pays them."""


def cell_named(name: str) -> Cell:
    """The cell of that name."""
    by_name = {cell.name: cell for cell in CELLS}
    if name in by_name:
        return by_name[name]
    near = difflib.get_close_matches(name, by_name, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(by_name)}"
    raise ConfigError(f"no cell is called {name!r}; {hint}")
