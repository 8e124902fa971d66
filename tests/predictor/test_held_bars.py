"""A predictor decides the same on bars as people hold them: pandas, Polars, lazy, a list; a dictionary for a step."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from tradsys.core.errors import ConfigError, DataError, TradsysError
from tradsys.features.stream.bar import bars_of
from tradsys.predictor import LivePredictor, Predictor


def pandas_of(bars: pl.DataFrame) -> pd.DataFrame:
    columns = {name.capitalize(): bars[name].to_numpy() for name in bars.columns if name != "ts"}
    return pd.DataFrame(columns, index=pd.DatetimeIndex(bars["ts"].dt.replace_time_zone(None).to_numpy(), name="Date"))


FORMS = {
    "lazy": pl.DataFrame.lazy,
    "a list": lambda bars: [bars],
    "no zone": lambda bars: bars.with_columns(pl.col("ts").dt.replace_time_zone(None)),
    "pandas": pandas_of,
    "pandas, zoned": lambda bars: pandas_of(bars).tz_localize("UTC").tz_convert("Asia/Kolkata"),
    "pandas, epoch": lambda bars: pandas_of(bars).reset_index(drop=True).assign(timestamp=bars["ts"].dt.epoch("s")),
}
PREDICTED = {
    "decide": lambda predictor, bars: predictor.decide(bars),
    "decide_many": lambda predictor, bars: predictor.decide_many(bars),
    "warm": lambda predictor, bars: LivePredictor(predictor).warm(bars),
    "forecast": lambda predictor, bars: pl.DataFrame({"p": predictor.forecast(bars).probability}),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("ask", PREDICTED.values(), ids=PREDICTED)
def test_every_form_is_decided_alike(predictor: Predictor, bars: pl.DataFrame, ask, form) -> None:
    one, other = ask(predictor, bars), ask(predictor, form(bars))
    assert one.equals(other) if isinstance(one, pl.DataFrame) else one == other


def test_several_frames_are_decided_each_under_its_name(predictor: Predictor, bars: pl.DataFrame) -> None:
    table = predictor.decide_many({"A": bars, "B": pandas_of(bars)})
    one, other = (table.filter(symbol=name).drop("symbol", "bar_hash") for name in "AB")
    assert one.equals(other)
    with pytest.raises(ConfigError, match="decide takes the bars of one symbol, found 2"):
        predictor.decide({"A": bars, "B": bars})
    with pytest.raises(DataError, match="a column symbol in each"):
        predictor.decide_many([bars, bars])


@pytest.mark.parametrize(
    "form",
    [
        lambda bar: bar.row(0, named=True),
        lambda bar: bars_of(bar)[0]._asdict(),
        lambda bar: pandas_of(bar).tz_localize("UTC").iloc[0],
        pandas_of,
        pl.DataFrame.lazy,
    ],
    ids=["a dictionary", "fields", "a row of pandas", "pandas", "lazy"],
)
def test_a_step_takes_the_bar_in_every_form(predictor: Predictor, bars: pl.DataFrame, form) -> None:
    live, twin = LivePredictor(predictor), LivePredictor(predictor)
    for one in (live, twin):
        one.warm(bars[:-3])
    for i in range(len(bars) - 3, len(bars)):
        assert live.step(form(bars[i : i + 1])) == twin.step(bars_of(bars[i : i + 1])[0])


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda row: row | {"symbol": "ETH"}, "wanted a bar of BTC, which this predictor follows, found one of ETH"),
        (lambda row: {name: row[name] for name in ("ts", "close")}, "lacks open, high, low, volume"),
        (lambda row: row | {"vwap": 1.0}, "has 'vwap', which no bar has"),
        (lambda row: tuple(row.values())[:6], r"found tuple .*; a row of six numbers is Bar\(\*row\)"),
        (lambda row: np.ones(6), "found ndarray"),
        (lambda row: "2024-01-01", "found str"),
    ],
    ids=["another symbol", "too few keys", "an unknown key", "a tuple", "an array", "text"],
)
def test_a_step_says_what_it_takes_and_does_not_move(predictor: Predictor, bars: pl.DataFrame, spoil, sentence) -> None:
    live, twin = LivePredictor(predictor), LivePredictor(predictor)
    for one in (live, twin):
        one.warm({"BTC": bars[:-1]})
    with pytest.raises(TradsysError, match=sentence):
        live.step(spoil(bars.row(-1, named=True)))
    (bar,) = bars_of(bars[-1:])
    assert live.step(bar) == twin.step(bar)


@pytest.mark.parametrize("held", [None, "bars.csv", np.ones((9, 6)), [1, 2]], ids=["None", "text", "array", "numbers"])
@pytest.mark.parametrize("ask", PREDICTED.values(), ids=PREDICTED)
def test_what_is_no_frame_is_refused_in_a_sentence(predictor: Predictor, ask, held) -> None:
    with pytest.raises(ConfigError, match="takes a frame of bars, Polars' or pandas', found"):
        ask(predictor, held)
