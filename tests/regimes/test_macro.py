"""The macro supervisor: states in a fixed order, told in time, and by so many bars as it says."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from tradsys.core.bars import TS
from tradsys.core.errors import ConfigError, DataError, NotEnoughBars
from tradsys.regimes.macro import FittedMacroFilter, MacroRegimes

STEP = timedelta(hours=4)
A_DAY = 6
SERIES = (("nasdaq", -1), ("vix", 1))
STRESS = (-1.2, 0.0, 1.2)
"""What shuns risk, on average, in risk-on, neutral and risk-off."""


def days_of_states(n_days: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    states = [1]
    for _ in range(n_days - 1):
        states.append(states[-1] if rng.random() < 0.95 else int(rng.integers(3)))
    return np.array(states)


def bars(n_days: int = 900, seed: int = 0) -> tuple[pl.DataFrame, np.ndarray]:
    """Bars of four hours with the columns of two series, renewed on weekdays at 22:00, and the state of each bar."""
    rng = np.random.default_rng(seed + 1)
    first = datetime(2021, 1, 4, tzinfo=UTC)
    state = days_of_states(n_days, seed)
    told = {}
    for name, risk in SERIES:
        told[f"macro_{name}_r5"] = risk * (np.array(STRESS)[state] + 0.4 * rng.standard_normal(n_days))
        told[f"macro_{name}_vol"] = 0.5 * (state == 2) + 0.2 * rng.standard_normal(n_days)
    times = [first + k * STEP for k in range(n_days * A_DAY)]
    close_day = np.array(
        [(t + STEP - timedelta(hours=22)).date().toordinal() - first.date().toordinal() for t in times]
    )
    weekday = np.array([(first + timedelta(days=int(d))).weekday() for d in close_day])
    last = np.maximum(close_day - np.maximum(weekday - 4, 0), 0)  # Saturday and Sunday know Friday
    columns = {
        name: np.where(close_day < 0, np.nan, values[np.minimum(last, n_days - 1)]) for name, values in told.items()
    }
    frame = pl.DataFrame({"ts": pl.Series(times, dtype=TS), **columns})
    return frame, state[np.minimum(last, n_days - 1)]


@pytest.fixture(scope="module")
def spec() -> MacroRegimes:
    return MacroRegimes(SERIES, n_starts=4)


@pytest.fixture(scope="module")
def fitted(spec) -> FittedMacroFilter:
    return spec.fit([bars()[0]], seed=0)


def test_states_go_from_risk_on_to_risk_off_whatever_the_seed(spec, fitted):
    for one in (fitted, spec.fit([bars()[0]], seed=7), spec.fit([bars(seed=4)[0]], seed=0)):
        shunned = [mean[0] for mean in one.regimes.means]
        assert shunned == sorted(shunned)
        assert shunned[0] == pytest.approx(STRESS[0] * np.sqrt(2), abs=0.25)
        assert shunned[2] == pytest.approx(STRESS[2] * np.sqrt(2), abs=0.25)


def test_planted_states_are_found_in_bars_that_were_not_fitted_on(fitted):
    frame, state = bars(seed=11)
    said = fitted.filter(frame)
    known = np.isfinite(said).all(axis=1)
    assert known.mean() > 0.9
    assert (said[known].argmax(axis=1) == state[known]).mean() > 0.85


def test_a_series_turned_round_turns_the_order_round(fitted):
    frame, _ = bars()
    other = MacroRegimes((("nasdaq", 1), ("vix", -1)), n_starts=4).fit([frame], seed=0)
    mine, theirs = fitted.filter(frame), other.filter(frame)
    known = np.isfinite(mine).all(axis=1)
    assert (mine[known].argmax(axis=1) == 2 - theirs[known].argmax(axis=1)).mean() > 0.97


def test_cutting_or_changing_the_future_leaves_every_bit_of_the_past(fitted):
    frame, _ = bars(seed=2)
    whole = fitted.filter(frame)
    columns = [name for name in frame.columns if name != "ts"]
    for at in (700, 2_001, 3_333):
        other = pl.concat([frame[:at], frame[at:].with_columns(pl.col(name) * -1.0 + 3.0 for name in columns)])
        assert fitted.filter(frame[:at]).tobytes() == whole[:at].tobytes()
        assert fitted.filter(other)[:at].tobytes() == whole[:at].tobytes()


def test_the_last_lookback_bars_say_what_all_bars_say(fitted):
    frame, _ = bars(seed=3)
    hole = pl.int_range(pl.len()).is_between(2_000, 2_150)
    unknown = frame.with_columns(
        pl.when(hole).then(float("nan")).otherwise(pl.col("macro_vix_r5")).alias("macro_vix_r5")
    )
    gap = frame.filter(~hole)
    for given in (frame, unknown, gap):
        whole = fitted.filter(given)
        for row in range(fitted.lookback - 1, len(given), 37):
            tail = fitted.filter(given[row - fitted.lookback + 1 : row + 1])[-1]
            np.testing.assert_allclose(tail, whole[row], atol=1e-9)
    assert np.isnan(fitted.filter(unknown)[2_000:2_151]).all()
    assert np.isfinite(fitted.filter(frame)[fitted.lookback :]).all()


def test_a_weekend_repeats_nothing(fitted):
    frame, _ = bars(seed=2)
    said = fitted.filter(frame)
    ends = (frame["ts"] + STEP).to_list()
    weekend = [k for k, end in enumerate(ends) if end.weekday() == 6 and k > fitted.lookback]
    friday_night = [k for k, end in enumerate(ends) if (end.weekday(), end.hour) == (5, 0) and k > fitted.lookback]
    assert friday_night
    for k in weekend:
        assert said[k].tobytes() == said[k - 1].tobytes()


def test_training_bars_of_several_symbols_count_a_day_once(spec, fitted):
    frame = bars()[0]
    assert spec.fit([frame, frame[600:]], seed=0) == fitted


def test_a_saved_filter_comes_back_equal(fitted):
    import json

    assert FittedMacroFilter.from_dict(json.loads(json.dumps(fitted.to_dict()))) == fitted


def test_what_cannot_be_supervised_is_said(spec):
    with pytest.raises(ConfigError, match=r"found none; add \?risk=1"):
        MacroRegimes(())
    with pytest.raises(ConfigError, match=r"found \{'gold': 0\}"):
        MacroRegimes((("gold", 0),))
    with pytest.raises(DataError, match="wanted bars with a column macro_vix_r5"):
        spec.fit([bars()[0].drop("macro_vix_r5")], seed=0)
    with pytest.raises(NotEnoughBars, match="3 regimes need 90 rows"):
        spec.fit([bars()[0][:300]], seed=0)
    with pytest.raises(NotEnoughBars, match="found none"):
        spec.fit([bars()[0][:5]], seed=0)
