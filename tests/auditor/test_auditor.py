import json

import numpy as np
import pytest

from tradsys.auditor.auditor import Auditor, AuditorSpec, FittedAuditor, LogisticAuditor
from tradsys.core.errors import BundleError, ConfigError, DataError

HOUR_MS = 3_600_000
SPECS: list[AuditorSpec] = [Auditor(n_trees=60), LogisticAuditor()]


@pytest.fixture(params=SPECS, ids=lambda spec: type(spec).__name__)
def spec(request: pytest.FixtureRequest) -> AuditorSpec:
    return request.param


def trades_of(
    n: int = 3000, *, edge: float = 1.0, rate: float = 0.45, life: int = 4, seed: int = 0
) -> tuple[np.ndarray, ...]:
    """Inputs of which the first tells the outcome, outcomes, weights, starts and ends."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 4)) * [1.0, 100.0, 1.0, 0.0] + [0.0, 5.0, 0.0, 1.0]
    made_money = rng.random(n) < 1 / (1 + np.exp(-(np.log(rate / (1 - rate)) + edge * X[:, 0])))
    start = np.arange(n) * HOUR_MS
    return X, made_money.astype(float), 0.5 + 0.5 * rng.random(n), start, start + life * HOUR_MS


def test_trades_that_make_money_are_told_from_those_that_do_not(spec: AuditorSpec) -> None:
    fitted = spec.fit(*trades_of(), seed=0)
    X, y, *_ = trades_of(seed=1)
    p = fitted.probability(X)
    assert fitted.is_informative
    assert fitted.reason == ""
    assert p.shape == (len(X),)
    assert p[y == 1].mean() - p[y == 0].mean() > 0.1


def test_its_probabilities_are_calibrated(spec: AuditorSpec) -> None:
    fitted = spec.fit(*trades_of(6000), seed=0)
    X, y, *_ = trades_of(6000, seed=1)
    p = fitted.probability(X)
    for low, high in ((0.0, 0.35), (0.35, 0.55), (0.55, 1.0)):
        chosen = (p >= low) & (p < high)
        assert chosen.sum() > 300
        assert abs(p[chosen].mean() - y[chosen].mean()) < 0.06


def test_outcomes_without_a_pattern_leave_the_base_rate(spec: AuditorSpec) -> None:
    fitted = spec.fit(*trades_of(edge=0.0), seed=0)
    p = fitted.probability(trades_of(seed=1)[0])
    assert np.abs(p - 0.45).max() < 0.1


def test_near_copies_across_a_fold_are_purged(spec: AuditorSpec) -> None:
    # labels that live for half the sample leave no training rows, where a split by rows would have kept them
    fitted = spec.fit(*trades_of(life=3000), seed=0)
    assert not fitted.is_informative
    assert "no training labels left" in fitted.reason


def test_too_few_trades_give_the_base_rate_and_say_so(spec: AuditorSpec) -> None:
    fitted = spec.fit(*trades_of(60), seed=0)
    assert not fitted.is_informative
    assert "needs 100 independent trades" in fitted.reason
    p = fitted.probability(trades_of(5)[0])
    assert np.ptp(p) == 0
    assert 0.2 < p[0] < 0.7


def test_one_outcome_alone_gives_a_probability_short_of_certain(spec: AuditorSpec) -> None:
    X, y, *rest = trades_of(500)
    fitted = spec.fit(X, np.zeros_like(y), *rest, seed=0)
    assert not fitted.is_informative
    assert "of which 0 made money" in fitted.reason
    assert 0 < fitted.probability(X[:1])[0] < 0.01


def test_no_trades_at_all_are_an_even_chance(spec: AuditorSpec) -> None:
    fitted = spec.fit(*(values[:0] for values in trades_of(10)), seed=0)
    assert not fitted.is_informative
    assert fitted.probability(np.zeros((1, 4))).tolist() == [0.5]


def test_unknown_inputs_give_an_unknown_probability(spec: AuditorSpec) -> None:
    X = trades_of(20)[0]
    X[3, 1] = np.nan
    for fitted in (spec.fit(*trades_of(), seed=0), spec.fit(*trades_of(60), seed=0)):
        p = fitted.probability(X)
        assert np.isnan(p[3])
        assert np.isfinite(np.delete(p, 3)).all()


def test_one_trade_is_judged_as_in_the_batch(spec: AuditorSpec) -> None:
    fitted = spec.fit(*trades_of(), seed=0)
    X = trades_of(50, seed=2)[0]
    np.testing.assert_allclose(fitted.probability(X[7:8])[0], fitted.probability(X)[7], rtol=0, atol=1e-9)


@pytest.mark.parametrize("n", [60, 1500])
def test_a_saved_auditor_gives_the_same_bits(spec: AuditorSpec, n: int) -> None:
    fitted = spec.fit(*trades_of(n), seed=0)
    files = fitted.to_files()
    again = FittedAuditor.from_files(files)
    X = trades_of(200, seed=2)[0]
    assert again.probability(X).tobytes() == fitted.probability(X).tobytes()
    assert again.to_files() == files
    assert (again.is_informative, again.reason) == (fitted.is_informative, fitted.reason)


def test_the_same_trades_and_seed_give_the_same_files(spec: AuditorSpec) -> None:
    assert spec.fit(*trades_of(800), seed=2).to_files() == spec.fit(*trades_of(800), seed=2).to_files()


def test_files_of_something_else_are_refused_by_name(spec: AuditorSpec) -> None:
    files = spec.fit(*trades_of(60), seed=0).to_files()
    with pytest.raises(BundleError, match=r"needs auditor\.json, found \['x'\]"):
        FittedAuditor.from_files({"x": b""})
    about = json.loads(files["auditor.json"]) | {"score": "oracle"}
    with pytest.raises(BundleError, match="one of trees, line, found 'oracle'"):
        FittedAuditor.from_files({"auditor.json": json.dumps(about).encode()})
    about["score"] = "trees"
    with pytest.raises(BundleError, match=r"needs trees\.ubj, found \['auditor\.json'\]"):
        FittedAuditor.from_files({"auditor.json": json.dumps(about).encode()})


def test_arrays_that_do_not_belong_together_are_refused(spec: AuditorSpec) -> None:
    X, y, weight, start, end = trades_of(300)
    with pytest.raises(ConfigError, match=r"one row a trade in all arrays, found lengths \[299, 300\]"):
        spec.fit(X, y[1:], weight, start, end, seed=0)
    with pytest.raises(ConfigError, match="fitted on 4 inputs, found an array of shape"):
        spec.fit(X, y, weight, start, end, seed=0).probability(X[:, :2])


@pytest.mark.parametrize(
    ("array", "value", "sentence"),
    [
        (0, np.inf, "found 1 trades with infinite or larger ones, the first in row 3"),
        (0, 1e300, "the first in row 3"),
        (1, np.nan, "outcomes of 0 and 1"),
        (1, -1.0, "outcomes of 0 and 1"),
        (2, np.inf, "finite weights"),
        (2, -1.0, "finite weights"),
    ],
)
def test_trades_that_teach_nothing_are_refused(spec: AuditorSpec, array: int, value: float, sentence: str) -> None:
    trades = [np.array(one) for one in trades_of(300)]
    trades[array].reshape(300, -1)[3, 0] = value
    with pytest.raises(DataError, match=sentence):
        spec.fit(*trades, seed=0)


def test_settings_that_cannot_mean_anything_are_refused() -> None:
    for spec in (Auditor, LogisticAuditor):
        with pytest.raises(ConfigError, match="n_folds must be at least 2"):
            spec(n_folds=1)
    with pytest.raises(ConfigError, match="max_depth and n_trees count"):
        Auditor(n_trees=0)
    with pytest.raises(ConfigError, match="penalty must be positive"):
        LogisticAuditor(penalty=0.0)
