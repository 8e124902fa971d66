"""Bars as people hold them: every form gives at every door what our own frame gives there, or a sentence."""

import subprocess
import sys
from datetime import timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.features.markets import ordinary

from tradsys.backtest.simulate import buy_and_hold
from tradsys.core.bars import quality_report, validate_bars
from tradsys.core.errors import ConfigError, DataError, TradsysError
from tradsys.core.frames import as_bars, as_frames
from tradsys.core.time import ts_ms
from tradsys.data import load_bars, load_market
from tradsys.features import FeatureSet
from tradsys.features.momentum import Rsi
from tradsys.features.stream.feature_stream import FeatureStream
from tradsys.labels import BarrierSpec, cusum, every_bar, triple_barrier, volatility_expansion
from tradsys.regimes import RegimeModel, RegimeSpec, VolatilityRegimes

BARS = ordinary(900)
SET = FeatureSet((Rsi(),))
FITTED = SET.fit([BARS])
CUTS = VolatilityRegimes().fit([BARS], seed=0)
HIDDEN = RegimeSpec(n_starts=1).fit([BARS], seed=0)
FIRST, LAST = int(ts_ms(BARS)[0]), int(ts_ms(BARS)[-1])

DOORS = {
    "as_bars": lambda bars: as_bars(bars, "a test").select(BARS.columns),
    "validate_bars": lambda bars: validate_bars(bars).select(BARS.columns),
    "quality_report": quality_report,
    "load_bars": lambda bars: load_bars(bars, log=lambda line: None),
    "triple_barrier": triple_barrier,
    "BarrierSpec.label": lambda bars: BarrierSpec(events="cusum").label(bars),
    "event_rows": lambda bars: BarrierSpec().event_rows(bars),
    "every_bar": every_bar,
    "cusum": lambda bars: cusum(bars, 1.0),
    "volatility_expansion": lambda bars: volatility_expansion(bars).value,
    "FeatureSet.fit": SET.fit,
    "FittedFeatures.compute": lambda bars: FITTED.compute(bars).values,
    "FittedFeatures.raw": FITTED.raw,
    "FeatureStream.warm": lambda bars: FeatureStream(FITTED, timedelta(hours=1)).warm(bars),
    "RegimeSpec.fit": lambda bars: RegimeSpec(n_starts=1, max_rows=300).fit(bars, seed=0),
    "a filter of hidden states": HIDDEN.filter,
    "smoothed states": HIDDEN.smoothed_proba,
    "VolatilityRegimes.fit": lambda bars: VolatilityRegimes().fit(bars, seed=0),
    "a filter of volatility": CUTS.filter,
    "buy_and_hold": lambda bars: buy_and_hold({"A": bars}, FIRST, LAST).daily,
}


def pandas_of(bars: pl.DataFrame, time: str | None = "ts", zone: str | None = "UTC", unit: str = "ns") -> pd.DataFrame:
    """The bars with their times as a column, or as the index where it has no name."""
    frame = pd.DataFrame({name: bars[name].to_numpy() for name in bars.columns if name != "ts"})
    times = pd.DatetimeIndex(bars["ts"].dt.replace_time_zone(None).to_numpy()).as_unit(unit)
    times = times if zone is None else times.tz_localize("UTC").tz_convert(zone)
    if time is None:
        return frame.set_index(times)
    frame.insert(0, time, times)
    return frame


def capital(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.rename(columns=str.capitalize)


def two_levels(frame: pd.DataFrame, order: list[str]) -> pd.DataFrame:
    pairs = pd.MultiIndex.from_product([frame.columns, ["BTC-USD"]], names=["Price", "Ticker"])
    return frame.set_axis(pairs, axis=1).reorder_levels(order, axis=1)


def nullable(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype(dict.fromkeys(("open", "high", "low", "close", "volume"), "Float64"))


FORMS = {
    "Polars": lambda bars: bars,
    "lazy": pl.DataFrame.lazy,
    "a list of one": lambda bars: [bars],
    "a tuple of one": lambda bars: (bars.lazy(),),
    "Polars, other names": lambda bars: bars.rename({"ts": "open_time", "open": "Open", "volume": "Vol"}),
    "Polars, a zone": lambda bars: bars.with_columns(pl.col("ts").dt.convert_time_zone("Asia/Tokyo")),
    "Polars, no zone": lambda bars: bars.with_columns(pl.col("ts").dt.replace_time_zone(None)),
    "Polars, epoch": lambda bars: bars.with_columns(pl.col("ts").dt.epoch("ms")).rename({"ts": "timestamp"}),
    "pandas, index": lambda bars: pandas_of(bars, None),
    "pandas, naive index": lambda bars: pandas_of(bars, None, None),
    "pandas, index of seconds": lambda bars: pandas_of(bars, None, "Europe/Berlin", "s"),
    "pandas, named index": lambda bars: capital(pandas_of(bars, None).rename_axis("Date")),
    "pandas, periods": lambda bars: pandas_of(bars, None, None).to_period("min"),
    "pandas, index of datetimes": lambda bars: pandas_of(bars, None).set_axis(
        pd.Index(bars["ts"].to_list(), dtype=object)
    ),
    **{f"pandas, {name}": lambda bars, n=name: pandas_of(bars, n) for name in ("ts", "Timestamp", "time", "date")},
    **{f"pandas, {name}": lambda bars, n=name: pandas_of(bars, n) for name in ("open_time", "Datetime", "Open time")},
    "pandas, column without a zone": lambda bars: pandas_of(bars, "date", None, "ms"),
    "pandas, epoch in ms": lambda bars: pandas_of(bars, "x").assign(x=ts_ms(bars)).rename(columns={"x": "timestamp"}),
    "pandas, epoch as index": lambda bars: pandas_of(bars, None).set_axis(pd.Index(ts_ms(bars) // 1000, name="time")),
    "pandas, numbered": lambda bars: pandas_of(bars, None).rename(columns={"open": "1. open", "volume": "5. volume"}),
    "pandas, one letter": lambda bars: pandas_of(bars, "t").rename(columns={"open": "o", "close": "c", "volume": "v"}),
    "pandas, shouted": lambda bars: pandas_of(bars, "TS").rename(columns=str.upper),
    "pandas, more columns": lambda bars: pandas_of(bars, None).assign(
        **{"Adj Close": 1.0, "note": "x", "Ignore": None}
    ),
    "pandas, index and epoch": lambda bars: pandas_of(bars, None).assign(timestamp=ts_ms(bars)),
    "pandas, numbers of its own": lambda bars: nullable(pandas_of(bars, "ts")),
    "pandas, objects": lambda bars: pandas_of(bars, "ts").astype({"close": object, "volume": object}),
    "pandas of Arrow": lambda bars: pandas_of(bars, "ts").convert_dtypes(dtype_backend="pyarrow"),
}
TICKERS = {
    "yfinance": lambda bars: two_levels(capital(pandas_of(bars, None)), ["Price", "Ticker"]),
    "yfinance by ticker": lambda bars: two_levels(capital(pandas_of(bars, None)), ["Ticker", "Price"]),
    "yfinance, index as column": lambda bars: two_levels(
        capital(pandas_of(bars, None)), ["Price", "Ticker"]
    ).reset_index(names="Date"),
    "a column ticker": lambda bars: pandas_of(bars, "date").assign(ticker="BTC-USD"),
    "two levels of the index": lambda bars: pandas_of(bars, "date").assign(symbol="A").set_index(["symbol", "date"]),
    "by symbol": lambda bars: {"A": pandas_of(bars, None)},
}


def same(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.dtype == other.dtype and one.tobytes() == other.tobytes()
    return one.equals(other) if isinstance(one, pl.DataFrame) else one == other


UNTAKEN = {"validate_bars": "Polars,", "buy_and_hold": "a "}
"""Forms that a door refuses: the check of our own frames takes them at their word, a market is frames by symbol."""
WANTED = {name: door(BARS) for name, door in DOORS.items()}


@pytest.mark.parametrize(
    ("door", "form"),
    [(door, form) for door in DOORS for form in FORMS if not form.startswith(UNTAKEN.get(door, "none"))],
)
def test_every_form_gives_at_every_door_what_our_frame_gives(door: str, form: str) -> None:
    assert same(WANTED[door], DOORS[door](FORMS[form](BARS)))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_finer_bars_come_in_every_form(form) -> None:
    fine = ordinary(3600, interval=timedelta(minutes=15))
    assert same(triple_barrier(BARS, fine_bars=form(fine)), triple_barrier(BARS, fine_bars=fine))


@pytest.mark.parametrize("held", [[BARS], BARS], ids=["a list", "a frame"])
def test_a_market_is_frames_by_their_symbol(held) -> None:
    with pytest.raises(ConfigError, match=r"takes frames by their symbol, as {'BTC': bars}"):
        buy_and_hold(held, FIRST, LAST)


@pytest.mark.parametrize("form", TICKERS.values(), ids=TICKERS)
@pytest.mark.parametrize("door", ["as_bars", "load_bars", "triple_barrier", "FeatureSet.fit", "cusum"])
def test_a_frame_that_names_its_symbol_gives_the_same(door: str, form) -> None:
    assert same(WANTED[door], DOORS[door](form(BARS)))


def test_a_frame_of_ours_is_itself() -> None:
    assert as_bars(BARS, "a test") is BARS


def test_the_ticker_of_two_levels_is_the_symbol() -> None:
    assert as_bars(TICKERS["yfinance"](BARS), "a test")["symbol"].unique().to_list() == ["BTC-USD"]


@pytest.mark.parametrize("form", ["Polars, no zone", "pandas, naive index", "pandas, column without a zone"])
def test_times_without_a_zone_are_told_once(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    bars = FORMS[form](BARS[11:800])
    as_bars(bars, f"a test of {form}")
    assert "name no zone and are taken as UTC, the first as 2" in capsys.readouterr().err
    as_bars(bars, f"a test of {form}")
    assert capsys.readouterr().err == ""


def test_opens_win_over_another_time_which_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    later = pandas_of(BARS, "Open time").set_index(pandas_of(BARS)["ts"] + pd.Timedelta("1h"))
    assert as_bars(later, "a test of opens")["ts"].equals(BARS["ts"])
    assert "the opens are those of 'Open time'; 'ts' was left out" in capsys.readouterr().err


def test_zoned_times_are_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    as_bars(FORMS["Polars, a zone"](BARS), "a test")
    as_bars(FORMS["pandas, index"](BARS), "a test")
    assert capsys.readouterr().err == ""


def test_load_bars_tells_of_times_without_a_zone() -> None:
    told: list[str] = []
    load_bars(pandas_of(BARS, None, None), log=told.append)
    assert told == ["frame: times name no zone and are taken as UTC"]


NO_BARS = {
    "text": ("bars.csv", "found str 'bars.csv'; load a file"),
    "None": (None, "found NoneType None"),
    "an array": (np.ones((5, 6)), r"found an array of shape \(5, 6\); name its columns"),
    "rows": ([[1, 2.0, 3.0]], "found a list of list; name its columns"),
    "nothing": ([], "found a list of nothing"),
    "one bar": ({"ts": 1, "open": 2.0}, "found a dictionary of ts, open; one bar is for LivePredictor.step"),
    "a list of something": ([BARS, "x"], "found a list of str; a list holds frames alone"),
    "a Series": (BARS["close"], "found a Series; give the frame"),
    "a pandas Series": (pandas_of(BARS)["close"], "found a Series; give the frame"),
    "a broken lazy frame": (pl.LazyFrame({"a": [1]}).select("b"), "does not collect"),
}


@pytest.mark.parametrize(("held", "sentence"), NO_BARS.values(), ids=NO_BARS)
@pytest.mark.parametrize("door", ["as_bars", "triple_barrier", "cusum", "FittedFeatures.raw", "a filter of volatility"])
def test_what_is_no_frame_is_refused_in_a_sentence(door: str, held, sentence: str) -> None:
    with pytest.raises(TradsysError, match=sentence):
        DOORS[door](held)


@pytest.mark.parametrize(
    "held",
    [None, np.ones((5, 6)), [[1, 2.0]], [], {"ts": 1}, BARS["close"], "x\ny,z", "a" * 300, ["a.csv", "b.csv"]],
    ids=range(9),
)
def test_load_bars_says_what_it_takes(held) -> None:
    with pytest.raises(TradsysError, match=r"load_bars takes|file, sample"):
        load_bars(held)


@pytest.mark.parametrize("held", [None, 5, "bars.csv", BARS["close"], np.ones((5, 6)), [None]], ids=range(6))
def test_frames_that_are_none_are_refused(held) -> None:
    with pytest.raises(ConfigError, match=r"FeatureSet.fit takes a frame of bars"):
        SET.fit(held)


FAULTS = {
    "no volume": (lambda frame: frame.drop(columns="volume"), "no column volume"),
    "no time": (lambda frame: frame.reset_index(drop=True), "no column ts"),
    "nothing": (lambda frame: pd.DataFrame(), "found no columns"),
    "two closes": (lambda frame: frame.assign(Close=1.0, CLOSE=1.0).drop(columns="close"), "wants one column close"),
    "text as times": (
        lambda frame: frame.set_axis(frame.index.astype(str).rename("time")),
        "load_bars.frame. reads text",
    ),
    "row numbers": (lambda frame: frame.reset_index(drop=True).reset_index(), "not all s, ms, us or ns since 1970"),
    "missing time": (lambda frame: frame.set_axis([pd.NaT, *frame.index[1:]]), "a time in every row"),
    "closes": (
        lambda frame: frame.reset_index(names="time").assign(close_time=frame.index),
        "equals 'close_time', when they close",
    ),
    "text as prices": (lambda frame: frame.astype({"close": str}), "column close must be Float64"),
    "an empty price": (
        lambda frame: frame.assign(close=frame["close"].where(frame["close"].index.hour != 3)),
        "finite",
    ),
    "closing stamps": (
        lambda frame: frame.set_axis(frame.index + pd.Timedelta("59min 59.999999s")),
        "closing stamps, 0.001 s before the grid",
    ),
    "another interval": (
        lambda frame: pd.concat([frame[:400], frame.set_axis(frame.index[399] + pd.to_timedelta(range(1, 901), "D"))]),
        "interval",
    ),
    "some symbols": (lambda frame: frame.assign(symbol=["A", *[None] * 899]), "a symbol in every row or none"),
    "newest first": (lambda frame: frame[::-1], "disorder|two bars"),
    "a column twice": (lambda frame: pd.concat([frame, frame["close"]], axis=1), "each column once"),
    "two tickers": (
        lambda frame: pd.concat({"A": frame, "B": frame}, axis=1),
        r"found 2: A, B; take one, as frame.xs\('A', axis=1, level=0\)",
    ),
}


@pytest.mark.parametrize(("spoil", "sentence"), FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("door", ["triple_barrier", "FittedFeatures.raw", "a filter of hidden states", "buy_and_hold"])
def test_a_frame_without_bars_is_refused_in_a_sentence(door: str, spoil, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        DOORS[door](spoil(pandas_of(BARS, None)))


def named(symbol: str) -> pd.DataFrame:
    return pandas_of(BARS, "date").assign(symbol=symbol)


@pytest.mark.parametrize(
    "held",
    [
        [named("A"), named("B").set_index("date")],
        {"A": pandas_of(BARS, None), "B": BARS},
        (BARS.with_columns(symbol=pl.lit("A")), named("B").assign(extra=1.0)),
    ],
    ids=["a list", "by symbol", "of both libraries"],
)
@pytest.mark.parametrize("door", ["pooled", "load_bars"])
def test_several_frames_are_one_with_their_symbols(door: str, held) -> None:
    bars = as_bars(held, "a test") if door == "pooled" else DOORS[door](held)
    assert bars["symbol"].unique(maintain_order=True).to_list() == ["A", "B"]
    for one in bars.partition_by("symbol"):
        assert one.select(BARS.columns).equals(BARS)


@pytest.mark.parametrize(
    ("held", "sentence"),
    [
        ([BARS, BARS], "a column symbol in each"),
        ([named("A"), named("A")], "each symbol in one frame, found A"),
        ({"A": named("B")}, "says that it holds B"),
    ],
)
def test_frames_that_do_not_say_whose_they_are_are_refused(held, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        as_bars(held, "a test")


def test_frames_of_two_intervals_are_refused() -> None:
    other = ordinary(900, interval=timedelta(minutes=15))
    with pytest.raises(DataError, match="the frames together are refused"):
        load_bars({"A": BARS, "B": other}, log=lambda line: None)


def test_features_are_learnt_from_frames_of_both_libraries() -> None:
    other = ordinary(700, seed=5)
    assert SET.fit([pandas_of(BARS, None), other.lazy()]) == SET.fit([BARS, other])
    assert SET.fit({"A": BARS, "B": pandas_of(other)}) == SET.fit([BARS, other])
    assert [len(frame) for frame in as_frames((frame for frame in [BARS, other]), "a test")] == [900, 700]


def test_load_bars_tells_of_columns_that_not_all_frames_have() -> None:
    told: list[str] = []
    bars = load_bars({"A": BARS, "B": BARS.drop("n_trades")}, log=told.append)
    assert "n_trades" not in bars.columns
    assert told == ["frames: not all have n_trades, left out"]


def test_an_open_bar_that_is_all_of_its_frame_is_dropped() -> None:
    told: list[str] = []
    last = BARS["ts"][-1]
    bars = load_bars({"A": BARS[:-1], "B": BARS[-1:]}, span=(None, last + timedelta(minutes=30)), log=told.append)
    assert bars["symbol"].unique().to_list() == ["A"]
    assert "still open" in told[-1]


def test_load_bars_mends_a_frame_as_it_mends_a_file() -> None:
    told: list[str] = []
    text = pandas_of(BARS, None).rename_axis("time").reset_index().astype(str)[::-1]
    bars = load_bars(text, log=told.append)
    assert bars.select("ts", "close").equals(BARS.select("ts", "close"))
    assert any("newest first" in line for line in told)


@pytest.mark.parametrize("held", [pd.DataFrame(), pl.DataFrame(), pl.LazyFrame()], ids=range(3))
def test_a_frame_without_columns_is_no_file_of_bars(held) -> None:
    with pytest.raises(DataError, match="frame has no columns, wanted bars"):
        load_bars(held)


def test_a_column_of_symbols_that_is_empty_names_nothing() -> None:
    assert "symbol" not in as_bars(pandas_of(BARS).assign(symbol=None), "a test").columns


RETURNS = np.diff(np.log(BARS["close"].to_numpy())) * 100
OBSERVED = {
    "one column": lambda x: x,
    "a list": lambda x: x.tolist(),
    "a Series": lambda x: pl.Series("r", x),
    "a pandas Series": lambda x: pd.Series(x, index=pd.date_range("2024-01-01", periods=len(x), freq="h")),
    "a frame": lambda x: pl.DataFrame({"r": x}),
    "lazy": lambda x: pl.LazyFrame({"r": x}),
    "with times": lambda x: pl.DataFrame({"ts": BARS["ts"][1:], "r": x}),
    "of one ticker": lambda x: pd.DataFrame({("Close", "BTC-USD"): x}),
    "a pandas frame": lambda x: pd.DataFrame({"r": x}, index=pd.DatetimeIndex(BARS["ts"][1:].to_numpy())),
}


@pytest.mark.parametrize("form", OBSERVED.values(), ids=OBSERVED)
def test_a_regime_model_takes_returns_in_every_form(form) -> None:
    model = RegimeModel(2, n_starts=1, max_steps=4)
    fitted = model.fit(RETURNS[:, None])
    assert model.fit(form(RETURNS)) == fitted
    for read in (fitted.filter, fitted.smoothed_proba, lambda x: fitted.filter_windows(x, 9)):
        assert same(read(RETURNS[:, None]), read(form(RETURNS)))
    assert fitted.score(form(RETURNS)) == fitted.score(RETURNS[:, None])


@pytest.mark.parametrize(
    ("held", "sentence"),
    [
        (BARS, "found bars; RegimeSpec"),
        (capital(pandas_of(BARS, None)), "found bars; RegimeSpec"),
        ("returns.csv", "observations are numbers"),
        (pl.DataFrame({"r": ["a"] * 100}), "observations are numbers"),
        (None, "observations"),
    ],
)
def test_a_regime_model_refuses_what_is_no_observation(held, sentence: str) -> None:
    with pytest.raises(TradsysError, match=sentence):
        RegimeModel(2, n_starts=1).fit(held)


def test_nothing_imports_pandas() -> None:
    code = (
        "import sys; sys.modules['pandas'] = None\n"
        "import polars as pl\n"
        "from datetime import UTC, datetime\n"
        "from tradsys.labels import triple_barrier\n"
        "ts = pl.datetime_range(datetime(2024, 1, 1), datetime(2024, 1, 9), '1h', eager=True)\n"
        "rows = pl.DataFrame({'Date': ts}).with_columns(Open=1.0, High=2.0, Low=0.5, Close=1.0, Volume=1.0)\n"
        "print(len(triple_barrier(rows.lazy())))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100
    assert "taken as UTC" in done.stderr


@pytest.mark.parametrize("specs", [BARS, pandas_of(BARS), "sample", [BARS]], ids=range(4))
def test_a_market_is_loaded_by_names(specs) -> None:
    with pytest.raises(ConfigError, match=r"a list of names|the name of bars"):
        load_market(specs)
