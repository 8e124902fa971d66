"""Symbols whose last price is hours old: ranks of them earn what nobody is paid, until nothing fills without trades."""

from functools import cache

import numpy as np
import polars as pl
import pytest

from tradsys.backtest.rebalance import simulate_targets
from tradsys.core.bars import split_symbols
from tradsys.core.time import to_ms
from tradsys.core.traded import NoVolume
from tradsys.data.simulate import simulate_symbols
from tradsys.data.simulate.market import START
from tradsys.research.ranking.lookahead import look_ahead_in_ranks
from tradsys.research.ranking.market_neutral import Traded, market_neutral_from, spreads, trade
from tradsys.settings.config import RunConfig

HOUR_MS = 3_600_000
N_BARS = 10_512
SPAN = {"start": to_ms(START) + 1_752 * HOUR_MS, "end": to_ms(START) + N_BARS * HOUR_MS}


@cache
def pool() -> dict[str, pl.DataFrame]:
    return split_symbols(simulate_symbols("stale-ranks", seed=1, n_bars=N_BARS))


def contrarian(frames: dict[str, pl.DataFrame], no_volume: NoVolume = "lapse") -> Traded:
    rank = {"contrarian": True, "lookback": 24, "k": 3}
    spec = market_neutral_from(RunConfig(rank=rank, portfolio={"no_volume": no_volume}))
    return trade(frames, HOUR_MS, spec, **SPAN)


def profit(traded: Traded) -> float:
    return float(traded.simulation.equity["equity"][-1] / traded.simulation.cash_quote - 1.0)


@pytest.mark.parametrize("no_volume", ["lapse", "wait"])
def test_what_stale_prices_promise_is_not_earned(no_volume: NoVolume) -> None:
    blind = {symbol: bars.with_columns(volume=pl.lit(1.0)) for symbol, bars in pool().items()}
    believed, seen = contrarian(blind), contrarian(pool(), no_volume)
    assert profit(believed) > 2.0
    assert profit(seen) < 0.2 * profit(believed)
    assert np.isfinite(spreads(seen)).all()
    assert spreads(seen).mean() < 0.3 * spreads(believed).mean()
    assert seen.simulation.n_orders is not None
    assert (seen.simulation.not_taken["no volume"] > 0.1 * seen.simulation.n_orders) == (no_volume == "lapse")


@pytest.mark.parametrize("no_volume", ["lapse", "wait"])
def test_every_change_of_a_position_is_in_a_bar_with_trades(no_volume: NoVolume) -> None:
    trades = contrarian(pool(), no_volume).simulation.trades
    volume = pl.concat(bars.select(pl.lit(s).alias("symbol"), "ts", "volume") for s, bars in pool().items())
    at_open = trades.join(volume, left_on=["symbol", "entry_ts"], right_on=["symbol", "ts"])
    assert len(at_open) == len(trades) > 100
    assert (at_open["volume"] > 0).all()
    closed = trades.filter(reason="rebalanced").join(volume, left_on=["symbol", "exit_ts"], right_on=["symbol", "ts"])
    assert (closed["volume"] > 0).all()


@pytest.mark.parametrize("no_volume", ["lapse", "wait"])
def test_no_trade_of_rarely_traded_symbols_saw_the_future(no_volume: NoVolume) -> None:
    traded = contrarian(pool(), no_volume)
    rank = {"contrarian": True, "lookback": 24, "k": 3}
    spec = market_neutral_from(RunConfig(rank=rank, portfolio={"no_volume": no_volume}))
    found = look_ahead_in_ranks(pool(), HOUR_MS, spec, traded, **SPAN, n_points=3)
    assert found.findings == ()


def test_the_delayed_record_is_that_of_the_same_targets_a_bar_later() -> None:
    traded = contrarian(pool())
    spec = market_neutral_from(RunConfig())
    late = simulate_targets(pool(), traded.targets, costs=spec.costs, margin=spec.margin, delay=1, **SPAN)
    assert traded.simulation.delayed is not None
    assert np.array_equal(traded.simulation.delayed, late.daily)
    assert not np.array_equal(traded.simulation.delayed, traded.simulation.daily)
