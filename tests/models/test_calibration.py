import json

import numpy as np
import pytest

from tradsys.core.errors import ConfigError, FitError
from tradsys.core.logistic import sigmoid
from tradsys.models.calibration import PRIOR_SD, PRIOR_SLOPE, Calibration, _Profile, fit_calibration, shrunk_slope


def forecasts(
    n: int, *, true_slope: float, rate: float = 0.4, spread: float = 0.8, seed: int = 0
) -> tuple[np.ndarray, ...]:
    """Log-odds around the base rate that say `1 / true_slope` of what is true, with labels and weights, (n, 2)."""
    rng = np.random.default_rng(seed)
    pivot = np.log(rate / (1 - rate))
    d = spread * rng.standard_normal((n, 2))
    y = (rng.random((n, 2)) < 1 / (1 + np.exp(-(pivot + true_slope * d)))).astype(float)
    return pivot + d, y, np.ones((n, 2))


@pytest.mark.parametrize("true_slope", [0.2, 0.6, 1.0])
def test_an_overconfident_model_gets_its_true_slope(true_slope: float) -> None:
    calibration = fit_calibration(*forecasts(40_000, true_slope=true_slope))
    np.testing.assert_allclose(calibration.slope, true_slope, atol=0.05)
    np.testing.assert_allclose(1 / (1 + np.exp(-calibration.pivot)), 0.4, atol=0.02)


def test_a_model_is_never_made_bolder() -> None:
    assert (fit_calibration(*forecasts(20_000, true_slope=2.0)).slope == 1.0).all()


def test_a_model_that_is_wrong_is_not_turned_around() -> None:
    assert (fit_calibration(*forecasts(20_000, true_slope=-0.5)).slope == 0.0).all()


def test_few_effective_rows_keep_the_slope_near_its_prior() -> None:
    logits, y, weight = forecasts(2000, true_slope=0.0, spread=0.3)
    slopes = [fit_calibration(logits, y, weight * share).slope[0] for share in (1e-6, 0.05, 1.0)]
    np.testing.assert_allclose(slopes[0], PRIOR_SLOPE, atol=1e-3)
    assert slopes[0] > slopes[1] > slopes[2]


def test_the_slope_is_the_most_probable_one() -> None:
    logits, y, weight = forecasts(300, true_slope=0.5)
    calibration = fit_calibration(logits, y, weight)

    def objective(slope: float) -> float:
        z = calibration.pivot[0] + slope * (logits[:, 0] - calibration.pivot[0])
        return float(np.sum(np.logaddexp(0, z) - y[:, 0] * z) + 0.5 * ((slope - 0.5) / 0.5) ** 2)

    grid = np.linspace(0, 1, 10_001)
    assert abs(grid[np.argmin([objective(s) for s in grid])] - calibration.slope[0]) < 2e-4


def test_forecasts_at_the_base_rate_stay_there() -> None:
    calibration = Calibration(np.array([-0.5, 0.3]), np.array([0.4, 0.0]))
    np.testing.assert_allclose(calibration.logits(np.array([[-0.5, 0.3]])), [[-0.5, 0.3]])
    np.testing.assert_allclose(calibration.apply(np.array([[0.5, 9.0]])), 1 / (1 + np.exp([[0.1, -0.3]])), rtol=1e-12)


def test_unknown_forecasts_stay_unknown_and_teach_nothing() -> None:
    logits, y, weight = forecasts(500, true_slope=0.5)
    holes = logits.copy()
    holes[::3] = np.nan
    calibration = fit_calibration(holes, y, weight)
    kept = np.isfinite(holes).all(axis=1)
    assert calibration.to_dict() == fit_calibration(logits[kept], y[kept], weight[kept]).to_dict()
    assert np.isnan(calibration.apply(holes)[::3]).all()


def test_the_training_parts_base_rate_replaces_that_of_earlier_folds() -> None:
    logits, y, weight = forecasts(5000, true_slope=0.5)
    calibration = fit_calibration(logits, y, weight, base_rate=np.array([0.3, 0.45]))
    np.testing.assert_allclose(1 / (1 + np.exp(-calibration.pivot)), [0.3, 0.45])
    assert calibration.slope.tolist() == fit_calibration(logits, y, weight).slope.tolist()


def test_without_rows_the_prior_slope_stands_if_the_base_rate_is_known() -> None:
    none = np.empty((0, 2))
    calibration = fit_calibration(none, none, none, base_rate=np.array([0.4, 0.5]))
    assert calibration.slope.tolist() == [PRIOR_SLOPE, PRIOR_SLOPE]
    with pytest.raises(FitError, match="found a base rate of nan among 0 labels"):
        fit_calibration(none, none, none)


def test_one_outcome_alone_cannot_calibrate() -> None:
    logits, y, weight = forecasts(50, true_slope=0.5)
    with pytest.raises(FitError, match=r"both outcomes on each side, found a base rate of 1\.0 among 50"):
        fit_calibration(logits, np.ones_like(y), weight)


def test_shapes_must_agree() -> None:
    logits, y, weight = forecasts(50, true_slope=0.5)
    with pytest.raises(ConfigError, match="three arrays of shape"):
        fit_calibration(logits, y[:, 0], weight)


def test_extreme_log_odds_do_not_overflow() -> None:
    calibration = Calibration(np.zeros(2), np.ones(2))
    assert calibration.apply(np.array([[1e4, -1e4]])).tolist() == [[1.0, 0.0]]


def test_a_saved_calibration_comes_back_to_the_last_bit() -> None:
    calibration = fit_calibration(*forecasts(500, true_slope=0.5))
    again = Calibration.from_dict(json.loads(json.dumps(calibration.to_dict())))
    assert again.pivot.tobytes() == calibration.pivot.tobytes()
    assert again.slope.tobytes() == calibration.slope.tobytes()


def least_loss(z: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A grid of slopes, and the loss of each with its best level, by looking at many levels."""
    d, slopes = z - z.mean(), np.linspace(0, 1, 201)
    levels = np.linspace(-60, 60, 2401)[:, None]
    losses = [
        (np.logaddexp(0, levels + s * d) - y * (levels + s * d)).sum(axis=1).min()
        + 0.5 * ((s - PRIOR_SLOPE) / PRIOR_SD) ** 2
        for s in slopes
    ]
    return slopes, np.array(losses)


@pytest.mark.parametrize("size", [5.0, 20.0, 76.0])
@pytest.mark.parametrize("n_wrong", [0, 1, 12])
def test_large_log_odds_get_the_slope_of_the_least_loss(size: float, n_wrong: int) -> None:
    y = np.tile([0.0, 1.0], 12)
    z = np.where(y > 0, size, -size)
    z[:n_wrong] *= -1
    slopes, losses = least_loss(z, y)
    assert shrunk_slope(z, y, np.ones(24)) == pytest.approx(slopes[losses.argmin()], abs=0.01)


@pytest.mark.parametrize("size", [76.0, 1e3, 1e10, 1e200])
def test_log_odds_beyond_all_reason_are_survived(size: float) -> None:
    y = np.tile([0.0, 1.0], 200)
    right = np.where(y > 0, size, -size)
    assert shrunk_slope(right, y, np.ones(400)) == pytest.approx(0.5, abs=1e-3)  # separated: the prior alone speaks
    assert shrunk_slope(-right, y, np.ones(400)) == 0.0


@pytest.mark.parametrize("place", ["z", "y", "w"])
def test_a_slope_of_nothing_known_is_refused(place: str) -> None:
    parts = {"z": np.linspace(-1, 1, 10), "y": np.tile([0.0, 1.0], 5), "w": np.ones(10)}
    parts[place][3] = np.nan
    with pytest.raises(FitError, match="a slope needs finite log-odds"):
        shrunk_slope(**parts)


def test_a_slope_of_one_outcome_is_refused() -> None:
    for y in (np.zeros(10), np.ones(10)):
        with pytest.raises(FitError, match="a slope needs both outcomes"):
            shrunk_slope(np.linspace(-1, 1, 10), y, np.ones(10))


@pytest.mark.parametrize("slope", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("spread", [0.01, 1.0, 60.0])
def test_forecasts_are_right_on_average_at_their_level(slope: float, spread: float) -> None:
    z, y, w = (one[:, 0] for one in forecasts(3_000, true_slope=0.5, rate=0.1, spread=spread))
    loss = _Profile(z - z.mean(), y, w)
    p = sigmoid(loss._level(slope) + slope * loss.d)
    assert abs((p - y).mean()) < 1e-12
