"""Every feature bar by bar is the same feature as a batch; the list is that of the battery of features."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import numpy as np
import polars as pl
import pytest
from tests.families.test_features import FEATURES, concrete
from tests.features.markets import nasty, ordinary

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import ConfigError, DataError, NotEnoughBars
from tradsys.core.outside import outside_values
from tradsys.features.feature import Feature, FittableFeature, OddColumns, masked
from tradsys.features.feature_set import FeatureSet, FittedFeatures
from tradsys.features.fractional import FracDiff
from tradsys.features.momentum import Rsi
from tradsys.features.prices import LogPrices, log_close, log_returns
from tradsys.features.stream import series
from tradsys.features.stream.feature_stream import Bar, FeatureStream, bars_of
from tradsys.features.stream.program import Program
from tradsys.features.windows import moving_sum
from tradsys.regimes.momentum import RegimeMomentum
from tradsys.regimes.volatility import VolatilityRegimes

HOUR = timedelta(hours=1)
N_BARS = 2500
ALL = [*FEATURES, RegimeMomentum(VolatilityRegimes())]


def with_gaps(n_bars: int) -> pl.DataFrame:
    """The ordinary market without some of its bars."""
    keep = np.ones(n_bars + 300, bool)
    keep[[700, 1100, 1101, *range(1500, 1560), 2400]] = False
    return ordinary(n_bars + 300).filter(keep).head(n_bars)


MARKETS: list[Callable[[int], pl.DataFrame]] = [ordinary, nasty, with_gaps]


@pytest.fixture(scope="module", params=MARKETS, ids=lambda market: market.__name__)
def bars(request: pytest.FixtureRequest) -> pl.DataFrame:
    return request.param(N_BARS)


def tolerance(bars: pl.DataFrame) -> float:
    """Where the nasty market stands still, the batch itself divides an ulp of the log price by a volatility of 1e-6."""
    return 5e-9 if bars["close"][0] < 1 else 1e-9


READ_OPTIONAL_COLUMNS = {"taker_imbalance", "trade_size_zscore"}
"""A stream computes from prices and volume; what only some venues tell goes the slow way."""


def raw(feature: Feature | FittableFeature) -> FittedFeatures:
    return FeatureSet((concrete(feature),)).learn([ordinary(1500)])


@pytest.mark.parametrize("feature", ALL, ids=[f"{f.name}-{i}" for i, f in enumerate(ALL)])
def test_bar_by_bar_equals_the_batch(feature: Feature | FittableFeature, bars: pl.DataFrame) -> None:
    if isinstance(feature, FracDiff) and np.ptp(np.diff(bars["ts"].to_numpy().astype(int))):
        pytest.skip("refuses gaps as a batch, too")
    fitted = raw(feature)
    stream = FeatureStream(fitted, HOUR)
    if feature.name in READ_OPTIONAL_COLUMNS:
        assert not stream.is_fast.any()
    else:
        assert stream.is_fast.all(), stream.why_slow
    whole = np.clip(fitted.raw(bars), -5.0, 5.0)
    first = stream.lookback
    assert N_BARS - first > 1000
    np.testing.assert_allclose(stream.warm(bars[:first])[0], whole[first - 1], rtol=0, atol=1e-9)
    said = np.array([stream.step(bar, after_gap=True) for bar in bars_of(bars[first:])])
    np.testing.assert_allclose(said, whole[first:], rtol=0, atol=tolerance(bars))


@pytest.fixture(scope="module")
def of_a_run() -> FittedFeatures:
    train = ordinary(1500, seed=5)
    return FeatureSet((*FeatureSet.default().features, RegimeMomentum())).fit([train], seed=0)


def test_the_set_of_a_run_is_fast_and_equals_its_batch(of_a_run: FittedFeatures, bars: pl.DataFrame) -> None:
    stream = FeatureStream(of_a_run, HOUR)
    assert stream.is_fast.all()
    assert stream.why_slow == {}
    whole, first = of_a_run.compute(bars).values, stream.lookback
    stream.warm(bars[:first])
    said = np.array([stream.step(bar, after_gap=True) for bar in bars_of(bars[first:])])
    np.testing.assert_allclose(said, whole[first:], rtol=0, atol=tolerance(bars))


def test_a_warm_start_says_the_last_rows_and_can_be_had_again(of_a_run: FittedFeatures) -> None:
    bars, stream = ordinary(N_BARS), FeatureStream(of_a_run, HOUR)
    once = stream.warm(bars, n_rows=7)
    np.testing.assert_allclose(once, of_a_run.compute(bars).values[-7:], rtol=0, atol=1e-9)
    assert stream.warm(bars, n_rows=7).tobytes() == once.tobytes()
    with pytest.raises(NotEnoughBars, match=f"needs {stream.lookback} closed bars of one symbol, found 50 of 1"):
        stream.warm(bars[:50])


def test_rows_are_nan_until_the_lookback_has_been_seen() -> None:
    stream = FeatureStream(raw(Rsi()), HOUR)
    said = np.array([stream.step(bar) for bar in bars_of(ordinary(stream.lookback + 3))])
    assert np.isnan(said[:-4]).all()
    assert np.isfinite(said[-4:]).all()


@dataclass(frozen=True)
class _Smoothed(OddColumns):
    """Reads rows, which no trace can."""

    name: ClassVar[str] = "smoothed"
    columns: ClassVar[tuple[str, ...]] = ("smoothed",)
    lookback: ClassVar[int] = 5

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        returns = log_returns(log_close(bars))
        return masked([np.array([returns[max(0, t - 3) : t + 1].sum() for t in range(len(returns))])], self.lookback)


@dataclass(frozen=True)
class _Mood(OddColumns):
    """A column from outside."""

    name: ClassVar[str] = "mood"
    columns: ClassVar[tuple[str, ...]] = ("mood",)
    lookback: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("macro_mood",)

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        return outside_values(bars, "macro_mood")[:, None]


def test_what_cannot_be_traced_is_slow_visibly_and_right() -> None:
    mood = np.random.default_rng(3).normal(size=900)
    mood[700:750] = np.nan
    bars = ordinary(900).with_columns(macro_mood=pl.Series(mood))
    fitted = FeatureSet((Rsi(), _Smoothed(), _Mood())).fit([bars])
    stream = FeatureStream(fitted, HOUR)
    assert stream.is_fast.tolist() == [True, False, False]
    assert "has no rows to look into" in stream.why_slow["smoothed"]
    assert "bars that are traced one by one have no" in stream.why_slow["mood"]
    stream.warm(bars[:600])
    said = np.array([stream.step(bar) for bar in bars_of(bars[600:])])
    np.testing.assert_allclose(said, fitted.compute(bars).values[600:], rtol=0, atol=1e-9)


@dataclass(frozen=True)
class _Forgetful(OddColumns):
    """Its trace is another feature than its batch."""

    name: ClassVar[str] = "forgetful"
    columns: ClassVar[tuple[str, ...]] = ("x",)
    lookback: ClassVar[int] = 1

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        return masked([LogPrices.of(bars).close * (2.0 if series.is_traced(bars) else 1.0)], 1)


def test_a_trace_that_is_not_its_batch_is_refused_unless_it_is_not_used() -> None:
    with pytest.raises(ConfigError, match=r"x is .* bar by bar and .* as a batch.*name the feature in `slow`"):
        FeatureStream(raw(_Forgetful()), HOUR).warm(ordinary(50))
    stream = FeatureStream(raw(_Forgetful()), HOUR, slow=("forgetful",))
    assert stream.why_slow == {"forgetful": "asked for"}
    assert stream.warm(ordinary(50)).shape == (1, 1)


def shifted(bar: Bar, n_bars: float) -> Bar:
    return bar._replace(ts=bar.ts + int(n_bars * 3_600_000))


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda bar: shifted(bar, -1), "again or too late"),
        (lambda bar: shifted(bar, -9), "again or too late"),
        (lambda bar: shifted(bar, 0.5), "off the grid of 3600 s"),
        (lambda bar: shifted(bar, 2), "2 bars are missing"),
        (lambda bar: bar._replace(high=bar.low * 0.9), "wanted finite prices"),
        (lambda bar: bar._replace(close=float("nan")), "wanted finite prices"),
        (lambda bar: bar._replace(volume=-1.0), "wanted finite prices"),
    ],
    ids=["repeated", "out of order", "off the grid", "after a gap", "impossible", "not finite", "negative volume"],
)
def test_a_bar_that_is_not_the_next_one_is_refused_and_nothing_moves(
    spoil: Callable[[Bar], Bar], sentence: str
) -> None:
    bars, stream = ordinary(400), FeatureStream(raw(Rsi()), HOUR)
    (next_bar,) = bars_of(bars[399:])
    stream.warm(bars[:399])
    with pytest.raises(DataError, match=sentence):
        stream.step(spoil(next_bar))
    np.testing.assert_allclose(stream.step(next_bar), raw(Rsi()).compute(bars).values[-1], atol=1e-9)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda bars: bars[:5],
        lambda bars: bars.reverse(),
        lambda bars: pl.concat([bars.with_columns(symbol=pl.lit(name)) for name in "AB"]),
        lambda bars: bars.with_columns(macro_mood=pl.lit(float("inf"))),
        lambda bars: bars.drop("macro_mood"),
    ],
    ids=["too few", "reversed", "two symbols", "infinite", "a column short"],
)
def test_a_history_that_is_refused_moves_nothing(spoil: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    bars = ordinary(900).with_columns(macro_mood=pl.lit(0.5))
    fitted = FeatureSet((Rsi(), _Smoothed(), _Mood())).learn([bars])
    stream, twin = (FeatureStream(fitted, HOUR) for _ in range(2))
    for one in (stream, twin):
        one.warm(bars[:600])
    with pytest.raises((DataError, ConfigError)):
        stream.warm(spoil(ordinary(300).with_columns(macro_mood=pl.lit(2.0))))
    for bar in bars_of(bars[600:640]):
        assert stream.step(bar).tobytes() == twin.step(bar).tobytes()


def test_a_bar_without_the_columns_of_the_others_is_refused_and_nothing_moves() -> None:
    bars = ordinary(700).with_columns(macro_mood=pl.lit(0.5))
    fitted = FeatureSet((Rsi(), _Mood())).learn([bars])
    stream, twin = (FeatureStream(fitted, HOUR) for _ in range(2))
    for one in (stream, twin):
        one.warm(bars[:600])
    due = bars_of(bars[600:601])[0]
    for outside in ({}, {"macro_moon": 1.0}):
        with pytest.raises(DataError, match="macro_mood"):
            stream.step(due._replace(outside=outside))
    for bar in bars_of(bars[600:640]):
        assert stream.step(bar).tobytes() == twin.step(bar).tobytes()


def test_a_bar_whose_features_have_no_value_is_refused_and_nothing_moves() -> None:
    @dataclass(frozen=True)
    class Volumes(OddColumns):
        """Overflows where volumes are absurd."""

        name: ClassVar[str] = "volumes"
        columns: ClassVar[tuple[str, ...]] = ("volumes",)
        lookback: ClassVar[int] = 3

        def compute(self, bars: pl.DataFrame) -> FloatArray:
            volume = series.ohlcv(bars).volume
            return masked([moving_sum(volume * volume, np.ones(3))], 3)

    bars = ordinary(700)
    fitted = FittedFeatures((Volumes(), Rsi()), (0.0, 0.0), (1e6, 1.0))
    stream, twin = (FeatureStream(fitted, HOUR) for _ in range(2))
    for one in (stream, twin):
        assert one.is_fast.all()
        one.warm(bars[:600])
    due = bars_of(bars[600:601])[0]
    with pytest.raises(DataError, match="has no value at the last bar"):
        stream.step(due._replace(volume=1e300))
    for bar in bars_of(bars[600:640]):
        assert stream.step(bar).tobytes() == twin.step(bar).tobytes()


def test_fractional_differences_refuse_a_gap_whatever_is_said() -> None:
    bars, stream = ordinary(900), FeatureStream(raw(FracDiff(d=0.4, tau=1e-3)), HOUR)
    stream.warm(bars[:700])
    with pytest.raises(DataError, match="frac_diff needs bars without gaps"):
        stream.step(bars_of(bars[705:706])[0], after_gap=True)


@pytest.mark.parametrize("ufunc", series.OPERATIONS, ids=lambda ufunc: ufunc.__name__)
def test_every_operation_says_what_numpy_says(ufunc: np.ufunc) -> None:
    tape = series.Tape()
    bars = series.TracedBars(tape)
    inputs = [bars.arrays.open, bars.arrays.high][: ufunc.nin]
    out: series.Series = ufunc(*inputs)
    program = Program.of(tape, [out])
    for a, b in ((2.5, 0.75), (0.75, 0.75), (7.0, 3.0)):
        program.step((0, a, b, 0, 0, 0), 0)
        assert program.values[out.node] == pytest.approx(float(ufunc(*(a, b)[: ufunc.nin])), rel=1e-15)


def test_equal_operations_are_written_once() -> None:
    fitted = FeatureSet((Rsi(), Rsi(period=7))).learn([ordinary(1500)])
    apart = [FeatureStream(raw(f), HOUR)._program for f in (Rsi(), Rsi(period=7))]
    assert len(FeatureStream(fitted, HOUR)._program.code) < sum(len(p.code) for p in apart)
