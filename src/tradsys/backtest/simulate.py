"""Decisions as a portfolio: which of them are filled, what each trade earns, and the equity at every close."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
import polars as pl

from tradsys.backtest.charges import Charges, SlippageOfOrders
from tradsys.backtest.decisions import UNSOLD, Orders, instruments_of, read_orders
from tradsys.backtest.grid import Grid
from tradsys.backtest.loop import Candidates, FilledPath, run_portfolio
from tradsys.backtest.margin import Ruin, ruin_of
from tradsys.backtest.margin_spec import LIQUIDATION, MarginSpec
from tradsys.backtest.missed import missed_trades
from tradsys.backtest.rebalance_loop import RebalancedPath
from tradsys.core.arrays import BoolArray, Float32Array, FloatArray, IntArray
from tradsys.core.bars import TS
from tradsys.core.bounds import demand_number
from tradsys.core.costs import Costs, Instrument
from tradsys.core.counts import check_counts
from tradsys.core.errors import ConfigError
from tradsys.core.frames import as_market
from tradsys.core.limit_entry import LimitEntry, entry_cost
from tradsys.core.orders import IN_POSITION, LAPSED, NO_ROOM, TAKEN, TOO_SMALL
from tradsys.core.tables import Table, as_table
from tradsys.core.traded import NoVolume
from tradsys.labels.barriers import BarrierSpec, check_no_volume
from tradsys.labels.kernel import (
    MISSED,
    TARGET,
    TIME,
    WALKS,
    Exits,
    LimitOrders,
    Walk,
    no_fine_bars,
    reason_names,
    walk_traded,
)


@dataclass(frozen=True, slots=True)
class PortfolioSpec:
    """A trade of size 1 gets `fraction` of the equity; all open trades together at most `cap`, as they were entered.

    `cash_quote` is the capital to begin with and `walk` how a bar is read: the worse case, vectorbt's or Nautilus'.
    `margin` says when positions are liquidated, `no_volume` what becomes of an entry in whose bar nobody trades, and
    `entry` how one rests that is no market order.
    """

    fraction: float = 1.0
    cap: float = 1.0
    cash_quote: float = 10_000.0
    walk: Walk = "pessimistic"
    margin: MarginSpec = MarginSpec()
    no_volume: NoVolume = "lapse"
    entry: LimitEntry | None = None

    def __post_init__(self) -> None:
        check_no_volume(self.no_volume)
        for name, usual in (("fraction", 1), ("cap", 1), ("cash_quote", 10_000)):
            demand_number(name, getattr(self, name), f"{usual} is the default")
        if not (self.fraction > 0 and self.cap > 0 and self.cash_quote > 0):
            raise ConfigError(
                "fraction, cap and cash_quote must be positive, "
                f"were {self.fraction}, {self.cap} and {self.cash_quote}; 1, 1 and 10000 are the defaults"
            )
        if self.walk not in WALKS:
            raise ConfigError(f"walk must be one of {', '.join(WALKS)}, was {self.walk!r}")
        if self.entry is not None and self.walk != "pessimistic":
            raise ConfigError(
                f"limit entries are filled by the rule of walk 'pessimistic' alone, found {self.walk!r}; enter at the "
                "market to read bars otherwise"
            )


@dataclass(frozen=True, slots=True)
class Simulation:
    """A portfolio's trades, and what it was worth.

    `trades` has a row a trade in order of entry: `symbol, side, decided, entry_ts, exit_ts, entry_price, exit_price,
    reason, ambiguous, size_base, notional_quote, gross_return, fees_quote, slippage_quote, funding_quote, borrow_quote,
    pnl_quote, net_return, bars_held, target, stop`; `exit_ts` is the close of the exit bar, returns are fractions of
    the notional at entry, and a trade without barriers has null in their place.
    `equity` has a row a bar of the union grid (`ts` its open): `equity` and gross `exposure` at its close.
    `daily` (n_days,) are net returns of the UTC days `days`, flat ones included. `position` and `opens`
    (n_symbols, n_grid) are side x share of equity at entry, held from the open of a bar to the next, and those opens.
    `delayed` (n_days,) are the daily net returns with every order one bar later, where that was simulated too.
    `ruin` says when and by what the account came to nothing, None where it did not; nothing is held after it.
    `not_taken` counts the decisions that came to nothing, by reason; of a portfolio that is rebalanced those of
    `n_orders` orders. `entry` is how trades were entered that rested in the book, and `missed` the orders that nobody
    filled, with what they would have earned (`backtest.missed`); both None of market orders.
    """

    symbols: tuple[str, ...]
    costs: Costs
    cash_quote: float
    trades: pl.DataFrame
    equity: pl.DataFrame
    days: IntArray
    daily: FloatArray
    grid: IntArray
    bar_ms: int
    position: Float32Array
    opens: FloatArray
    not_taken: dict[str, int]
    ruin: Ruin | None = None
    n_orders: int | None = None
    delayed: FloatArray | None = None
    entry: LimitEntry | None = None
    missed: pl.DataFrame | None = None

    @property
    def n_trades(self) -> int:
        """How many round trips were made."""
        return len(self.trades)


def simulate(
    market: Mapping[str, Table],
    decisions: Table,
    *,
    costs: Costs,
    start: int,
    end: int,
    instrument: Instrument | Mapping[str, Instrument] = Instrument(),
    portfolio: PortfolioSpec = PortfolioSpec(),
    barriers: BarrierSpec | None = None,
    delay: int = 0,
) -> Simulation:
    """Fill decisions at the next open, walk them to a barrier, account for every bar in [start, end), milliseconds.

    `market` holds one frame of bars a symbol. `decisions` has a row a decision: `symbol`, `start` (the deciding bar's
    close), `action` (-1, 0, 1), `size` (1 where absent), `stop_distance` and `target_distance` (price units) and
    `horizon` (bars); without these three, `barriers` sets them from its pace. One position a symbol: while it is open,
    and until its exit bar has closed, further decisions on the symbol are not taken. Targets and stops are rounded to
    the tick, sizes down to the lot. Market orders pay slippage as `core.slippage` says, positions funding, from the
    bars' columns or the constant at 00, 08 and 16 UTC, and shorts the borrowing, as `core.carry` says, and are
    liquidated as `backtest.margin` says. Decisions that fill before `start` or whose horizon passes `end` are not
    taken, even if a barrier would have come early; those that say what no decision can are a DataError.
    Bars without volume fill nothing (`core.traded`): what nobody would buy until the end is valued at its last price
    there, as reason `unsold`. `not_taken` counts the decisions that came to nothing, by reason.

    Where the portfolio has an `entry`, decisions become limit orders, sent at that open and filled as
    `core.limit_entry` says; one order or position a symbol, sized as it was sent.

    With `delay` every order comes so many bars of its symbol later: an entry is filled at that later open, its barriers
    lie at the same distances from there, and its time limit ends as much later.
    """
    check_counts(0, delay=delay)
    priced = PricedGrid.of(market, start, end, costs=costs, instrument=instrument)
    return priced.simulate(decisions, portfolio=portfolio, barriers=barriers, delay=delay)


class PricedGrid(NamedTuple):
    """A market's bars in a stretch of time with what trading on them costs: made once for any number of simulations."""

    market: Mapping[str, pl.DataFrame]
    grid: Grid
    instruments: list[Instrument]
    costs: Costs
    charges: Charges

    @classmethod
    def of(
        cls,
        market: Mapping[str, Table],
        start: int,
        end: int,
        *,
        costs: Costs,
        instrument: Instrument | Mapping[str, Instrument] = Instrument(),
    ) -> Self:
        """Of one frame of bars a symbol in [start, end), milliseconds."""
        frames = as_market(market, "simulate")
        grid = Grid.of(frames, start, end)
        instruments = instruments_of(instrument, grid.symbols)
        return cls(frames, grid, instruments, costs, Charges.on_grid(frames, costs, grid, instruments))

    def simulate(
        self, decisions: Table, *, portfolio: PortfolioSpec, barriers: BarrierSpec | None = None, delay: int = 0
    ) -> Simulation:
        """What `simulate` makes of decisions in this market."""
        decisions = as_table(decisions, "simulate")
        market, grid, instruments, costs, charges = self
        orders = read_orders(
            decisions,
            market,
            grid,
            instruments,
            portfolio.fraction,
            barriers,
            portfolio.no_volume,
            delay,
            portfolio.entry,
        )
        return _account(grid, orders, instruments, costs, charges, portfolio)


def buy_and_hold(
    market: Mapping[str, Table],
    start: int,
    end: int,
    *,
    costs: Costs = Costs(),
    portfolio: PortfolioSpec = PortfolioSpec(),
) -> Simulation:
    """Every symbol bought at its first open in [start, end) for an equal share of equity, sold at its last close.

    Nothing is bought in a bar in which nobody traded, and a symbol that has no others is left out.
    """
    market = as_market(market, "buy_and_hold")
    grid = Grid.of(market, start, end)
    opens = np.where(grid.window[:, 1] > grid.window[:, 0], grid.window[:, 0], -1)
    entered = np.where(opens >= 0, grid.traded.next[opens], np.iinfo(np.int64).max)
    symbol = np.flatnonzero(entered < grid.window[:, 1])
    first, last = entered[symbol], grid.window[symbol, 1] - 1
    orders = Orders(
        symbol=symbol,
        decided=grid.ts[first],
        side=np.ones(len(symbol), np.int64),
        weight=np.full(len(symbol), 1.0 / max(len(symbol), 1)),
        first=first,
        last=last,
        entry=grid.prices.open[first],
        target=np.full(len(symbol), np.inf),
        stop=np.zeros(len(symbol)),
        n_outside=0,
        n_no_volume=0,
        n_without_barriers=0,
        n_waiting=0,
    )
    instruments = [Instrument()] * len(grid.symbols)
    charges = Charges.on_grid(market, costs, grid, instruments)
    return _account(grid, orders, instruments, costs, charges, replace(portfolio, cap=1.0, entry=None))


def _account(
    grid: Grid, orders: Orders, instruments: list[Instrument], costs: Costs, charges: Charges, portfolio: PortfolioSpec
) -> Simulation:
    exits = walk_traded(
        grid.prices,
        grid.traded,
        no_fine_bars(),
        orders.first,
        orders.last,
        orders.side,
        orders.target,
        orders.stop,
        WALKS[portfolio.walk],
        grid.window[orders.symbol, 1] - 1,
        None if orders.rests_until is None else LimitOrders(orders.entry, orders.rests_until),
    )
    entry, is_missed = portfolio.entry, exits.reason == MISSED
    is_unsold = (exits.reason == TIME) & ~grid.traded.is_traded[exits.row]
    fills = np.full(grid.row_at.shape, -1)
    fills[orders.symbol, np.searchsorted(grid.times, grid.ts[orders.first])] = np.arange(len(orders))
    slippage = SlippageOfOrders.of(orders, exits, charges.slippage)
    path = run_portfolio(
        Candidates(
            orders.side,
            orders.weight,
            orders.entry,
            entry_cost(entry, costs, slippage.entry),
            exits.row,
            exits.price,
            np.where(exits.reason == TARGET, costs.maker, costs.taker) + slippage.exit,
            (exits.reason != TIME) | ((exits.row > orders.last) & ~is_unsold),
            orders.stop,
            exits.entry,
            is_missed,
            entry is not None,
        ),
        fills,
        grid.row_at,
        grid.prices,
        np.array([i.lot for i in instruments]),
        np.array([i.min_notional for i in instruments]),
        charges.carry,
        portfolio.cash_quote,
        portfolio.cap,
        portfolio.margin.maintenance,
        portfolio.margin.liquidation_fee,
    )
    not_taken = {
        "in position": int(np.count_nonzero(path.fate == IN_POSITION)) + orders.n_waiting,
        "no room": int(np.count_nonzero(path.fate == NO_ROOM)),
        "outside the time": orders.n_outside,
        "no volume": orders.n_no_volume,
        "too small": int(np.count_nonzero(path.fate == TOO_SMALL)),
        "no barriers": orders.n_without_barriers,
        **({} if entry is None else {"missed": int(np.count_nonzero(path.fate == LAPSED))}),
    }
    trades = _trades(orders, exits, is_unsold, path, grid, costs, slippage, entry)
    simulation = accounted(grid, costs, portfolio.cash_quote, path, trades, not_taken)
    if entry is None:
        return simulation
    missed = missed_trades(grid, orders, np.flatnonzero(path.fate == LAPSED), costs, charges)
    return replace(simulation, entry=entry, missed=missed)


def accounted(
    grid: Grid,
    costs: Costs,
    cash_quote: float,
    account: FilledPath | RebalancedPath,
    trades: pl.DataFrame,
    not_taken: dict[str, int],
) -> Simulation:
    """The simulation of an account that was walked over the grid, with its trades."""
    days, daily = grid.daily_returns(account.equity, cash_quote)
    equity = pl.DataFrame({"ts": grid.times, "equity": account.equity, "exposure": account.exposure})
    ruin = None
    if account.ended >= 0:
        before = account.equity[account.ended - 1] if account.ended else cash_quote
        ruin = ruin_of(int(grid.times[account.ended]) + grid.bar_ms, trades, float(before))
    return Simulation(
        symbols=grid.symbols,
        costs=costs,
        cash_quote=cash_quote,
        trades=trades.with_columns(pl.col("decided", "entry_ts", "exit_ts").cast(TS)),
        equity=equity.with_columns(pl.col("ts").cast(TS)),
        days=days,
        daily=daily,
        grid=grid.times,
        bar_ms=grid.bar_ms,
        position=account.position,
        opens=grid.forward_filled(grid.prices.open),
        not_taken=not_taken,
        ruin=ruin,
    )


def _trades(
    orders: Orders,
    exits: Exits,
    is_unsold: BoolArray,
    path: FilledPath,
    grid: Grid,
    costs: Costs,
    slippage: SlippageOfOrders,
    limit: LimitEntry | None,
) -> pl.DataFrame:
    k = np.flatnonzero(path.fate == TAKEN)
    k = k[np.lexsort((orders.symbol[k], grid.ts[exits.entry[k]]))]
    size, entry, exit_, side = path.size_base[k], orders.entry[k], path.exit_price[k], orders.side[k]
    is_liquidated = path.liquidated[k] >= 0
    left = np.where(is_liquidated, grid.times[path.liquidated[k]], grid.ts[path.exit_row[k]])
    notional = size * entry
    slipped = np.where(is_liquidated, 0.0, slippage.exit[k])
    fees = entry_cost(limit, costs, 0.0) * notional + (path.exit_fee[k] - slipped) * size * exit_
    slipped_quote = slippage.entry[k] * notional + slipped * size * exit_
    pnl = side * size * (exit_ - entry) - fees - slipped_quote - path.funding_quote[k] - path.borrow_quote[k]
    return pl.DataFrame(
        {
            "symbol": pl.Series(grid.symbols, dtype=pl.String).gather(orders.symbol[k]),
            "side": side.astype(np.int8),
            "decided": orders.decided[k],
            "entry_ts": grid.ts[exits.entry[k]],
            "exit_ts": left + grid.bar_ms,
            "entry_price": entry,
            "exit_price": exit_,
            "reason": reason_names(exits.reason[k])
            .set(pl.Series(is_unsold[k]), UNSOLD)
            .set(pl.Series(is_liquidated), LIQUIDATION),
            "ambiguous": exits.is_ambiguous[k] & ~is_liquidated,
            "size_base": size,
            "notional_quote": notional,
            "gross_return": side * (exit_ / entry - 1.0),
            "fees_quote": fees,
            "slippage_quote": slipped_quote,
            "funding_quote": path.funding_quote[k],
            "borrow_quote": path.borrow_quote[k],
            "pnl_quote": pnl,
            "net_return": pnl / notional,
            "bars_held": path.exit_row[k] - exits.entry[k] + 1,
            "target": orders.target[k],
            "stop": orders.stop[k],
        }
    )
