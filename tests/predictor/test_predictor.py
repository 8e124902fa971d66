"""Which bars may decide: closed ones of the bundle's interval and symbols, in order, each once."""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tradsys.bundle.bundle import read_bundle, write_bundle
from tradsys.core.errors import DataError, NotEnoughBars, TradsysError
from tradsys.core.time import to_ms
from tradsys.features.stream.feature_stream import bars_of
from tradsys.predictor import Decision, LivePredictor, Predictor

HOUR = timedelta(hours=1)
ENTRANCES: dict[str, Callable[[Predictor, pl.DataFrame], Any]] = {
    "decide": lambda predictor, bars: predictor.decide(bars),
    "decide_many": lambda predictor, bars: predictor.decide_many(bars),
    "warm": lambda predictor, bars: LivePredictor(predictor).warm(bars),
}
entrances = pytest.mark.parametrize("enter", ENTRANCES.values(), ids=ENTRANCES)


def every(bars: pl.DataFrame, step: timedelta) -> pl.DataFrame:
    """The same bars, a step apart."""
    first = bars["ts"][0]
    ts = pl.datetime_range(first, first + step * (len(bars) - 1), step, time_unit="ms", eager=True)
    return bars.with_columns(ts.alias("ts"))


def ending(bars: pl.DataFrame, last: datetime) -> pl.DataFrame:
    """The same bars, moved so that the last of them opens then."""
    return bars.with_columns(pl.col("ts") + (last - bars["ts"][-1]))


WRONG = {
    "shorter": (lambda bars: every(bars, timedelta(minutes=5)), "wanted bars of 1h, found bars 5m apart"),
    "longer": (lambda bars: every(bars, timedelta(hours=4)), "wanted bars of 1h, found bars 4h apart"),
    "days": (lambda bars: every(bars, timedelta(days=1)).with_columns(pl.col("ts").dt.offset_by("-6y")), "1d apart"),
    "every other": (lambda bars: bars.gather_every(2), "2h apart"),
    "reversed": (lambda bars: bars.reverse(), "disorder"),
    "shuffled": (lambda bars: bars.sample(fraction=1.0, shuffle=True, seed=1), "apart|disorder"),
    "doubled": (lambda bars: pl.concat([bars, bars]).sort("ts"), "duplicates"),
    "broken": (lambda bars: bars.with_columns(high=pl.col("low") / 2), "impossible OHLC"),
    "closes": (lambda bars: bars.with_columns(pl.col("ts").dt.offset_by("59m59s")), "closing stamps"),
}


@entrances
@pytest.mark.parametrize(("spoil", "words"), WRONG.values(), ids=WRONG)
def test_bars_that_are_not_the_bundles_decide_nothing(
    predictor: Predictor, bars: pl.DataFrame, enter: Any, spoil: Any, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        enter(predictor, spoil(bars))


def test_an_hour_that_holds_a_quarter_bundle_back_is_told_before_any_other_fault(
    predictor: Predictor, bars: pl.DataFrame
) -> None:
    quarters = replace(predictor, interval=timedelta(minutes=15))
    for decide in (quarters.decide, quarters.decide_many):
        with pytest.raises(DataError, match="wanted bars of 15m, found bars 1h apart"):
            decide(bars)


@entrances
def test_a_gap_is_no_other_interval(predictor: Predictor, bars: pl.DataFrame, enter: Any) -> None:
    enter(predictor, bars.filter(~pl.int_range(pl.len()).is_between(500, 540)))


@entrances
def test_bars_of_another_symbol_are_refused_and_those_without_a_name_are_taken(
    predictor: Predictor, bars: pl.DataFrame, enter: Any
) -> None:
    named = replace(predictor, symbols=("BTCUSDT", "ETHUSDT"))
    enter(named, bars)
    enter(named, bars.with_columns(symbol=pl.lit("ETHUSDT")))
    with pytest.raises(DataError, match=r"wanted bars of BTCUSDT, ETHUSDT, .* found SOLUSDT"):
        enter(named, bars.with_columns(symbol=pl.lit("SOLUSDT")))


def test_a_bundle_names_its_symbols(predictor: Predictor, tmp_path: Path) -> None:
    replace(predictor, symbols=("BTCUSDT",)).save(tmp_path / "bundle")
    said: list[str] = []
    assert Predictor.load(tmp_path / "bundle", log=said.append).symbols == ("BTCUSDT",)
    assert said == []


def test_decisions_carry_the_hash_of_the_bundle_that_made_them(
    predictor: Predictor, bars: pl.DataFrame, tmp_path: Path
) -> None:
    replace(predictor, symbols=("BTCUSDT",)).save(tmp_path / "bundle")
    manifest = sha256((tmp_path / "bundle" / "manifest.json").read_bytes()).hexdigest()
    loaded = Predictor.load(tmp_path / "bundle")
    assert loaded.decide(bars).bundle_hash == manifest == loaded.with_profile("SNIPER").bundle_hash
    assert loaded.decide_many(bars)["bundle_hash"].unique().to_list() == [manifest]
    assert predictor.decide(bars).bundle_hash == ""


def test_a_decision_is_the_last_row_of_all_and_says_what_its_side_is_expected_to_earn(
    predictor: Predictor, bars: pl.DataFrame
) -> None:
    decision, table = predictor.decide(bars), predictor.decide_many(bars)
    assert {field.name for field in fields(Decision)} - set(table.columns) == {"n_open"}
    last, forecasts = table.row(-1, named=True), predictor.forecast(bars)
    assert decision.expected_net == pytest.approx(last["expected_net"], abs=1e-9)
    assert last["expected_net"] == forecasts.expected_net[-1].max()
    assert decision.bar_hash == last["bar_hash"]


def test_a_bundle_written_before_they_were_named_loads_and_says_so(
    predictor: Predictor, bars: pl.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predictor.save(tmp_path / "new")
    files, about = read_bundle(tmp_path / "new")
    settings = json.loads(files["settings.json"])
    del settings["symbols"]
    write_bundle(tmp_path / "old", {**files, "settings.json": json.dumps(settings).encode()}, about=about)
    old = Predictor.load(tmp_path / "old")
    assert "does not name the symbols it was fitted on" in capsys.readouterr().err
    assert old.decide(bars.with_columns(symbol=pl.lit("ANY"))).symbol == "ANY"


@pytest.fixture
def this_hour(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """When the bar opened that is still open by a clock that stands."""
    hour = datetime(2026, 5, 4, 10, tzinfo=UTC)
    monkeypatch.setattr("tradsys.core.time.now_ms", lambda: to_ms(hour) + 1_234_567)
    return hour


@entrances
def test_the_bar_that_is_still_open_does_not_decide(
    predictor: Predictor, bars: pl.DataFrame, this_hour: datetime, enter: Any
) -> None:
    live = ending(bars, this_hour)
    said, told = enter(predictor, live), enter(predictor, live[:-1])
    if isinstance(said, pl.DataFrame):
        assert said.equals(told)
        return
    assert said.start == this_hour
    assert (said.n_open, told.n_open) == (1, 0)
    assert said == replace(told, n_open=1)


@entrances
def test_bars_of_the_future_are_refused(
    predictor: Predictor, bars: pl.DataFrame, this_hour: datetime, enter: Any
) -> None:
    with pytest.raises(DataError, match=r"3 bars open after now, .* rows 2997 .* mend local times, or give now"):
        enter(predictor, ending(bars, this_hour + 3 * HOUR))


@pytest.mark.parametrize("before_close", [timedelta(0), timedelta(milliseconds=1), timedelta(minutes=59), 40 * HOUR])
@pytest.mark.parametrize("moved", [timedelta(0), timedelta(days=36_500)], ids=["past", "future"])
def test_now_is_when_the_decision_is_made(
    predictor: Predictor, bars: pl.DataFrame, before_close: timedelta, moved: timedelta
) -> None:
    """Whatever closes later had not happened; bars of the future decide where `now` says that they are there."""
    there = bars.with_columns(pl.col("ts") + moved)
    now = there["ts"][-1] + HOUR - before_close
    n_later = -(-before_close // HOUR)
    decision, rows = predictor.decide(there, now=now), predictor.decide_many(there, now=now)
    assert decision == replace(predictor.decide(there[: 3000 - n_later], now=now), n_open=n_later)
    assert decision.start == rows["start"][-1] == there["ts"][-1] + HOUR - n_later * HOUR <= now
    assert LivePredictor(predictor).warm(there, now=now).start == decision.start


def test_no_bar_that_had_closed_is_too_few(predictor: Predictor, bars: pl.DataFrame) -> None:
    for decide in (predictor.decide, predictor.decide_many):
        with pytest.raises(NotEnoughBars, match="found"):
            decide(bars, now=bars["ts"][0])


def test_a_step_waits_for_the_close(predictor: Predictor, bars: pl.DataFrame) -> None:
    live, (bar,) = LivePredictor(predictor), bars_of(bars[2500:2501])
    live.warm(bars[:2500])
    with pytest.raises(DataError, match=r"wanted a closed bar, found that of .* wait until it has closed"):
        live.step(bar, now=bar.ts + 3_599_999)
    assert live.step(bar, now=bar.ts + 3_600_000).start == bars["ts"][2501]


def test_a_refused_history_is_a_sentence(predictor: Predictor, bars: pl.DataFrame) -> None:
    for decide in ENTRANCES.values():
        with pytest.raises(TradsysError):
            decide(predictor, bars.drop("ts"))
