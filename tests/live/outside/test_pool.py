"""Ranks as a bot makes them close by close: the columns of the batch to the bit, and no entry where one is missing."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from tests.live.deployments import deployment
from tests.predictor.conftest import small_predictor

from tradsys.bundle.deployment import DeployedPool, Deployment
from tradsys.core.bars import split_symbols
from tradsys.core.errors import DataError
from tradsys.core.time import ts_ms
from tradsys.data.fingerprint import fingerprint, month_blocks
from tradsys.data.market import Market
from tradsys.data.simulate import simulate_universe
from tradsys.data.universe import UniverseSpec
from tradsys.features import FeatureSet
from tradsys.features.cross_section import MomentumRank
from tradsys.features.stream.bar import bars_of
from tradsys.features.universe_ranks import MOMENTUM, attach_ranks
from tradsys.features.volatility import VolatilityRatios
from tradsys.live.bars.close import Close
from tradsys.live.deciding import Decider
from tradsys.live.outside.pool import SymbolPool
from tradsys.live.outside.pool_bars import PATIENCE
from tradsys.predictor import Predictor

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
SPEC = UniverseSpec(size=5, min_listed_days=10, volume_days=5, rebalance_days=1)
POOL = DeployedPool(SPEC, (24, 72), {}, has_quote_volume=False)
FIRST = 1_200
"""Row of the clock from which on closes come one by one."""


@pytest.fixture(scope="module")
def ranked() -> Market:
    drawn = simulate_universe(7, seed=3, n_bars=1_500)
    opens = drawn.group_by("symbol").agg(pl.col("ts").min(), pl.len())
    whole = opens.filter(pl.col("len") == 1_500)["symbol"].to_list()
    bars = drawn.filter(pl.col("symbol").is_in(whole)) if len(whole) >= 5 else drawn
    keep = np.random.default_rng(0).random(len(bars)) > 0.01  # holes, which the venue has no bar for
    bars = bars.filter(pl.Series(keep))
    symbols = tuple(split_symbols(bars))
    market = Market(bars, timedelta(hours=1), ("test",), symbols, (), fingerprint(bars), month_blocks(bars), False)
    return attach_ranks(market, SPEC, lookbacks=POOL.lookbacks, kinds=MOMENTUM)


def raw(ranked: Market) -> dict[str, pl.DataFrame]:
    """The bars as a venue tells them."""
    return {symbol: frame.select(pl.exclude("^rank_.*$")) for symbol, frame in ranked.frames().items()}


def deployed(ranked: Market) -> Deployment:
    return deployment(symbols=ranked.symbols, pool=POOL)


def closes(ranked: Market, n: int) -> Iterator[Close]:
    """Closes from FIRST on; a symbol without a bar is missing."""
    rows = {symbol: {bar.ts: bar for bar in bars_of(frame)} for symbol, frame in raw(ranked).items()}
    first_ms = min(min(bars) for bars in rows.values()) + FIRST * HOUR_MS
    for open_ms in range(first_ms, first_ms + n * HOUR_MS, HOUR_MS):
        came = {symbol: bars[open_ms] for symbol, bars in rows.items() if open_ms in bars}
        missing = {symbol: "the venue has no bar of it" for symbol in rows if symbol not in came}
        yield Close(open_ms + HOUR_MS, came, missing)


def history(ranked: Market, n_bars: int) -> dict[str, pl.DataFrame]:
    """The last bars before FIRST, and no more of them than a bot asks for."""
    first_ms = min(int(ts_ms(frame)[0]) for frame in ranked.frames().values()) + FIRST * HOUR_MS
    before = pl.col("ts").dt.epoch("ms") < first_ms
    named = {symbol: frame.with_columns(symbol=pl.lit(symbol)) for symbol, frame in raw(ranked).items()}
    return {symbol: frame.filter(before).tail(n_bars) for symbol, frame in named.items()}


def test_the_columns_of_each_close_are_those_of_the_batch_to_the_last_bit(ranked: Market) -> None:
    pool = SymbolPool(POOL, ranked.symbols, HOUR_MS)
    pool.join(history(ranked, pool.n_bars))
    names = [name for name in ranked.bars.columns if name.startswith("rank_")]
    batch = {
        (row["symbol"], row["ts"]): row for row in ranked.bars.with_columns(pl.col("ts").dt.epoch("ms")).to_dicts()
    }
    n_known = 0
    for close in closes(ranked, 60):
        for symbol, found in pool.at(close).items():
            wanted = batch[symbol, close.close_ms - HOUR_MS]
            assert np.array_equal([found[name] for name in names], [wanted[name] for name in names], equal_nan=True)
            n_known += not np.isnan(found[names[0]])
    assert n_known > 200


def test_a_bar_that_comes_a_close_later_is_ranked_as_if_it_had_come_in_time(ranked: Market) -> None:
    in_time, late = (SymbolPool(POOL, ranked.symbols, HOUR_MS) for _ in range(2))
    for pool in (in_time, late):
        pool.join(history(ranked, pool.n_bars))
    first, second, third = closes(ranked, 3)
    symbol = next(iter(first.bars))
    wanted = [in_time.at(close) for close in (first, second, third)]
    rest = {name: bar for name, bar in first.bars.items() if name != symbol}
    late.at(Close(first.close_ms, rest, {symbol: "it did not come"}))
    again = late.at(Close(first.close_ms, {symbol: first.bars[symbol]}))
    np.testing.assert_equal(again[symbol], wanted[0][symbol])
    np.testing.assert_equal([late.at(close) for close in (second, third)], wanted[1:])


def test_a_bar_that_comes_late_may_still_make_its_symbol_a_member(ranked: Market) -> None:
    daily = DeployedPool(UniverseSpec(4, 10, 1, 1), (24,), {}, has_quote_volume=False)
    in_time, late = (SymbolPool(daily, ranked.symbols, HOUR_MS) for _ in range(2))
    for pool in (in_time, late):
        pool.join(history(ranked, pool.n_bars))
    told = list(closes(ranked, 48))
    at = next(n for n, close in enumerate(told) if close.close_ms % DAY_MS == 0 and not close.missing)
    found = [(in_time.at(close), late.at(close)) for close in told[:at]][-1][0]
    least = next(symbol for symbol, columns in found.items() if np.isnan(columns["rank_place_24"]))
    close, after = told[at], told[at + 1]
    huge = close.bars | {least: close.bars[least]._replace(volume=1e15)}
    in_time.at(Close(close.close_ms, huge))
    late.at(Close(close.close_ms, {name: bar for name, bar in huge.items() if name != least}, {least: "late"}))
    late.at(Close(close.close_ms, {least: huge[least]}))
    wanted, found = in_time.at(after), late.at(after)
    assert not np.isnan(wanted[least]["rank_place_24"])
    np.testing.assert_equal(found, wanted)


def test_nothing_is_entered_without_one_that_was_there_lately_and_the_others_go_on_without_one_that_is_gone() -> None:
    pool = SymbolPool(POOL, ("A", "B"), HOUR_MS)
    told = [pool.why_no_entry(Close(n * HOUR_MS, {}, {"B": "it did not come"}), {}) for n in range(PATIENCE + 1)]
    assert [why is None for why in told] == [False] * PATIENCE + [True]
    assert told[0] == "ranks compare all symbols of a close, and B did not come"
    assert pool.why_no_entry(Close(0, {}), {"A": "its bar was refused"}) is not None


def test_bars_that_do_not_tell_what_the_members_were_chosen_by_are_refused(ranked: Market) -> None:
    told = DeployedPool(SPEC, POOL.lookbacks, {}, has_quote_volume=True)
    with pytest.raises(DataError, match="chosen by quote_volume of the run's bars"):
        SymbolPool(told, ranked.symbols, HOUR_MS).join(raw(ranked))


@pytest.fixture(scope="module")
def ranker(ranked: Market) -> Predictor:
    """Reads its symbol's place among the others."""
    features = FeatureSet((VolatilityRatios(), MomentumRank(POOL.lookbacks)))
    return small_predictor(ranked.frames()[ranked.symbols[0]], features)


def test_a_pooled_bundle_decides_close_by_close_as_in_the_batch(ranked: Market, ranker: Predictor) -> None:
    one = Decider(ranker, deployed(ranked), "b" * 64, tell=lambda kind, fields: None)
    one.warm(history(ranked, one.n_bars))
    assert not one.cold
    rows = ranker.decide_many(ranked.bars).with_columns(pl.col("start").dt.epoch("ms"))
    batch = {(row["symbol"], row["start"]): row for row in rows.to_dicts()}
    n_decided = 0
    for close in closes(ranked, 40):
        decisions = one.decide(close)
        assert not decisions or not close.missing
        for found in decisions:
            wanted = batch[found.symbol, close.close_ms]
            assert (found.action, found.reason, found.bar_hash) == (
                wanted["action"],
                wanted["reason"],
                wanted["bar_hash"],
            )
            assert found.probability == pytest.approx(wanted["probability"], rel=1e-9, nan_ok=True)
            n_decided += 1
        if one.cold:  # as the feed does it: the history that follows a hole
            one.warm({symbol: _until(ranked, symbol, close.close_ms, one.n_bars) for symbol in one.cold})
    assert n_decided > 60


def _until(ranked: Market, symbol: str, close_ms: int, n_bars: int) -> pl.DataFrame:
    frame = raw(ranked)[symbol].with_columns(symbol=pl.lit(symbol))
    return frame.filter(pl.col("ts").dt.epoch("ms") < close_ms).tail(n_bars)
