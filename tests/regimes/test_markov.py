import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.features.markets import mirrored, ordinary

from tradsys.core.errors import ConfigError, NotEnoughBars
from tradsys.data.simulate import known_states, simulate
from tradsys.regimes.markov import FittedRegimeFilter, RangeObservation, RegimeSpec

N_TRAIN, N_BARS = 16_000, 22_000


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return simulate("regimes", seed=1, n_bars=N_BARS)


@pytest.fixture(scope="module")
def fitted(bars: pl.DataFrame) -> FittedRegimeFilter:
    return RegimeSpec().fit([bars[:N_TRAIN]], seed=0)


def test_the_true_states_of_a_simulated_market_are_recognised_on_later_bars(
    fitted: FittedRegimeFilter, bars: pl.DataFrame
) -> None:
    truth = known_states("regimes", seed=1, n_bars=N_BARS)[N_TRAIN:]
    guess = fitted.filter(bars)[N_TRAIN:].argmax(axis=1)
    assert fitted.regimes.is_converged
    assert np.mean(guess == truth) > 0.8  # always guessing quiet: .57
    for state in range(3):
        assert np.mean(guess[truth == state] == state) > 0.7


def test_states_are_in_order_of_volatility(fitted: FittedRegimeFilter, bars: pl.DataFrame) -> None:
    returns = bars["close"].log().diff().to_numpy()
    state = fitted.filter(bars)[fitted.lookback :].argmax(axis=1)
    sd = [returns[fitted.lookback :][state == k].std() for k in range(3)]
    assert sd[0] * 1.5 < sd[1] < sd[2] / 1.5


def test_the_lookback_alone_reproduces_the_batch(fitted: FittedRegimeFilter, bars: pl.DataFrame) -> None:
    batch = fitted.filter(bars)
    assert np.isnan(batch[: fitted.lookback - 1]).all()
    assert np.isfinite(batch[fitted.lookback - 1 :]).all()
    for row in (fitted.lookback - 1, 5000, N_BARS - 1):
        last = fitted.filter(bars[row - fitted.lookback + 1 : row + 1])[-1]
        np.testing.assert_allclose(last, batch[row], rtol=0, atol=1e-12)


def test_what_lies_before_the_lookback_would_not_have_mattered(fitted: FittedRegimeFilter, bars: pl.DataFrame) -> None:
    X = fitted.observation.compute(bars)[fitted.observation.lookback - 1 :]
    whole = fitted.regimes.filter(X)[fitted.window - 1 :]
    np.testing.assert_allclose(fitted.filter(bars)[fitted.lookback - 1 :], whole, rtol=0, atol=1e-6)


def test_changing_the_future_leaves_every_bit_of_the_past(fitted: FittedRegimeFilter, bars: pl.DataFrame) -> None:
    other = bars[5000:].with_columns(high=pl.col("high") * 1.1)
    before = fitted.filter(bars)[:5000].tobytes()
    assert fitted.filter(pl.concat([bars[:5000], other]))[:5000].tobytes() == before
    assert fitted.filter(bars[:5000]).tobytes() == before


def test_a_mirrored_market_is_in_the_same_regime(fitted: FittedRegimeFilter, bars: pl.DataFrame) -> None:
    np.testing.assert_allclose(fitted.filter(mirrored(bars[:3000])), fitted.filter(bars[:3000]), rtol=0, atol=1e-9)


def test_the_daily_rhythm_is_learnt_and_taken_out(bars: pl.DataFrame) -> None:
    observation = RangeObservation().fit([bars])
    rhythm = np.array(observation.rhythm)
    hours = np.arange(24)
    expected = np.log(1 + 0.35 * np.sin(2 * np.pi * (hours - 9) / 24))
    np.testing.assert_allclose(rhythm - rhythm.mean(), expected - expected.mean(), atol=0.12)
    values = observation.compute(bars)[observation.lookback :, 0]
    by_hour = [values[hours_of(bars)[observation.lookback :] == h].mean() for h in hours]
    assert np.ptp(by_hour) < 0.1 < np.ptp(rhythm)


def hours_of(bars: pl.DataFrame) -> np.ndarray:
    return bars["ts"].dt.hour().to_numpy()


def test_symbols_are_pooled_and_their_runs_kept_apart(bars: pl.DataFrame) -> None:
    spec = RegimeSpec(n_starts=2, max_rows=3000)
    pooled = spec.fit([bars[:4000], bars[4000:8000]], seed=0)
    assert pooled.regimes.log_likelihood == pytest.approx(
        sum(
            pooled.regimes.score(pooled.observation.compute(part)[pooled.observation.lookback - 1 :][-1500:])
            for part in (bars[:4000], bars[4000:8000])
        )
    )


def test_a_warm_start_needs_no_new_starts(fitted: FittedRegimeFilter, bars: pl.DataFrame) -> None:
    warm = RegimeSpec().fit([bars[: N_TRAIN + 2000]], seed=0, start_from=fitted)
    assert warm.regimes.is_converged
    np.testing.assert_allclose(np.array(warm.regimes.means), np.array(fitted.regimes.means), atol=0.1)


def test_a_saved_filter_gives_the_same_bits(fitted: FittedRegimeFilter, bars: pl.DataFrame) -> None:
    again = FittedRegimeFilter.from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert again == fitted
    assert again.filter(bars[:1000]).tobytes() == fitted.filter(bars[:1000]).tobytes()


@pytest.mark.parametrize("n_bars", [0, 1, 240, 399])
def test_short_histories_are_all_warm_up(fitted: FittedRegimeFilter, n_bars: int) -> None:
    values = fitted.filter(ordinary(500)[:n_bars])
    assert values.shape == (n_bars, 3)
    assert np.isnan(values).all()


def test_too_little_history_is_refused() -> None:
    with pytest.raises(NotEnoughBars, match="regimes need 241 bars before their first observation, found 200"):
        RegimeSpec().fit([ordinary(200)], seed=0)


def test_settings_that_cannot_mean_anything_are_refused() -> None:
    with pytest.raises(ConfigError, match="window and max_rows count"):
        RegimeSpec(window=0)
    with pytest.raises(ConfigError, match="needs 2 states"):
        RegimeSpec(n_states=1)
    with pytest.raises(ConfigError, match="reference counts bars"):
        RangeObservation(1)


@pytest.mark.needs_data
def test_real_bars_have_three_regimes_that_last_and_are_all_used(development_data: Path) -> None:
    bars = pl.read_parquet(development_data / "market" / "BTCUSDT-1h-binancefut.parquet").with_columns(
        pl.from_epoch("ts", "ms").dt.cast_time_unit("ms").dt.replace_time_zone("UTC")
    )
    fitted = RegimeSpec().fit([bars[:20_000]], seed=0)
    state = fitted.filter(bars)[20_000:].argmax(axis=1)
    assert fitted.regimes.is_converged
    assert np.bincount(state, minlength=3).min() > 0.1 * len(state)
    assert np.diag(np.array(fitted.regimes.transition)).min() > 0.75
