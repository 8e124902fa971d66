"""When a choice is due, put off, or taken late; and that it is made of bars that had closed by then alone."""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl
import pytest
from tests.live.target_session import HASH, RULE, opens_of, rank_bundle

from tradsys.core.bars import split_symbols
from tradsys.core.errors import ConfigError
from tradsys.core.time import HOUR_MS
from tradsys.data.simulate import simulate_universe
from tradsys.features.stream.bar import Bar, bars_of
from tradsys.live.bars.close import Close
from tradsys.live.weighing import ChosenWeights, Weigher

HORIZON_MS = RULE.horizon * HOUR_MS


@pytest.fixture(scope="module")
def market() -> dict[str, pl.DataFrame]:
    frames = split_symbols(simulate_universe(12, seed=5, n_bars=1_000, momentum=0.02))
    longest = sorted(frames, key=lambda symbol: -len(frames[symbol]))[:6]
    return {symbol: frames[symbol].tail(600) for symbol in sorted(longest)}


@pytest.fixture
def due_ms(market: dict[str, pl.DataFrame]) -> int:
    """A close that a choice is due at, some hours before the end."""
    last = opens_of(market)[-20]
    return last - last % HORIZON_MS


def weigher(market: Mapping[str, pl.DataFrame], until_ms: int) -> Weigher:
    """Warm with what had opened before."""
    bundle = rank_bundle(tuple(market))
    one = Weigher(bundle.ranks, bundle.deployment, HASH, tell=lambda kind, fields: None)
    one.warm({symbol: frame.filter(pl.col("ts").dt.epoch("ms") < until_ms) for symbol, frame in market.items()})
    return one


def bar(market: Mapping[str, pl.DataFrame], symbol: str, close_ms: int) -> Bar:
    frame = market[symbol].filter(pl.col("ts").dt.epoch("ms") == close_ms - HOUR_MS)
    return bars_of(frame.drop("symbol", strict=False))[0]


def close_at(market: Mapping[str, pl.DataFrame], close_ms: int, *, without: str = "", **said: object) -> Close:
    bars = {symbol: bar(market, symbol, close_ms) for symbol in market if symbol != without}
    return Close(close_ms, bars, {without: "it did not come"} if without else {}, **said)


def test_a_choice_is_that_of_the_ranks_and_due_on_its_grid_alone(market: dict[str, pl.DataFrame], due_ms: int) -> None:
    one = weigher(market, due_ms - 2 * HOUR_MS)
    found = one.choice(close_at(market, due_ms - HOUR_MS), due_ms - HORIZON_MS)
    assert found is None
    found = one.choice(close_at(market, due_ms), due_ms - HORIZON_MS)
    assert isinstance(found, ChosenWeights) and (found.choice_ms, found.n_late) == (due_ms, 0)
    held = pl.concat([frame.with_columns(symbol=pl.lit(symbol)) for symbol, frame in market.items()])
    again = rank_bundle(tuple(market)).ranks.decide(held.filter(pl.col("ts").dt.epoch("ms") < due_ms), now=due_ms)
    assert again is not None and found.weights == again
    assert sum(map(bool, found.weights.weights.values())) == 2
    assert one.choice(close_at(market, due_ms), due_ms) is None


def test_a_bar_that_comes_with_the_next_close_makes_the_choice_a_bar_late_and_the_same(
    market: dict[str, pl.DataFrame], due_ms: int
) -> None:
    on_time = weigher(market, due_ms - HOUR_MS).choice(close_at(market, due_ms), 0)
    one, symbol = weigher(market, due_ms - HOUR_MS), next(iter(market))
    assert f"{symbol} did not come" in str(one.choice(close_at(market, due_ms, without=symbol), due_ms - HORIZON_MS))
    came = Close(due_ms, {symbol: bar(market, symbol, due_ms)}, no_entry="it came one close later")
    assert one.choice(came, due_ms - HORIZON_MS) == "it came one close later"
    found = one.choice(close_at(market, due_ms + HOUR_MS), due_ms - HORIZON_MS)
    assert isinstance(found, ChosenWeights) and isinstance(on_time, ChosenWeights)
    assert (found.weights, found.n_late) == (on_time.weights, 1)


def test_a_symbol_that_stays_away_is_ranked_no_more_from_the_fourth_close_on(
    market: dict[str, pl.DataFrame], due_ms: int
) -> None:
    one, symbol = weigher(market, due_ms - HOUR_MS), next(iter(market))
    for n in range(3):
        assert isinstance(one.choice(close_at(market, due_ms + n * HOUR_MS, without=symbol), 0), str)
    found = one.choice(close_at(market, due_ms + 3 * HOUR_MS, without=symbol), 0)
    assert isinstance(found, ChosenWeights) and found.n_late == 3
    assert not found.weights.weights.get(symbol)


def test_a_choice_that_a_restart_finds_long_after_it_was_due_is_the_same(market: dict[str, pl.DataFrame]) -> None:
    bundle, long_ms = rank_bundle(tuple(market), rule=replace(RULE, horizon=192)), 192 * HOUR_MS
    due_ms = (opens_of(market)[-1] - 190 * HOUR_MS) // long_ms * long_ms
    one = Weigher(bundle.ranks, bundle.deployment, HASH, tell=lambda kind, fields: None)
    opened, now_ms = pl.col("ts").dt.epoch("ms"), due_ms + 190 * HOUR_MS
    one.warm({name: bars.filter(opened < now_ms - HOUR_MS).tail(one.n_bars) for name, bars in market.items()})
    found = one.choice(close_at(market, now_ms), due_ms - long_ms)
    assert isinstance(found, ChosenWeights) and (found.choice_ms, found.n_late) == (due_ms, 190)
    held = pl.concat([bars.with_columns(symbol=pl.lit(name)) for name, bars in market.items()])
    assert found.weights == bundle.ranks.decide(held.filter(opened < due_ms), now=due_ms)
    assert sum(map(bool, found.weights.weights.values())) == 2


def test_where_too_few_came_to_be_ranked_nothing_is_chosen(market: dict[str, pl.DataFrame], due_ms: int) -> None:
    one, gone = weigher(market, due_ms - 4 * HOUR_MS), tuple(market)[:3]
    for n in range(-3, 1):
        close = close_at(market, due_ms + n * HOUR_MS)
        bars = {name: bar for name, bar in close.bars.items() if name not in gone}
        found = one.choice(replace(close, bars=bars, missing=dict.fromkeys(gone, "it did not come")), 0)
    assert found == f"weights compare at least 4 symbols, and {', '.join(tuple(market)[3:])} came alone"


def test_a_bundle_that_is_another_or_says_no_pool_is_refused(market: dict[str, pl.DataFrame]) -> None:
    bundle = rank_bundle(tuple(market))
    with pytest.raises(ConfigError, match="came from the bundle"):
        Weigher(bundle.ranks, bundle.deployment, "b" * 64, tell=lambda kind, fields: None)
    with pytest.raises(ConfigError, match="does not say how they are chosen"):
        Weigher(bundle.ranks, replace(bundle.deployment, pool=None), HASH, tell=lambda kind, fields: None)
    with pytest.raises(ConfigError, match=r"read .*which no bot of target weights gets yet"):
        carry = rank_bundle(tuple(market), rule=replace(RULE, signal="carry"))
        Weigher(carry.ranks, carry.deployment, HASH, tell=lambda kind, fields: None)
