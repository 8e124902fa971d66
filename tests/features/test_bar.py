"""A bar as people hold it, for whoever steps: the same bar, or a sentence that says what it lacks."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.features.markets import ordinary

from tradsys.core.errors import ConfigError, DataError, TradsysError
from tradsys.core.told import tell
from tradsys.features import FeatureSet
from tradsys.features.momentum import Rsi
from tradsys.features.stream.bar import Bar, as_bar, bars_of
from tradsys.features.stream.feature_stream import FeatureStream

BARS = ordinary(300)
WANTED = bars_of(BARS)[-1]
ROW = BARS.row(-1, named=True)
TIME = ROW["ts"]
ORDINARY = {name: ROW[name] for name in ("ts", "open", "high", "low", "close", "volume")}
FITTED = FeatureSet((Rsi(),)).fit([BARS])


def pandas_frame() -> pd.DataFrame:
    columns = {name: BARS[name].to_numpy() for name in BARS.columns if name != "ts"}
    return pd.DataFrame(columns, index=pd.DatetimeIndex(BARS["ts"].dt.replace_time_zone(None).to_numpy(), tz="UTC"))


FORMS = {
    "a bar": WANTED,
    "a row of Polars": ROW,
    "its fields": WANTED._asdict(),
    "capital": {name.capitalize(): value for name, value in ROW.items()},
    "letters": WANTED.outside | {"time": TIME, **{name[0]: ORDINARY[name] for name in list(ORDINARY)[1:]}},
    "one letter for the time": WANTED.outside
    | {name[0]: ORDINARY[name] for name in list(ORDINARY)[1:]}
    | {"t": WANTED.ts},
    "milliseconds": ROW | {"ts": WANTED.ts},
    "seconds": ROW | {"ts": WANTED.ts // 1000},
    "seconds, a float": ROW | {"ts": WANTED.ts / 1000},
    "nanoseconds": ROW | {"ts": np.int64(WANTED.ts * 1_000_000)},
    "another zone": ROW | {"ts": TIME.astimezone(timezone(timedelta(hours=9)))},
    "no zone": ROW | {"ts": TIME.replace(tzinfo=None)},
    "numpy's time": ROW | {"ts": np.datetime64(TIME.replace(tzinfo=None), "ns")},
    "pandas' time": ROW | {"ts": pd.Timestamp(TIME).tz_convert("Europe/Berlin")},
    "numpy's numbers": {name: np.float64(value) if name != "ts" else value for name, value in ROW.items()},
    "decimals": ROW | {"close": Decimal(repr(ROW["close"]))},
    "a symbol": ROW | {"symbol": "BTC"},
    "a row of pandas": pandas_frame().iloc[-1],
    "a row of pandas with its time": pandas_frame().reset_index(names="date").iloc[-1],
    "the last row of a frame": BARS.tail(1),
    "the last row of a pandas frame": pandas_frame().tail(1),
}


@pytest.mark.parametrize("held", FORMS.values(), ids=FORMS)
def test_every_form_is_the_same_bar(held) -> None:
    assert as_bar(held, "BTC") == WANTED
    assert type(as_bar(held)) is Bar


def test_a_stream_steps_with_a_dictionary() -> None:
    streams = [FeatureStream(FITTED, timedelta(hours=1)) for _ in range(2)]
    for stream in streams:
        stream.warm(BARS[:-1])
    assert streams[0].step(ROW).tobytes() == streams[1].step(WANTED).tobytes()


def test_columns_from_outside_and_of_a_venue_come_along() -> None:
    bar = as_bar(ORDINARY | {"funding_due": 1e-4, "Trades": 7, "outside": {"macro_vix_r5": 0.5}})
    assert bar.outside == {"funding_due": 1e-4, "n_trades": 7.0, "macro_vix_r5": 0.5}


def without(name: str) -> dict[str, object]:
    return {key: value for key, value in ROW.items() if key != name}


NO_BARS = {
    "no volume": (without("volume"), "this one lacks volume"),
    "no time": (without("ts"), "this one lacks ts"),
    "empty": ({}, "lacks ts, open, high, low, close, volume"),
    "an unknown key": (ROW | {"clse": 1.0}, "has 'clse', which no bar has"),
    "both": (without("close") | {"clse": 1.0}, "lacks close and has 'clse'"),
    "twice": (ROW | {"Close": 1.0}, "one close, found another one in 'Close'"),
    "text": (ROW | {"close": "1.5"}, "close of a bar is a number, found '1.5'"),
    "a flag": (ROW | {"volume": True}, "volume of a bar is a number, found True"),
    "none": (ROW | {"open": None}, "open of a bar is a number, found None"),
    "time as text": (ROW | {"ts": "2024-01-01"}, "ts is when it opens, .* found '2024-01-01'"),
    "no moment": (ROW | {"ts": pd.NaT}, "ts is when it opens"),
    "a small number": (ROW | {"ts": 7}, "ts is when it opens, .* found 7"),
    "another symbol": (ROW | {"symbol": "ETH"}, "wanted a bar of BTC, .* found one of ETH"),
    "a row of another symbol": (BARS.tail(1).with_columns(symbol=pl.lit("ETH")), "found one of ETH"),
    "six numbers": (tuple(WANTED[:6]), r"found tuple .* a row of six numbers is Bar\(\*row\)"),
    "a list": (list(WANTED[:6]), r"found list .* a row of six numbers is Bar\(\*row\)"),
    "text alone": ("bar", "found str 'bar'"),
    "nothing": (None, "found NoneType None"),
    "two bars": (BARS.tail(2), "a step takes one bar, found a frame of 2"),
    "a frame of something": (pl.DataFrame({"a": [1]}), "no column ts, open"),
    "a NaN": (ROW | {"close": float("nan")}, "wanted finite prices"),
}


@pytest.mark.parametrize(("held", "sentence"), NO_BARS.values(), ids=NO_BARS)
def test_what_is_no_bar_is_refused_in_a_sentence_and_moves_nothing(held, sentence: str) -> None:
    stream, twin = (FeatureStream(FITTED, timedelta(hours=1)) for _ in range(2))
    for one in (stream, twin):
        one.warm(BARS[:-1])
    with pytest.raises(TradsysError, match=sentence):
        stream.step(as_bar(held, "BTC"))
    assert stream.step(WANTED).tobytes() == twin.step(WANTED).tobytes()


def test_the_kind_of_refusal_tells_an_argument_from_data() -> None:
    with pytest.raises(ConfigError):
        as_bar({"ts": datetime(2024, 1, 1, tzinfo=UTC)})
    with pytest.raises(DataError):
        as_bar(ROW | {"symbol": "ETH"}, "BTC")


def test_a_time_without_a_zone_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    tell.cache_clear()
    for bar in BARS.tail(3).with_columns(pl.col("ts").dt.replace_time_zone(None)).iter_rows(named=True):
        as_bar(bar)
    assert capsys.readouterr().err.count("name no zone and are taken as UTC") == 1
