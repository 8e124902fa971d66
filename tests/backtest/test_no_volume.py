"""Bars in which nobody traded fill nothing: no entry, no barrier, no time exit; and a label is still its trade."""

import numpy as np
import polars as pl
import pytest
from tests.backtest.markets import decide, ragged_market, random_decisions
from tests.core.test_carry import with_funding
from tests.labels.hand_made import HOUR_MS, Row, bars_from, random_bars

from tradsys.backtest import PortfolioSpec, Simulation, buy_and_hold
from tradsys.backtest.simulate import simulate
from tradsys.core.costs import Costs
from tradsys.core.errors import ConfigError
from tradsys.core.traded import NoVolume
from tradsys.data.simulate.market import HOUR
from tradsys.labels import BarrierSpec, triple_barrier
from tradsys.research.walk.dataset import label_symbol

QUIET: Row = (100, 101, 99, 100)
TOUCH: Row = (100, 103, 99, 100)
COSTS = Costs(slippage_bps=1.0, borrow_bps_per_year=800.0)


def with_volumes(bars: pl.DataFrame, *volumes: float) -> pl.DataFrame:
    return bars.with_columns(volume=pl.Series(volumes, dtype=pl.Float64))


def rarely_traded(n_bars: int, seed: int, share: float = 0.5) -> pl.DataFrame:
    """Random bars of which a share has no volume, prices moving in them all the same."""
    rng = np.random.default_rng(seed)
    return with_volumes(random_bars(n_bars, seed), 1.0, *(rng.random(n_bars - 1) >= share))


def play(bars: pl.DataFrame, decisions: pl.DataFrame, no_volume: NoVolume = "lapse", **options: object) -> Simulation:
    options = {"costs": Costs(slippage_bps=0.0), "start": 0, "end": len(bars) * HOUR_MS} | options
    return simulate({"A": bars}, decisions, portfolio=PortfolioSpec(no_volume=no_volume), **options)


def test_an_entry_in_a_bar_without_trades_lapses_or_waits_for_the_next_one() -> None:
    bars = with_volumes(bars_from([QUIET, QUIET, QUIET, (101, 102, 100, 101), QUIET]), 1, 0, 0, 1, 1)
    lapsed, waited = (play(bars, decide(("A", 0, 1)), rule) for rule in ("lapse", "wait"))
    assert (lapsed.n_trades, lapsed.not_taken["no volume"]) == (0, 1)
    (trade,) = waited.trades.to_dicts()
    assert (trade["entry_price"], trade["exit_price"], trade["reason"], trade["bars_held"]) == (101, 101, "time", 1)
    assert trade["target"] == 103
    assert waited.not_taken["no volume"] == 0


def test_an_entry_waits_no_longer_than_its_horizon() -> None:
    bars = with_volumes(bars_from([QUIET] * 6), 1, 0, 0, 0, 1, 1)
    late = play(bars, decide(("A", 0, 1), horizon=3), "wait")
    assert (late.n_trades, late.not_taken["no volume"]) == (0, 1)
    assert play(bars, decide(("A", 0, 1), horizon=4), "wait").n_trades == 1


def test_of_several_entries_that_wait_for_one_open_the_first_decided_is_filled() -> None:
    bars = with_volumes(bars_from([QUIET] * 8), 1, 0, 0, 1, 1, 1, 1, 1)
    one = play(bars, decide(("A", 1, -1), ("A", 0, 1)), "wait")
    assert one.trades.select("decided", "side").rows() == [(one.trades["decided"][0], 1)]
    assert one.trades["decided"].dt.epoch("ms")[0] == HOUR_MS
    assert one.not_taken["in position"] == 1


@pytest.mark.parametrize(("row", "reason"), [(TOUCH, "target"), ((100, 101, 97, 100), "stop")])
def test_no_barrier_is_met_in_a_bar_without_trades(row: Row, reason: str) -> None:
    rows = [QUIET, QUIET, row, QUIET, QUIET, QUIET]
    assert play(bars_from(rows), decide(("A", 0, 1))).trades["reason"].to_list() == [reason]
    empty = with_volumes(bars_from(rows), 1, 1, 0, 1, 1, 1)
    assert play(empty, decide(("A", 0, 1))).trades["reason"].to_list() == ["time"]


def test_a_time_exit_waits_for_the_next_open_with_trades_and_pays_what_holding_costs_until_then() -> None:
    rows = [QUIET, QUIET, QUIET, QUIET, QUIET, (101.5, 105, 90, 104), QUIET]
    bars = with_volumes(bars_from(rows), 1, 1, 1, 0, 0, 1, 1)
    one = play(bars, decide(("A", 0, 1)), costs=Costs(0.0, 0.0, slippage_bps=0.0))
    (trade,) = one.trades.to_dicts()
    assert (trade["exit_price"], trade["reason"], trade["bars_held"]) == (101.5, "time", 5)
    assert one.equity["equity"].to_list() == pytest.approx([10_000] * 5 + [10_150] * 2)


def test_what_nobody_buys_until_the_end_is_valued_at_its_last_price_and_told() -> None:
    bars = with_volumes(bars_from([QUIET, QUIET, QUIET, QUIET, QUIET, QUIET]), 1, 1, 1, 0, 0, 0)
    (trade,) = play(bars, decide(("A", 0, 1))).trades.to_dicts()
    assert (trade["reason"], trade["exit_price"], trade["bars_held"]) == ("unsold", 100, 5)
    assert len(triple_barrier(bars, horizon=3, atr_period=1)) == 0  # and has no label


def test_what_is_never_sold_is_held_to_the_end_of_the_time() -> None:
    quarters = (np.arange(0, 6, 0.25) * HOUR_MS).astype(np.int64)
    bars = with_volumes(bars_from([QUIET] * 6), 1, 1, 1, 0, 0, 0)
    funded = with_funding(bars, quarters, np.full(len(quarters), 1e-4))
    (trade,) = play(funded, decide(("A", 0, -1)), costs=Costs(0.0, 0.0)).trades.to_dicts()
    assert trade["funding_quote"] == pytest.approx(-19.0)  # of 1 each, after 1:00 and before 6:00


def test_whether_the_market_dies_later_moves_no_earlier_decision() -> None:
    alive = rarely_traded(400, 3)
    dead = alive.with_columns(volume=pl.when(pl.int_range(pl.len()) < 200).then("volume").otherwise(0.0))
    decisions = random_decisions({"A": alive}, 5)
    first, second = (play(bars, decisions, barriers=BarrierSpec(horizon=6)).trades for bars in (alive, dead))
    known = pl.col("entry_ts").dt.epoch("ms") < 200 * HOUR_MS
    same = ("decided", "side", "entry_ts", "entry_price", "size_base")
    assert first.filter(known).select(same).equals(second.filter(known).select(same))
    assert len(second.filter(known)) > 20
    assert second["reason"].to_list().count("unsold") <= 1


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("no_volume", ["lapse", "wait"])
@pytest.mark.parametrize("share", [0.1, 0.6])
def test_a_labels_net_outcome_is_its_trades_where_many_bars_have_no_trades(
    side: int, no_volume: NoVolume, share: float
) -> None:
    horizon, n = 11, 900
    quarters = (np.arange(0, n, 0.25) * HOUR_MS).astype(np.int64)  # most settlements lie inside a bar
    rates = np.random.default_rng(0).normal(1e-4, 5e-4, len(quarters))
    bars = with_funding(rarely_traded(n, 21, share), quarters, rates)
    spec = BarrierSpec(upper=1.5, lower=2.0, horizon=horizon, no_volume=no_volume)
    labels = label_symbol(bars, HOUR, spec, COSTS)
    decisions = bars.select(symbol=pl.lit("A"), start=pl.col("ts").dt.offset_by("1h"), action=pl.lit(side))
    every = 4 * horizon  # an exit may wait, and the next decision is to find no position
    trades = pl.concat(
        play(bars, decisions.gather_every(every, k), no_volume, costs=COSTS, barriers=spec).trades for k in range(every)
    ).sort("decided")
    rows = np.searchsorted(labels.start, trades["decided"].dt.epoch("ms").to_numpy())
    column = 0 if side > 0 else 1
    last = int(np.flatnonzero(bars["volume"].to_numpy() > 0)[-1])
    assert set(np.flatnonzero(labels.is_labelled)) == {r for r in rows if r + horizon <= last}
    known = np.isin(rows, np.flatnonzero(labels.is_labelled))
    assert np.abs(labels.net[rows[known], column] - trades["net_return"].to_numpy()[known]).max() < 1e-12
    assert (labels.end[rows[known], column] == trades["exit_ts"].dt.epoch("ms").to_numpy()[known]).all()
    assert len(trades) > (0.8 * n if no_volume == "wait" else 0.8 * n * (1 - share))
    assert (trades["bars_held"] > horizon).any()


@pytest.mark.parametrize("no_volume", ["lapse", "wait"])
def test_every_fill_is_in_a_bar_with_trades(no_volume: NoVolume) -> None:
    bars = rarely_traded(2_000, 4, 0.6)
    one = play(bars, random_decisions({"A": bars}, 1), no_volume, barriers=BarrierSpec(horizon=6))
    volume = dict(zip(bars["ts"], bars["volume"], strict=True))
    sold = one.trades.filter(pl.col("reason") != "unsold")
    assert len(sold) > 100
    assert all(volume[ts] > 0 for ts in one.trades["entry_ts"])
    assert all(volume[ts] > 0 for ts in sold["exit_ts"].dt.offset_by("-1h"))
    n_decided = int((random_decisions({"A": bars}, 1)["action"] != 0).sum())
    assert one.n_trades + sum(one.not_taken.values()) == n_decided


def test_bars_without_any_volumes_fill_as_those_with_them() -> None:
    market = ragged_market()
    without = {name: bars.with_columns(volume=pl.lit(0.0)) for name, bars in market.items()}
    decisions = random_decisions(market, 7)
    options = {"costs": Costs(slippage_bps=0.0), "start": 0, "end": 900 * HOUR_MS, "barriers": BarrierSpec(horizon=6)}
    one, other = simulate(market, decisions, **options), simulate(without, decisions, **options)
    assert one.trades.equals(other.trades)
    assert one.n_trades > 200
    labels = [triple_barrier(frames["A"]) for frames in (market, without)]
    assert labels[0].equals(labels[1])


def test_nobody_is_filled_by_finer_bars_without_trades() -> None:
    bars = bars_from([QUIET, (100, 103, 97, 100), QUIET])
    fine = bars_from([QUIET, QUIET, TOUCH, (100, 101, 97, 100), QUIET, QUIET], step_ms=HOUR_MS // 2)
    label = {"upper": 1.0, "lower": 1.0, "horizon": 1, "atr_period": 1, "events": [0]}
    assert triple_barrier(bars, fine_bars=fine, **label)["reason"].to_list() == ["target"]
    empty = with_volumes(fine, 1, 1, 0, 1, 1, 1)
    assert triple_barrier(bars, fine_bars=empty, **label)["reason"].to_list() == ["stop"]


def test_buying_and_holding_begins_at_the_first_open_with_trades() -> None:
    bars = with_volumes(bars_from([QUIET, QUIET, (102, 103, 101, 102), QUIET, QUIET]), 1, 0, 1, 1, 1)
    held = buy_and_hold({"A": bars}, HOUR_MS, 5 * HOUR_MS)
    assert held.trades.select("entry_price", "exit_price").rows() == [(102, 100)]
    assert buy_and_hold({"A": bars}, HOUR_MS, 2 * HOUR_MS).n_trades == 0


def test_another_rule_is_refused() -> None:
    with pytest.raises(ConfigError, match="'lapse' or 'wait', was 'fill'"):
        PortfolioSpec(no_volume="fill")
    with pytest.raises(ConfigError, match="'lapse' or 'wait', was 'fill'"):
        BarrierSpec(no_volume="fill")
