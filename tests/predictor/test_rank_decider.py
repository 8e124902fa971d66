"""A deployed rank portfolio chooses what its run chose, from the bars that it asks for alone."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.live.target_session import rank_bundle

from tradsys.bundle.bundle import RANKS
from tradsys.core.bars import split_symbols
from tradsys.core.carry import Settlements, settle
from tradsys.core.errors import BundleError, DataError
from tradsys.core.time import to_ms, ts_ms
from tradsys.data.simulate import simulate_universe
from tradsys.data.universe import UniverseSpec
from tradsys.predictor import Predictor, RankDecider, read_deployment
from tradsys.predictor.rank_rule import RankRule
from tradsys.predictor.traded import RankBundle, read_traded
from tradsys.research.ranking.market_neutral import market_neutral_from, trade
from tradsys.settings.config import RunConfig

HOUR_MS = 3_600_000
CONFIG = RunConfig(
    rank={"lookback": 48, "horizon": 12},
    universe={"size": 6, "min_listed_days": 10, "volume_days": 5, "rebalance_days": 2},
)


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return simulate_universe(8, seed=3, n_bars=2_000)


@pytest.fixture(scope="module")
def decider(bars: pl.DataFrame) -> RankDecider:
    spec = market_neutral_from(CONFIG)
    return RankDecider(spec.rule, spec.universe, spec.gross, tuple(split_symbols(bars)), timedelta(hours=1))


RULES = {
    "as it is by default": {},
    "all by rank, scaled by risk, in a band": {
        "holds": "ranks",
        "weighting": "inverse_volatility",
        "risk_lookback": 96,
        "no_trade_band": 0.5,
    },
    "trend of the mean of three choices, sides of equal beta": {
        "signal": "trend",
        "holds": "signal",
        "neutral": "beta",
        "risk_lookback": 96,
        "overlap": 3,
    },
    "carry of the mean of two choices, in a band, sides of equal volatility": {
        "signal": "carry",
        "neutral": "volatility",
        "risk_lookback": 96,
        "overlap": 2,
        "no_trade_band": 0.3,
    },
}


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_every_choice_is_that_of_the_run_to_the_last_bit(
    bars: pl.DataFrame, decider: RankDecider, rule: dict[str, object]
) -> None:
    frames = {symbol: _with_funding(one, seed) for seed, (symbol, one) in enumerate(split_symbols(bars).items())}
    spec = market_neutral_from(CONFIG.with_settings({f"rank.{name}": value for name, value in rule.items()}))
    deciding = replace(decider, rule=spec.rule)
    first, last = int(bars["ts"].dt.epoch("ms").min()), int(bars["ts"].dt.epoch("ms").max()) + HOUR_MS  # type: ignore[arg-type]
    ran = trade(frames, HOUR_MS, spec, start=first + 900 * HOUR_MS, end=last).targets
    n_held = 0
    for time, weights in zip(ran.times.tolist()[::7], ran.weights[::7], strict=True):
        known = pl.concat(frame.filter(_opened_before(time)).tail(deciding.lookback) for frame in _named(frames))
        chosen = deciding.decide(known, now=time)
        assert chosen is not None and to_ms(chosen.start) == time
        assert {symbol: chosen.weights.get(symbol, 0.0) for symbol in ran.symbols} == dict(
            zip(ran.symbols, weights.tolist(), strict=True)
        )
        n_held += sum(weight != 0 for weight in chosen.weights.values())
    assert n_held > 10


def _with_funding(bars: pl.DataFrame, seed: int) -> pl.DataFrame:
    times = np.arange(int(ts_ms(bars)[0]), int(ts_ms(bars)[-1]), 8 * HOUR_MS)
    rates = np.random.default_rng(seed).normal(0, 1e-4, len(times))
    funding = settle(ts_ms(bars), HOUR_MS, Settlements.of(times, rates))
    return bars.with_columns(pl.Series(name, values) for name, values in funding.columns().items())


def _named(frames: dict[str, pl.DataFrame]) -> list[pl.DataFrame]:
    return [frame.with_columns(symbol=pl.lit(symbol)) for symbol, frame in frames.items()]


def _opened_before(time_ms: int) -> pl.Expr:
    return pl.col("ts").dt.epoch("ms") < time_ms


def test_nothing_is_chosen_between_two_choices(bars: pl.DataFrame, decider: RankDecider) -> None:
    last = int(ts_ms(bars.sort("ts"))[-1]) + HOUR_MS
    off = last - last % (12 * HOUR_MS) + HOUR_MS
    assert decider.decide(bars.filter(_opened_before(off - 24 * HOUR_MS))) is None


def test_a_bundle_gives_back_the_same_decider_and_its_hash_and_is_no_predictor(
    decider: RankDecider, tmp_path: Path
) -> None:
    decider.save(tmp_path / "B")
    again = RankDecider.load(tmp_path / "B")
    assert again == decider
    assert len(again.bundle_hash) == 64
    with pytest.raises(BundleError, match="holds a rank portfolio"):
        Predictor.load(tmp_path / "B")
    with pytest.raises(BundleError):
        read_deployment(tmp_path / "B")


def test_a_bundle_states_only_what_its_rule_changes_of_what_came_later(decider: RankDecider, tmp_path: Path) -> None:
    """Bundles of before are read, and a rule of before gives the bytes that it always gave."""
    decider.save(tmp_path / "before")
    assert set(json.loads((tmp_path / "before" / RANKS).read_bytes())["rule"]) == {
        "contrarian",
        "horizon",
        "k",
        "lookback",
        "signal",
    }
    later = replace(decider, rule=RankRule(holds="signal", signal="trend", overlap=2, no_trade_band=0.25))
    later.save(tmp_path / "later")
    again = RankDecider.load(tmp_path / "later")
    assert again == later
    days = again.lookback - again.rule.rows
    assert days == decider.lookback - decider.rule.rows
    assert again.rule.rows == 721 + 24 * (1 + 27)  # volatility, one more choice, and those since a band restarted


def test_a_deployed_bundle_of_ranks_is_read_for_trading_and_held_against_itself(
    decider: RankDecider, tmp_path: Path
) -> None:
    said = rank_bundle(decider.symbols).deployment
    decider.save(tmp_path / "B", deployment=said.to_dict())
    bundle = read_traded(tmp_path / "B")
    assert isinstance(bundle, RankBundle)
    assert (bundle.ranks, bundle.deployment) == (decider, said)
    decider.save(tmp_path / "C", deployment=replace(said, interval_ms=60_000).to_dict())
    with pytest.raises(BundleError, match="says interval_ms 60000, and what decides in it has 3600000"):
        read_traded(tmp_path / "C")


def test_a_bundle_of_before_has_no_slippage_and_a_rule_says_how_many_it_holds(
    decider: RankDecider, tmp_path: Path
) -> None:
    assert RankDecider.load(_saved(replace(decider, slippage={"S00": 2e-4}), tmp_path / "B")).slippage == {"S00": 2e-4}
    assert decider.slippage == {}
    assert (decider.most_held, RankRule(k=3).most_held(20), RankRule().most_held(30)) == (2, 6, 12)


def _saved(decider: RankDecider, folder: Path) -> Path:
    decider.save(folder)
    return folder


def test_members_are_chosen_by_what_the_run_had(bars: pl.DataFrame, decider: RankDecider) -> None:
    told = RankDecider(RankRule(), UniverseSpec(), 1.0, decider.symbols, decider.interval, has_quote_volume=True)
    with pytest.raises(DataError, match="chosen by quote_volume"):
        told.decide_many(bars)
    with pytest.raises(DataError, match="found X too"):
        decider.decide_many(split_symbols(bars)["S00"].with_columns(symbol=pl.lit("X")))
