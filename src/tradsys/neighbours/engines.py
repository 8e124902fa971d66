"""A run's trades as objects of vectorbt's and NautilusTrader's, in one call each: for their statistics and plots.

Research only: the one needs the `[vectorbt]` extra, the other `[nautilus]`.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from tradsys.backtest.nautilus import engine_of_symbol
from tradsys.backtest.simulate import Simulation
from tradsys.backtest.vectorbt import portray
from tradsys.core.errors import ConfigError
from tradsys.research.judging.rejudge import Replay
from tradsys.runs.stored import StoredRun

if TYPE_CHECKING:
    from nautilus_trader.backtest import BacktestEngine
    from vectorbt import Portfolio


def vectorbt_portfolio(
    run: StoredRun | Path | str = "last", profile: str | None = None, *, runs: Path | str = "runs"
) -> "Portfolio":
    """A profile of a run as a `vectorbt.Portfolio`: its trades equal the kernel's to the cent.

    `run` is one that was read, its folder, or its name below `runs`. All symbols are one group that shares its cash;
    every bar is two rows, its open and its close (`backtest.vectorbt.portray`).

        portfolio = vectorbt_portfolio("last", "EDGE")
        portfolio.stats()
        portfolio.plot().show()
    """
    replay, simulation = _simulated(run, profile, runs)
    return portray(simulation, dict(replay.frames))


def nautilus_engine(
    run: StoredRun | Path | str = "last",
    profile: str | None = None,
    *,
    symbol: str | None = None,
    runs: Path | str = "runs",
) -> "BacktestEngine":
    """A profile's trades of one symbol in a `BacktestEngine` of NautilusTrader's that has run, its data still in it.

    Every trade is entered at the open at which the kernel filled it, and protected and ended by Nautilus. `symbol` may
    be left out where the run has one. Call `dispose()` when you are done with it.

        engine = nautilus_engine("last", "EDGE")
        engine.get_result()
        engine.generate_positions_report()  # a row a trade; needs pandas
    """
    replay, simulation = _simulated(run, profile, runs)
    chosen = _one_of(simulation.symbols, symbol)
    return engine_of_symbol(simulation, replay.frames[chosen], chosen, replay.spec.barriers.horizon)


def _simulated(run: StoredRun | Path | str, profile: str | None, runs: Path | str) -> tuple[Replay, Simulation]:
    replay = Replay(run.folder) if isinstance(run, StoredRun) else Replay.find(runs, str(run))
    return replay, replay.simulate(replay.profile(profile))


def _one_of(symbols: tuple[str, ...], asked: str | None) -> str:
    if asked in symbols or (asked is None and len(symbols) == 1):
        return asked or symbols[0]
    raise ConfigError(f"an engine has one symbol's trades, found {asked!r}; choose among {', '.join(symbols)}")
