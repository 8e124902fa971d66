"""A second opinion: the kernel's entries filled, protected and ended by NautilusTrader's matching engine, bar by bar.

Needs the `[nautilus]` extra (2.0.0rc6, the last for Python 3.12). Research only: nothing else imports this file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from tradsys.backtest.nautilus_orders import WantedTrade
from tradsys.backtest.simulate import Simulation
from tradsys.core.errors import ConfigError
from tradsys.core.time import ts_ms

CENT: Final = 0.005


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """What another engine made of a simulation's trades.

    `trades` has the simulation's, liquidated and unsold ones left out, with `gross_quote`, after fees but before
    slippage, funding and borrowing, and beside it `nautilus_quote`. A bar that held both barriers is `ambiguous`:
    Nautilus walks Open-High-Low-Close, and a simulation takes the stop unless it was made with `walk="ohlc"`.
    """

    trades: pl.DataFrame

    @property
    def n_agreed(self) -> int:
        """Trades that are equal to the cent."""
        return int((self._apart < CENT).sum())

    @property
    def others(self) -> pl.DataFrame:
        """Trades that are not equal to the cent."""
        return self.trades.filter(self._apart >= CENT)

    @property
    def sentence(self) -> str:
        """How many agree, and what is known of the others."""
        others = self.others
        side, left = pl.col("side"), pl.col("exit_price")
        is_both, is_target = pl.col("ambiguous"), pl.col("reason") == "target"
        is_beyond = (side * (left - pl.col("target")) >= 0) | (side * (pl.col("stop") - left) >= 0)
        is_late = (pl.col("reason") == "time") & is_beyond
        both, gapped, late = others.select(
            is_both.sum(), (~is_both & is_target).sum().alias("gapped"), (~is_both & is_late).sum().alias("late")
        ).row(0)
        unknown = len(others) - both - gapped - late
        told = [
            f"{both:,} held both barriers in one bar" if both else "",
            f"{gapped:,} opened beyond the target, where Nautilus fills at its limit" if gapped else "",
            f"{late:,} left by time at an open beyond a barrier, which Nautilus meets first" if late else "",
            f"{unknown:,} for no known reason" if unknown else "",
        ]
        rest = "; ".join(one for one in told if one)
        return (
            f"{self.n_agreed:,} of {len(self.trades):,} trades equal NautilusTrader's to the cent before slippage and "
            f"carry{f'; {rest}' if rest else ''}"
        )

    @property
    def _apart(self) -> pl.Series:
        return (self.trades["gross_quote"] - self.trades["nautilus_quote"]).abs()


def second_opinion(simulation: Simulation, market: Mapping[str, pl.DataFrame], horizon: int) -> SecondOpinion:
    """Every trade of the simulation once more: entered at the same open, ended by Nautilus.

    `market` is that of the simulation, `horizon` the bars after which a trade ends in time. A ConfigError where entries
    rested in the book: Nautilus fills a limit order that is touched.
    """
    _refuse_limits(simulation)
    engine = _engine()
    parts = []
    for symbol in simulation.symbols:
        own = _ended(simulation, symbol)
        if len(own):
            wanted = _wanted(own, market[symbol], horizon)
            found = engine.run_symbol(market[symbol], wanted, simulation.costs.maker, simulation.costs.taker)
            parts.append(own.with_columns(nautilus_quote=pl.Series(found, dtype=pl.Float64)))
    empty = simulation.trades.clear().with_columns(nautilus_quote=pl.lit(0.0))
    costs = pl.col("slippage_quote") + pl.col("funding_quote") + pl.col("borrow_quote")
    return SecondOpinion(pl.concat([empty, *parts]).with_columns(gross_quote=pl.col("pnl_quote") + costs))


def engine_of_symbol(simulation: Simulation, bars: pl.DataFrame, symbol: str, horizon: int) -> Any:
    """A `nautilus_trader.backtest.BacktestEngine` that has run one symbol's trades, and holds its data still."""
    _refuse_limits(simulation)
    engine, wanted = _engine(), _wanted(_ended(simulation, symbol), bars, horizon)
    return engine.ran(bars, wanted, simulation.costs.maker, simulation.costs.taker)[0]


def _refuse_limits(simulation: Simulation) -> None:
    if simulation.entry is not None:
        raise ConfigError(
            "NautilusTrader fills a limit order that is touched, and these entries were filled only where a bar traded "
            "through them: it is no second opinion on portfolio.entry=limit; vectorbt's accounting is one"
        )


def _ended(simulation: Simulation, symbol: str) -> pl.DataFrame:
    """A symbol's trades but those that were liquidated or never sold."""
    is_ended = pl.col("reason").is_in(["target", "stop", "time"])
    return simulation.trades.filter((pl.col("symbol") == symbol) & is_ended)


def _wanted(trades: pl.DataFrame, bars: pl.DataFrame, horizon: int) -> list[WantedTrade]:
    """A symbol's trades by the rows of its bars."""
    ts = ts_ms(bars)
    first = np.searchsorted(ts, trades["entry_ts"].dt.epoch("ms").to_numpy())
    step = int(np.median(np.diff(ts)))
    decided = np.searchsorted(ts, trades["decided"].dt.epoch("ms").to_numpy() - step)
    columns = trades.select("side", "size_base", "stop", "target").rows()
    return [
        WantedTrade(int(entered), int(row) + horizon, *rest)
        for entered, row, rest in zip(first, decided, columns, strict=True)
    ]


def _engine() -> Any:
    """The part that talks to NautilusTrader, or a ConfigError that says how to install it."""
    try:
        from tradsys.backtest import nautilus_engine
    except ImportError as error:
        raise ConfigError(
            "a second opinion by NautilusTrader needs nautilus_trader 2.0.0rc6, which is not installed; uv pip install "
            "'tradsys[nautilus]' adds it"
        ) from error
    return nautilus_engine
