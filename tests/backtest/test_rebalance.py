"""Target weights: filled at the next open, every change paid for, and whatever ends is sold at its last bar."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from tradsys.backtest.metrics import measure
from tradsys.backtest.rebalance import Targets, simulate_targets
from tradsys.core.bars import TS
from tradsys.core.costs import Costs, Instrument
from tradsys.core.errors import DataError

HOUR_MS = 3_600_000
FREE = Costs(taker_bps=0, maker_bps=0, slippage_bps=0.0)


def bars(*prices: tuple[float, float], first: int = 0, missing: tuple[int, ...] = ()) -> pl.DataFrame:
    """Hourly bars from 1970 of (open, close)."""
    ts = [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=first + i) for i in range(len(prices))]
    frame = pl.DataFrame(
        {
            "ts": pl.Series(ts).cast(TS),
            "open": [o for o, _ in prices],
            "high": [max(p) for p in prices],
            "low": [min(p) for p in prices],
            "close": [c for _, c in prices],
            "volume": 1.0,
        }
    )
    return frame.filter(~pl.int_range(pl.len()).is_in(missing))


def play(market, *orders: tuple[int, tuple[float, ...]], costs=FREE, n=6, **options):
    times = np.array([hour * HOUR_MS for hour, _ in orders])
    targets = Targets(tuple(market), times, np.array([weights for _, weights in orders]))
    return simulate_targets(market, targets, costs=costs, start=0, end=n * HOUR_MS, cash_quote=1000.0, **options)


def test_a_decision_is_filled_at_the_open_after_it_and_not_in_its_bar():
    market = {"A": bars((10, 10), (10, 50), (60, 60), (66, 66), (66, 66), (66, 66))}
    one = play(market, (2, (0.5,)))
    assert one.trades["entry_price"][0] == 60.0
    assert one.trades["entry_ts"].dt.epoch("ms")[0] == 2 * HOUR_MS
    assert one.equity["equity"].to_list() == pytest.approx([1000, 1000, 1000, 1050, 1050, 1050])


def test_both_legs_pay_and_a_hand_calculation_agrees():
    market = {
        "A": bars(*[(10, 10)] * 2, *[(10, 11)], *[(11, 11)] * 3),
        "B": bars(*[(10, 10)] * 2, (10, 9), *[(9, 9)] * 3),
    }
    one = play(market, (1, (0.5, -0.5)), (4, (0.0, 0.0)), costs=Costs(taker_bps=10, slippage_bps=10))
    fees = 1000 * 0.002 + (550 + 450) * 0.002  # in: 500 a side; out: 550 and 450
    assert one.equity["equity"][-1] == pytest.approx(1000 + 50 + 50 - fees)
    assert one.trades["fees_quote"].sum() == pytest.approx(fees / 2)
    assert one.trades["slippage_quote"].sum() == pytest.approx(fees / 2)
    assert one.trades["pnl_quote"].sum() == pytest.approx(100 - fees)
    assert one.position[:, 1:4].tolist() == [[0.5] * 3, [-0.5] * 3]
    assert not one.position[:, [0, 4, 5]].any()


def test_what_stays_is_resized_and_pays_for_the_change_alone():
    market = {"A": bars(*[(10, 10)] * 3, (10, 20), *[(20, 20)] * 2)}
    one = play(market, (1, (0.5,)), (4, (0.5,)), costs=Costs(taker_bps=100, slippage_bps=0.0))
    before = 1000 - 5 + 500  # 50 pieces rise from 10 to 20
    change = 50 - 0.5 * before / 20
    assert len(one.trades) == 1
    sold = 50 - change
    fees = 5 + 0.01 * change * 20 + 0.01 * sold * 20
    assert one.trades["fees_quote"][0] == pytest.approx(fees)
    assert one.equity["equity"][-1] == pytest.approx(1500 - fees)


def test_a_turn_is_two_trades():
    one = play({"A": bars(*[(10, 10)] * 6)}, (1, (0.5,)), (3, (-0.5,)), costs=Costs(taker_bps=10, slippage_bps=0.0))
    assert one.trades["side"].to_list() == [1, -1]
    assert one.trades["reason"].to_list() == ["rebalanced", "last bar"]
    assert one.equity["equity"][-1] == pytest.approx(1000 - one.trades["fees_quote"].sum())


def test_a_delisted_symbol_is_sold_at_its_last_close_and_never_bought_again():
    market = {"A": bars(*[(10, 10)] * 2, (10, 5)), "B": bars(*[(10, 10)] * 6)}
    one = play(market, (1, (0.5, 0.0)), (4, (0.5, 0.0)))
    assert one.trades["reason"].to_list() == ["last bar"]
    assert one.trades["exit_ts"].dt.epoch("ms")[0] == 3 * HOUR_MS
    assert one.equity["equity"].to_list() == pytest.approx([1000, 1000, 750, 750, 750, 750])
    assert one.position[0].tolist() == [0, 0.5, 0.5, 0, 0, 0]


def test_what_is_sold_at_the_last_bar_pays_fee_and_slippage_too():
    one = play({"A": bars(*[(10, 10)] * 6)}, (1, (0.5,)), costs=Costs(taker_bps=10, slippage_bps=20))
    (trade,) = one.trades.to_dicts()
    assert trade["reason"] == "last bar"
    assert (trade["fees_quote"], trade["slippage_quote"]) == pytest.approx((1.0, 2.0))
    assert one.equity["equity"][-1] == pytest.approx(1000 - 3.0)


def test_a_missing_bar_is_filled_at_the_next_one_unless_another_decision_comes_first():
    market = {
        "A": bars((10, 10), (10, 10), (12, 12), (12, 12), (12, 12), (12, 12), missing=(1,)),
        "B": bars(*[(1, 1)] * 6),
    }
    assert play(market, (1, (0.5, 0.0))).trades["entry_price"].to_list() == [12.0]
    assert len(play(market, (1, (0.5, 0.0)), (2, (0.0, 0.0))).trades) == 0


def test_longs_pay_funding_and_shorts_receive_it():
    market = {name: bars(*[(10, 10)] * 12) for name in "AB"}
    one = play(
        market, (1, (0.5, -0.25)), costs=Costs(taker_bps=0, maker_bps=0, funding_bps_per_8h=100, slippage_bps=0.0), n=12
    )
    assert one.trades["funding_quote"].to_list() == pytest.approx([5.0, -2.5])
    assert one.equity["equity"][-1] == pytest.approx(997.5)


def test_sizes_are_rounded_down_to_the_lot():
    one = play({"A": bars(*[(30, 30)] * 6)}, (1, (0.5,)), instrument=Instrument(lot=5.0))
    assert one.trades["size_base"].to_list() == [15.0]


def test_a_change_below_the_venues_minimum_is_left_and_all_is_sold_whatever_it_is_worth():
    market = {"A": bars(*[(10.0, 10.0)] * 3, *[(10.2, 10.2)] * 3)}
    one = play(
        market,
        (1, (0.5,)),
        (4, (0.5,)),
        costs=Costs(0.0, 0.0, slippage_bps=0.0),
        instrument=Instrument(min_notional=6.0),
    )
    assert one.trades["fees_quote"].sum() == 0.0
    assert one.position[0, 4] == pytest.approx(50 * 10.2 / 1010)  # half would be 49.5 pieces, 5 of quote less
    orders = (1, (0.5,)), (4, (0.0,))
    sold = play({"A": bars(*[(10.0, 10.0)] * 3, *[(0.1, 0.1)] * 3)}, *orders, instrument=Instrument(min_notional=6.0))
    assert sold.trades["reason"].to_list() == ["rebalanced"]


def test_equity_is_cash_and_trades_on_a_wild_market():
    rng = np.random.default_rng(0)
    market = {}
    for name in "ABCD":
        close = 10 * np.exp(np.cumsum(0.05 * rng.standard_normal(300)))
        market[name] = bars(*zip(np.append(10, close[:-1]), close, strict=True), missing=tuple(rng.choice(299, 30)))
    weights = rng.uniform(-0.4, 0.4, (40, 4)) * (rng.random((40, 4)) > 0.3)
    orders = [(5 + 7 * i, tuple(w)) for i, w in enumerate(weights)]
    one = play(market, *orders, costs=Costs(taker_bps=7, funding_bps_per_8h=3, slippage_bps=0.0), n=300)
    assert one.equity["equity"][-1] == pytest.approx(1000 + one.trades["pnl_quote"].sum())
    assert np.prod(1 + one.daily) == pytest.approx(one.equity["equity"][-1] / 1000)
    assert measure(one, seed=0)["total_trades"].value == len(one.trades) > 60


def test_what_cannot_be_held_is_refused():
    with pytest.raises(DataError, match="a finite weight for every time and symbol"):
        Targets(("A",), np.array([0]), np.array([[np.nan]]))
    with pytest.raises(DataError, match="in order of time"):
        Targets(("A",), np.array([1, 1]), np.zeros((2, 1)))
    with pytest.raises(DataError, match="targets are for B, the bars are of A"):
        simulate_targets(
            {"A": bars((1, 1), (1, 1), (1, 1))},
            Targets(("B",), np.array([1]), np.ones((1, 1))),
            costs=FREE,
            start=0,
            end=9 * HOUR_MS,
        )


def with_volumes(frame: pl.DataFrame, *volumes: float) -> pl.DataFrame:
    return frame.with_columns(volume=pl.Series(volumes, dtype=pl.Float64))


def test_a_symbol_that_nobody_trades_keeps_its_position_until_the_next_order_or_the_next_trade():
    prices = [(10, 10), (10, 10), (10, 10), (12, 12), (12, 12), (12, 12)]
    rare = with_volumes(bars(*prices), 1, 1, 0, 0, 1, 1)
    market, orders = {"A": rare, "B": bars(*[(1, 1)] * 6)}, ((1, (0.5, 0.0)), (2, (0.0, 0.5)))
    lapsed = play(market, *orders)
    assert lapsed.trades.select("symbol", "exit_ts", "reason").filter(symbol="A").rows() == [
        ("A", datetime(1970, 1, 1, 6, tzinfo=UTC), "last bar")
    ]
    assert (lapsed.n_orders, lapsed.not_taken["no volume"]) == (3, 1)
    assert lapsed.position[0, 1:].tolist() == [0.5] * 5
    waited = play(market, *orders, no_volume="wait")
    (sold,) = waited.trades.filter(symbol="A").to_dicts()
    assert (sold["exit_price"], sold["exit_ts"].hour, sold["reason"]) == (12.0, 4, "rebalanced")
    assert (waited.n_orders, waited.not_taken["no volume"]) == (3, 0)


def test_an_order_that_waits_gives_way_to_the_next_one():
    rare = with_volumes(bars(*[(10, 10)] * 6), 1, 0, 0, 0, 1, 1)
    one = play({"A": rare}, (1, (0.5,)), (3, (-0.5,)), no_volume="wait")
    assert one.trades["side"].to_list() == [-1]
    assert (one.n_orders, one.not_taken["no volume"]) == (2, 1)


def test_what_nobody_buys_in_the_last_bar_is_valued_and_told():
    rare = with_volumes(bars(*[(10, 10)] * 6), 1, 1, 1, 1, 1, 0)
    assert play({"A": rare}, (1, (0.5,))).trades["reason"].to_list() == ["unsold"]


def test_orders_that_no_venue_takes_are_counted():
    market = {"A": bars(*[(10, 10)] * 6)}
    small = play(market, (1, (0.004,)), instrument=Instrument(min_notional=5.0))
    none = play(market, (1, (0.004,)), instrument=Instrument(lot=1.0))
    for one in (small, none):
        assert (len(one.trades), one.n_orders, one.not_taken["too small"]) == (0, 1, 1)


def test_a_market_without_volumes_is_traded_as_one_with_them():
    market = {"A": bars((10, 10), (10, 50), (60, 60), (66, 66), (66, 66), (66, 66))}
    without = {"A": market["A"].with_columns(volume=pl.lit(0.0))}
    assert play(market, (2, (0.5,))).trades.equals(play(without, (2, (0.5,))).trades)


def test_a_delayed_rebalance_comes_a_bar_later_and_one_beyond_the_end_never():
    market = {"A": bars((10, 10), (10, 50), (60, 60), (66, 66), (66, 66), (66, 66))}
    late = play(market, (2, (0.5,)), (5, (0.0,)), delay=1)
    assert late.trades["entry_price"].to_list() == [66.0]
    assert late.trades["entry_ts"].dt.epoch("ms")[0] == 3 * HOUR_MS
    assert late.trades["reason"].to_list() == ["last bar"]
    assert late.trades["decided"].dt.epoch("ms")[0] == 2 * HOUR_MS
