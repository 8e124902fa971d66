"""NautilusTrader as the matching engine of one symbol's trades; imported only where it is installed.

A trade tick at each bar's open, a millisecond after the close before, fills entries there and closes gaps; the bar then
walks Open-High-Low-Close. Entries are sent at that tick, protection when the position opens: the order pattern that its
live adapters take too.
"""

from collections.abc import Sequence
from decimal import Decimal

import polars as pl
from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common import LoggerConfig, LogLevel
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.model import (
    AccountType,
    AggressorSide,
    Bar,
    BarType,
    CryptoPerpetual,
    Currency,
    InstrumentId,
    Money,
    OmsType,
    OrderSide,
    Price,
    Quantity,
    StrategyId,
    Symbol,
    TradeId,
    TradeTick,
    Venue,
)
from nautilus_trader.trading import Strategy, StrategyConfig

from tradsys.backtest.nautilus_orders import DECIMALS, WantedTrade, fixed, rate
from tradsys.core.bars import to_arrays
from tradsys.core.time import infer_interval, interval_ms
from tradsys.core.traded import traded_bars

_INSTRUMENT = InstrumentId.from_str("SYMBOL-PERP.KERNEL")
_BARS = BarType.from_str("SYMBOL-PERP.KERNEL-1-MINUTE-LAST-EXTERNAL")
_AMPLE = Quantity.from_str(fixed(1e6))
"""Size of every tick and bar, in base units, so that an order is filled at one price."""

_PLENTY = 1_000_000_000
_NS_A_MS = 1_000_000


class _Protected(Strategy):  # type: ignore[misc]  # ships no types
    """Enters what is wanted at an open, with a stop and a target for what was filled, and leaves in time."""

    def prepare(self, wanted: Sequence[WantedTrade], row_at: dict[int, int], step_ms: int) -> None:
        """What to enter; the base class takes nothing but its configuration when it is made."""
        self._by_row = {one.first: k for k, one in enumerate(wanted)}
        self._wanted, self._row_at, self._step_ms = wanted, row_at, step_ms
        self._now: int | None = None
        self.result: list[float] = [float("nan")] * len(wanted)

    def on_start(self) -> None:
        self.subscribe_bars(_BARS)
        self.subscribe_trades(_INSTRUMENT)

    def on_trade(self, tick: TradeTick) -> None:
        row = self._row_at[tick.ts_init // _NS_A_MS - 1]
        if self._now is not None and row > self._wanted[self._now].last:
            self._leave()
        k = self._by_row.get(row)
        if k is not None and self._now is None:
            self._now = k
            one = self._wanted[k]
            self.submit_order(self.order_factory.market(_INSTRUMENT, _order_side(one.side), _size(one)))

    def on_bar(self, bar: Bar) -> None:
        row = self._row_at[bar.ts_event // _NS_A_MS - self._step_ms]
        if self._now is not None and row >= self._wanted[self._now].last:
            self._leave()

    def on_position_opened(self, event: object) -> None:
        assert self._now is not None  # nothing else opens one
        one = self._wanted[self._now]
        side, size = _order_side(-one.side), _size(one)
        stop, target = Price.from_str(fixed(one.stop)), Price.from_str(fixed(one.target))
        self.submit_order(self.order_factory.stop_market(_INSTRUMENT, side, size, stop, reduce_only=True))
        self.submit_order(self.order_factory.limit(_INSTRUMENT, side, size, target, reduce_only=True))

    def on_position_closed(self, event: object) -> None:
        assert self._now is not None  # nothing else closes one
        self.result[self._now] = event.realized_pnl.as_double()  # type: ignore[attr-defined]  # ships no types
        self._now = None
        self.cancel_all_orders(_INSTRUMENT)

    def _leave(self) -> None:
        self.cancel_all_orders(_INSTRUMENT)
        self.close_all_positions(_INSTRUMENT)


def run_symbol(bars: pl.DataFrame, wanted: Sequence[WantedTrade], maker: float, taker: float) -> list[float]:
    """What each wanted trade netted after its fees, in quote; NaN of one that never ended."""
    engine, strategy = ran(bars, wanted, maker, taker)
    engine.dispose()
    return strategy.result


def ran(
    bars: pl.DataFrame, wanted: Sequence[WantedTrade], maker: float, taker: float
) -> tuple[BacktestEngine, _Protected]:
    """An engine that has run, and the strategy in it that entered what was wanted."""
    quote, base = Currency.from_str("USDT"), Currency.from_str("BTC")
    instrument = CryptoPerpetual(
        _INSTRUMENT, Symbol("SYMBOL"), base, quote, quote, False, DECIMALS, DECIMALS,
        Price.from_str(fixed(10.0**-DECIMALS)), Quantity.from_str(fixed(10.0**-DECIMALS)), 0, 0,
        margin_init=Decimal("0.01"), margin_maint=Decimal("0.005"),
    )  # fmt: skip
    config = BacktestEngineConfig(logging=LoggerConfig(stdout_level=LogLevel.OFF), run_analysis=False)
    engine = BacktestEngine(config)
    engine.add_venue(
        Venue("KERNEL"),
        OmsType.NETTING,
        AccountType.MARGIN,
        [Money(_PLENTY, quote)],
        default_leverage=Decimal(100),
        fee_model=MakerTakerFeeModel(rate(maker), rate(taker)),
    )
    engine.add_instrument(instrument)
    step_ms = interval_ms(infer_interval(bars))
    data, row_at = _data(bars, step_ms)
    engine.add_data(data)
    strategy = _Protected(StrategyConfig(strategy_id=StrategyId("KERNEL-001")))
    strategy.prepare(wanted, row_at, step_ms)
    engine.add_strategy(strategy)
    engine.run()
    return engine, strategy


def _data(bars: pl.DataFrame, step_ms: int) -> tuple[list[TradeTick | Bar], dict[int, int]]:
    """A tick at the open and the bar at the close of every bar that somebody traded in, and their rows by the opens."""
    arrays = to_arrays(bars)
    is_traded = traded_bars(arrays.volume)
    found: list[TradeTick | Bar] = []
    row_at: dict[int, int] = {}
    for row, ts in enumerate(arrays.ts.tolist()):
        if not is_traded[row]:
            continue
        opened, closed = (ts + 1) * _NS_A_MS, (ts + step_ms) * _NS_A_MS
        open_, high, low, close = (
            Price.from_str(fixed(values[row])) for values in (arrays.open, arrays.high, arrays.low, arrays.close)
        )
        tick = TradeTick(_INSTRUMENT, open_, _AMPLE, AggressorSide.NO_AGGRESSOR, TradeId(str(row)), opened, opened)
        found += [tick, Bar(_BARS, open_, high, low, close, _AMPLE, closed, closed)]
        row_at[ts] = row
    return found, row_at


def _order_side(side: int) -> OrderSide:
    return OrderSide.BUY if side > 0 else OrderSide.SELL


def _size(one: WantedTrade) -> Quantity:
    return Quantity.from_str(fixed(one.size_base))
