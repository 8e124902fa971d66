"""The supervisor bar by bar says what its batch says, holes, holidays and unknown values included."""

import numpy as np
import polars as pl
import pytest
from tests.regimes.test_macro import SERIES, bars

from tradsys.core.errors import DataError, NotEnoughBars
from tradsys.core.time import ts_ms
from tradsys.regimes.macro import FittedMacroFilter, MacroRegimes
from tradsys.regimes.moving_macro import MovingMacro


@pytest.fixture(scope="module")
def fitted() -> FittedMacroFilter:
    return MacroRegimes(SERIES, n_starts=1).fit([bars(400)[0]], seed=0)


def spoilt(frame: pl.DataFrame) -> pl.DataFrame:
    """With a hole of two days, one of three weeks, unknown values for some days, and a fortnight without news."""
    row = pl.int_range(pl.len())
    nothing = frame.with_columns(
        pl.when(row.is_between(600, 640)).then(float("nan")).otherwise(pl.col(name)).alias(name)
        for name in frame.columns
        if name != "ts"
    )
    still = nothing.with_columns(
        pl.when(row.is_between(1_000, 1_084)).then(pl.col(name).gather(1_000)).otherwise(pl.col(name)).alias(name)
        for name in frame.columns
        if name != "ts"
    )
    return still.filter(~row.is_between(450, 461) & ~row.is_between(1_300, 1_425))


def test_each_bar_says_what_a_bot_with_its_lookback_would_be_told(fitted: FittedMacroFilter) -> None:
    frame = spoilt(bars(300, seed=5)[0])
    n, whole = fitted.lookback, fitted.filter(frame)
    moving, told = MovingMacro.of(fitted, frame[:n]), []
    for ts, row in zip(ts_ms(frame)[n:].tolist(), frame[n:].iter_rows(named=True), strict=True):
        moving = moving.after(ts, row)
        told.append(moving.states)
    wanted = whole[n:]
    assert np.isnan(wanted).any() and np.isfinite(wanted).any()
    np.testing.assert_allclose(np.array(told), wanted, atol=1e-12, equal_nan=True)
    for at in range(n, len(frame), 37):
        np.testing.assert_allclose(told[at - n], fitted.filter(frame[at - n + 1 : at + 1])[-1], atol=1e-12)


@pytest.mark.parametrize("extra", [0, 1, 200])
def test_it_goes_on_from_any_history_that_is_long_enough(fitted: FittedMacroFilter, extra: int) -> None:
    frame = bars(200, seed=6)[0]
    n = fitted.lookback + extra
    moving = MovingMacro.of(fitted, frame[:n])
    np.testing.assert_allclose(moving.states, fitted.filter(frame[:n])[-1], atol=1e-12)
    for ts, row in zip(ts_ms(frame)[n:].tolist(), frame[n:].iter_rows(named=True), strict=True):
        moving = moving.after(ts, row)
    np.testing.assert_allclose(moving.states, fitted.filter(frame)[-1], atol=1e-12)


def test_short_histories_and_bars_without_the_columns_are_refused(fitted: FittedMacroFilter) -> None:
    frame = bars(100)[0]
    with pytest.raises(NotEnoughBars, match=rf"needs {fitted.lookback} bars"):
        MovingMacro.of(fitted, frame[: fitted.lookback - 1])
    moving = MovingMacro.of(fitted, frame[:-1])
    row = {name: value for name, value in frame.row(-1, named=True).items() if name != "macro_vix_vol"}
    with pytest.raises(DataError, match="found no macro_vix_vol"):
        moving.after(int(ts_ms(frame)[-1]), row)
