"""Doors of everything that takes one symbol's bars: frames that cannot be are refused, each in a sentence."""

import numpy as np
import polars as pl
import pytest
from tests.features.markets import ordinary

from tradsys.backtest.grid import Grid
from tradsys.core.bars import to_arrays
from tradsys.core.errors import DataError
from tradsys.core.single_symbol import single_symbol
from tradsys.core.time import ts_ms
from tradsys.features import FeatureSet
from tradsys.features.fractional import FracDiff
from tradsys.features.momentum import Rsi
from tradsys.labels import BarrierSpec, cusum, every_bar, triple_barrier, volatility_expansion
from tradsys.regimes import RegimeSpec, VolatilityRegimes

BARS = ordinary(900)
FITTED = FeatureSet((Rsi(),)).fit([BARS])
REGIMES = VolatilityRegimes().fit([BARS], seed=0)
HIDDEN = RegimeSpec(n_starts=1).fit([BARS], seed=0)

DOORS = {
    "single_symbol": lambda bars: single_symbol(bars, "a test"),
    "triple_barrier": triple_barrier,
    "fine_bars": lambda bars: triple_barrier(BARS, fine_bars=bars),
    "BarrierSpec.label": lambda bars: BarrierSpec().label(bars),
    "event_rows": lambda bars: BarrierSpec(events="cusum").event_rows(bars),
    "cusum": lambda bars: cusum(bars, 1.0),
    "volatility_expansion": volatility_expansion,
    "FeatureSet.fit": lambda bars: FeatureSet((Rsi(),)).fit([BARS, bars]),
    "FeatureSet.learn": lambda bars: FeatureSet((FracDiff(),)).learn([bars]),
    "FittedFeatures.compute": FITTED.compute,
    "FittedFeatures.raw": FITTED.raw,
    "RegimeSpec.fit": lambda bars: RegimeSpec(n_starts=1).fit([bars], seed=0),
    "a filter of hidden states": HIDDEN.filter,
    "VolatilityRegimes.fit": lambda bars: VolatilityRegimes().fit([bars], seed=0),
    "a filter of volatility": REGIMES.filter,
    "a simulation": lambda bars: Grid.of({"A": bars}, int(ts_ms(BARS)[0]), int(ts_ms(BARS)[-1])),
}


def at(row: int, **values: float):
    """One row's numbers replaced."""
    here = pl.int_range(pl.len()) == row
    return lambda bars: bars.with_columns(
        **{name: pl.when(here).then(value).otherwise(name) for name, value in values.items()}
    )


FAULTS = {
    "pooled": (lambda bars: pl.concat([bars.with_columns(symbol=pl.lit(s)) for s in "AB"]), "of one symbol, found 2"),
    "reversed": (pl.DataFrame.reverse, "disorder|needs two bars"),
    "shuffled": (lambda bars: bars.sample(fraction=1.0, shuffle=True, seed=0), "disorder"),
    "twice": (lambda bars: pl.concat([bars[:500], bars[499:]]), "duplicates"),
    "NaN": (at(500, close=float("nan")), "close is not finite .* row 500"),
    "null": (at(500, open=None), "open is not finite .* row 500"),
    "infinite": (at(500, high=float("inf")), "high is not finite"),
    "negative": (lambda bars: bars.with_columns(-pl.col("open", "high", "low", "close")), "is not positive"),
    "zero": (at(500, low=0.0), "low is not positive"),
    "high below low": (lambda bars: bars.rename({"high": "low", "low": "high"}), "impossible OHLC"),
    "low above close": (at(500, low=1e9), "impossible OHLC, low above"),
    "negative volume": (at(500, volume=-1.0), "negative volume"),
    "no close": (lambda bars: bars.drop("close"), "no column close"),
    "text": (lambda bars: bars.with_columns(pl.col("close").cast(pl.String)), "column close must be Float64"),
    "numbers as times": (lambda bars: bars.with_columns(pl.col("ts").dt.epoch("ms")), "column ts must be"),
}


@pytest.mark.parametrize(("spoil", "sentence"), FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_a_frame_that_cannot_be_is_refused_at_every_door(door, spoil, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        door(spoil(BARS))


def test_every_bar_counts_rows_and_nothing_else() -> None:
    assert every_bar(BARS).tolist() == list(range(900))


@pytest.mark.parametrize(
    "change",
    [
        lambda bars: bars,
        lambda bars: bars.with_columns(symbol=pl.lit("A")),
        lambda bars: bars.with_columns(volume=pl.lit(0.0)),
        lambda bars: bars.with_columns(pl.col("volume").round().cast(pl.Int64)),
        lambda bars: bars.with_columns(pl.col("ts").dt.cast_time_unit("us")),
        lambda bars: bars.filter(pl.int_range(pl.len()) % 7 > 0),
        lambda bars: bars.clear(),
        lambda bars: bars[:1],
    ],
    ids=["as it is", "one symbol named", "no volume", "whole numbers", "microseconds", "gaps", "empty", "one bar"],
)
def test_a_frame_that_can_be_comes_through_as_it_is(change) -> None:
    bars = change(BARS)
    for taken, wanted in zip(
        (getattr(single_symbol(bars, "a test"), name) for name in ("ts", "open", "close", "volume")),
        (getattr(to_arrays(bars), name) for name in ("ts", "open", "close", "volume")),
        strict=True,
    ):
        assert np.array_equal(taken, wanted)


def test_a_feature_alone_refuses_the_seam_between_two_symbols() -> None:
    with pytest.raises(DataError, match="a feature takes the bars of one symbol, found 2"):
        Rsi().compute(pl.concat([BARS.with_columns(symbol=pl.lit(s)) for s in "AB"]))
