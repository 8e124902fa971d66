"""What `research.run` asks of a procedure: to be simulated, and of the simulation, to be checked and measured."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import polars as pl

from tradsys.backtest.simulate import Simulation
from tradsys.data.market import Market
from tradsys.data.misaligned import Alignment
from tradsys.journal.entries import Choice
from tradsys.machine.executor import INLINE, Executor
from tradsys.predictor.predictor import Predictor
from tradsys.research.judging.trials import Tried
from tradsys.research.lookahead.findings import Lookahead
from tradsys.research.walk.experiment import Progress
from tradsys.runs.manifest import Kind
from tradsys.runs.metrics import RunMetrics
from tradsys.runs.tables import TableSchema
from tradsys.settings.config import RunConfig


class Simulated(Protocol):
    """A procedure's profiles, simulated on the history before the lock-box, and everything that follows from it."""

    @property
    def simulations(self) -> Mapping[str, Simulation]:
        """A simulation for each profile, in the order of the spec."""

    @property
    def frames(self) -> Mapping[str, pl.DataFrame]:
        """Bars before the lock-box, a symbol."""

    @property
    def span(self) -> tuple[int, int]:
        """When the first test block opens and the last closes, ms."""

    @property
    def guard_bars(self) -> int:
        """Bars that a decision looks back and a trade lasts: shifts nearer than that are no random ones."""

    @property
    def predictor(self) -> Predictor | None:
        """What a bot would load; None where nothing was fitted."""

    def look_ahead(self, n_points: int | None, progress: Progress) -> Lookahead:
        """What was computed, computed again without the future at so many times; None is the sample in every run."""

    def metrics(self, benchmark: Simulation, progress: Progress) -> dict[str, Any]:
        """Every number of `metrics.json`, in plain JSON values."""

    def tables(self) -> Sequence[tuple[TableSchema, pl.DataFrame]]:
        """Tables further than those of trades, equity and bars."""

    def simulate_lockbox(self) -> Mapping[str, Simulation]:
        """The deployed profile inside the lock-box."""

    def choices(self, run: str, metrics: RunMetrics) -> Iterator[Choice]:
        """What was chosen on training parts, as the ledger keeps it."""


class Procedure(Protocol):
    """What a run tries, before it has seen any bar."""

    @property
    def spec(self) -> Tried:
        """What is tried, by its digest, and how it is judged."""

    @property
    def config(self) -> RunConfig:
        """The settings in force, whatever the market changed of them."""

    @property
    def kind(self) -> Kind:
        """Kind of run in the manifest, by which readers know what a folder holds."""

    @property
    def agent(self) -> str:
        """Who decides, for the titles of the journal."""

    def folder_title(self, market: Market) -> str:
        """What the name of the run's folder says of the market."""

    def check_stamps(self, market: Market) -> Alignment:
        """Whether all that the market holds stands at one time; a DataError where something does not."""

    def simulate(self, market: Market, progress: Progress, executor: Executor = INLINE) -> Simulated:
        """Everything up to the simulated trades of each profile; what follows is done by the same executor."""
