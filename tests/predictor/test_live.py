"""Going along with the market, a predictor says what it says of the whole history."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from tests.core.test_carry import with_funding
from tests.features.markets import ordinary
from tests.models.networks.test_stepper import forecaster

from tradsys.auditor.auditor import LogisticAuditor
from tradsys.core.costs import Costs
from tradsys.core.errors import ConfigError, DataError, NotEnoughBars
from tradsys.core.time import ts_ms
from tradsys.features import FeatureSet
from tradsys.features.stream.feature_stream import bars_of
from tradsys.labels import BarrierSpec
from tradsys.models.calibration import Calibration
from tradsys.models.linear.baselines import BaseRate
from tradsys.models.linear.logistic import RidgeLogistic
from tradsys.models.networks.network import Network
from tradsys.models.networks.resnet import DilatedResNet
from tradsys.models.networks.transformer import BandedTransformer
from tradsys.models.pooling.combination import SingleForecaster
from tradsys.models.pooling.ensemble import FittedEnsemble
from tradsys.predictor import LivePredictor, Predictor
from tradsys.predictor.economics import Holding, TimeExit
from tradsys.predictor.valuation import ConfidenceRanks, Valuation, audit_inputs
from tradsys.profiles import ConfidenceAbove, Profile
from tradsys.profiles.catalogue import supervised
from tradsys.regimes.macro import MacroRegimes
from tradsys.regimes.markov import RegimeSpec
from tradsys.regimes.momentum import RegimeMomentum
from tradsys.research.walk.dataset import Dataset

BARRIERS = BarrierSpec(horizon=6)
HALF = Profile("HALF", "the more confident half", ConfidenceAbove(0.5))


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return ordinary(2600)


@pytest.fixture(scope="module")
def predictor(bars: pl.DataFrame) -> Predictor:
    data = Dataset.build(bars[:2000], timedelta(hours=1), BARRIERS, Costs())
    ((symbol, labels),) = data.labels.items()
    frame = data.frames[symbol]
    regimes = RegimeSpec(n_starts=1).fit([frame], seed=0)
    wanted = FeatureSet((*FeatureSet.default().features, RegimeMomentum(regimes)))
    features, panel = data.panel(wanted, (labels.is_labelled,), seed=0)
    rows = panel.usable()
    model, timeout = (spec.fit(panel, rows, seed=0) for spec in (RidgeLogistic(1.0), BaseRate()))
    plain = Calibration(np.zeros(2), np.ones(2))
    valuation = Valuation(plain, plain, TimeExit(), BARRIERS.upper, BARRIERS.lower, Costs(), slippage={"": 1e-4})
    X, regime = panel.X[0][rows[0]], regimes.filter(frame)[rows[0]]
    judged = valuation.value(model.logits(X), timeout.logits(X), labels.atr_over_price[rows[0]])
    auditor = LogisticAuditor(penalty=1.0).fit(
        audit_inputs(X, model.logits(X), judged, regime),
        panel.y[0][rows[0], 0],
        panel.weight[0][rows[0], 0],
        panel.start[0][rows[0]],
        panel.end[0][rows[0], 0],
        seed=0,
    )
    said = ({"ridge": model}, SingleForecaster("ridge"))
    parts = (
        features,
        *said,
        timeout,
        valuation,
        ConfidenceRanks.fit(judged.confidence),
        regimes,
        auditor,
        BARRIERS,
        HALF,
    )
    return Predictor(timedelta(hours=1), *parts)


def test_each_step_is_the_decision_that_the_history_gives(bars: pl.DataFrame, predictor: Predictor) -> None:
    live = LivePredictor(predictor)
    said = [live.warm(bars[:2000])] + [live.step(bar) for bar in bars_of(bars[2000:2300])]
    assert live.features.is_fast.all()
    decided = [predictor.decide(bars[: at + 1]) for at in range(1999, 2300)]
    assert {one.action for one in decided} == {-1, 0, 1}
    for one, other in zip(said, decided, strict=True):
        assert (one.start, one.side, one.action, one.reason) == (other.start, other.side, other.action, other.reason)
        assert one.probability == pytest.approx(other.probability, abs=1e-6)
        assert one.audit == pytest.approx(other.audit, abs=1e-6)
        assert one.expected_net == pytest.approx(other.expected_net, abs=1e-8)
        assert (one.bar_hash, one.bundle_hash) == (other.bar_hash, "")
        assert one.regime == pytest.approx(other.regime, abs=1e-9)
        assert one.stop_distance == pytest.approx(other.stop_distance, rel=1e-6)


def test_steps_rows_and_decisions_name_the_bar_that_decided_by_one_hash(
    bars: pl.DataFrame, predictor: Predictor
) -> None:
    named = of("ETH", bars)
    live = LivePredictor(predictor)
    first, (due,) = live.warm(named[:2000]), bars_of(bars[2000:2001])
    table = predictor.decide_many(named[:2001])
    assert [first.bar_hash, live.step(due).bar_hash] == table["bar_hash"].tail(2).to_list()
    assert predictor.decide(named[:2001]).bar_hash == table["bar_hash"][-1] != predictor.decide(bars[:2001]).bar_hash
    assert table["bar_hash"].n_unique() == len(table)
    revised = named[:2001].with_columns(volume=pl.col("volume") * (1 + 1e-15 * (pl.int_range(pl.len()) == 2000)))
    assert predictor.decide(revised).bar_hash != table["bar_hash"][-1]


def test_each_step_is_charged_the_slippage_of_its_own_symbol(bars: pl.DataFrame, predictor: Predictor) -> None:
    valuation = replace(predictor.valuation, slippage={"A": 1e-4, "B": 9e-4})
    pooled = replace(predictor, valuation=valuation)
    audit = {}
    for symbol in ("A", "B"):
        own = bars.with_columns(symbol=pl.lit(symbol))
        live = LivePredictor(pooled)
        live.warm(own[:2000])
        audit[symbol] = live.step(bars_of(own[2000:2001])[0]).audit  # reads what the trade is expected to earn
        assert audit[symbol] == pytest.approx(pooled.decide(own[:2001]).audit, abs=1e-6)
    assert abs(audit["A"] - audit["B"]) > 1e-4


def with_other_markets(bars: pl.DataFrame) -> pl.DataFrame:
    """Columns of one series, new at 22:00 of each day, with a day of which nothing is known."""
    rng, day = np.random.default_rng(3), (ts_ms(bars) + 3_600_000 - 22 * 3_600_000) // 86_400_000
    day = day - day[0]
    risk = np.cumsum(rng.standard_normal(day[-1] + 1)) % 3 - 1.5
    columns = {"macro_vix_r5": risk[day], "macro_vix_vol": np.abs(risk)[::-1][day]}
    unknown = day == day[2100]
    return bars.with_columns(pl.Series(name, np.where(unknown, np.nan, values)) for name, values in columns.items())


def test_a_supervised_profile_steps_as_it_decides(bars: pl.DataFrame, predictor: Predictor) -> None:
    watched = with_other_markets(bars)
    supervisor = MacroRegimes((("vix", 1),), n_starts=1).fit([watched], seed=0)
    wary = replace(predictor, supervisor=supervisor, profile=supervised(HALF, 0.25))
    assert wary.lookback == supervisor.lookback
    live = LivePredictor(wary)
    said = [live.warm(watched[:2000])] + [live.step(bar) for bar in bars_of(watched[2000:2200])]
    for at, one in enumerate(said):
        other = wary.decide(watched[: 2000 + at])
        assert (one.start, one.action, one.size) == (other.start, other.action, pytest.approx(other.size, abs=1e-9))
        assert one.reason == other.reason
    assert {0.25, 1.0} <= {one.size for one in said if one.action}
    step = live.features.n_seen
    with pytest.raises(DataError, match="columns of other markets that the supervisor watches"):
        live.step(bars_of(bars[2200:2201])[0])
    assert live.features.n_seen == step
    assert live.step(bars_of(watched[2200:2201])[0]).action == wary.decide(watched[:2201]).action
    with pytest.raises(NotEnoughBars, match=rf"a supervisor needs {supervisor.lookback} bars"):
        live.warm(watched[: supervisor.lookback - 1])


@pytest.mark.parametrize("kind", [BandedTransformer, DilatedResNet])
def test_networks_step_as_they_decide(bars: pl.DataFrame, predictor: Predictor, kind: type[Network]) -> None:
    n_features = len(predictor.features.columns)
    sizes = {"n_heads": 2} if kind is BandedTransformer else {"baseline": 6}
    model = forecaster(kind(n_features, d_model=16, n_layers=2, window=8, **sizes))
    both = {**predictor.forecasters, "network": model}
    calibrations = {name: Calibration(np.zeros(2), np.ones(2)) for name in both}
    pool = FittedEnsemble(calibrations, np.array([[0.3, 0.6], [0.5, 0.5], [0.1, 0.8]]), np.zeros(2))
    with_network = replace(predictor, forecasters=both, combination=pool)
    live = LivePredictor(with_network)
    said = [live.warm(bars[:2000])] + [live.step(bar) for bar in bars_of(bars[2000:2060])]
    for at, one in enumerate(said):
        other = with_network.decide(bars[: 2000 + at])
        assert one.probability == pytest.approx(other.probability, abs=1e-6)
        assert (one.start, one.action) == (other.start, other.action)


def test_only_the_next_bar_is_taken(bars: pl.DataFrame, predictor: Predictor) -> None:
    live, (due, later) = LivePredictor(predictor), bars_of(bars[2000:2002])
    with pytest.raises(ConfigError, match="needs its history first"):
        live.step(due)
    live.warm(bars[:2000])
    with pytest.raises(DataError, match="1 bars are missing"):
        live.step(later)
    assert live.step(due).probability == pytest.approx(predictor.decide(bars[:2001]).probability, abs=1e-6)
    with pytest.raises(DataError, match="again or too late"):
        live.step(due)
    after = live.step(later._replace(ts=later.ts + 7_200_000), after_gap=True)
    last = bars[2001:2002].with_columns(pl.col("ts").dt.offset_by("2h"))
    moved = pl.concat([bars[:2001], last])
    assert after.probability == pytest.approx(predictor.decide(moved).probability, abs=1e-6)


def of(symbol: str, bars: pl.DataFrame) -> pl.DataFrame:
    return bars.with_columns(symbol=pl.lit(symbol))


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda bars: of("ETH", bars[:50]), DataError),
        (lambda bars: pl.concat([of("ETH", bars[:2000]), of("BNB", bars[:2000])]), ConfigError),
        (lambda bars: of("ETH", bars[:2000]).reverse(), DataError),
        (lambda bars: of("ETH", bars[:2000]).with_columns(close=-pl.col("close")), DataError),
        (lambda bars: of("ETH", bars[:2000]).drop("volume"), DataError),
    ],
    ids=["too few", "two symbols", "reversed", "negative prices", "no volume"],
)
def test_a_history_that_is_refused_moves_nothing(bars: pl.DataFrame, predictor: Predictor, spoil, error) -> None:
    live, twin = LivePredictor(predictor), LivePredictor(predictor)
    for one in (live, twin):
        one.warm(of("BTC", bars[:2000]))
    with pytest.raises(error):
        live.warm(spoil(bars))
    for bar in bars_of(bars[2000:2003]):
        said = live.step(bar)
        assert said == twin.step(bar)
        assert said.symbol == "BTC"


def test_a_fault_late_in_a_warm_start_moves_nothing_either(bars: pl.DataFrame, predictor: Predictor) -> None:
    network = forecaster(
        BandedTransformer(len(predictor.features.columns), d_model=16, n_layers=2, window=8, n_heads=2)
    )
    calibrations = {name: Calibration(np.zeros(2), np.ones(2)) for name in ("ridge", "network")}
    pool = FittedEnsemble(calibrations, np.full((3, 2), 0.5), np.zeros(2))
    both = {**predictor.forecasters, "network": network}
    with_network = replace(predictor, forecasters=both, combination=pool)
    live, twin = LivePredictor(with_network), LivePredictor(with_network)
    for one in (live, twin):
        one.warm(of("BTC", bars[:2000]))

    def fails(_: object) -> None:
        raise DataError("no rates")

    live._decision = fails  # what comes last
    with pytest.raises(DataError, match="no rates"):
        live.warm(of("ETH", bars[500:2400]))
    del live._decision
    for bar in bars_of(bars[2000:2003]):
        assert live.step(bar) == twin.step(bar)


def test_a_first_history_that_is_refused_leaves_a_predictor_without_one(
    bars: pl.DataFrame, predictor: Predictor
) -> None:
    live = LivePredictor(predictor)
    with pytest.raises(DataError, match="needs"):
        live.warm(bars[:50])
    with pytest.raises(ConfigError, match="needs its history first"):
        live.step(bars_of(bars[50:51])[0])


def test_costs_of_holding_that_a_bar_does_not_tell_are_refused_before_anything_moves(
    bars: pl.DataFrame, predictor: Predictor
) -> None:
    settled = np.arange(0, len(bars), 8)
    told = with_funding(bars, ts_ms(bars)[settled], np.full(len(settled), 1e-4))
    held = np.full((4, 2), 2.0)
    holding = Holding.fit(held, np.ones_like(held), horizon=6, bar_ms=3_600_000, costs=Costs(), has_rates=True)
    live = LivePredictor(replace(predictor, valuation=replace(predictor.valuation, holding=holding)))
    with pytest.raises(DataError, match="funding_due"):
        live.warm(bars[:2000])
    live.warm(told[:2000])
    due, known = bars_of(bars[2000:2001])[0], bars_of(told[2000:2001])[0]
    with pytest.raises(DataError, match="funding_due"):
        live.step(due)
    assert live.step(known).start == live.predictor.decide(told[:2001]).start
