from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from tradsys.core.errors import ConfigError, DataError
from tradsys.data import load_bars
from tradsys.data.load import load
from tradsys.data.simulate import simulate

QUIET = dict.fromkeys(["log"], lambda line: None)


@pytest.fixture
def bars():
    return simulate("noise", n_bars=60)


def kinds(path):
    return {repair.kind: repair for repair in load(path).repairs}


def as_text(bars, stamps):
    return bars.with_columns(pl.Series("ts", stamps)).rename({"ts": "time"})


@pytest.mark.parametrize("write", ["parquet", "ipc", "csv"])
def test_bars_come_back_from_every_format(bars, tmp_path, write):
    path = tmp_path / "X-1h.file"
    getattr(bars, f"write_{write}")(path)
    assert load_bars(path).equals(bars)
    assert load(path).symbol == "X"


@pytest.mark.parametrize(("unit", "per_ms"), [("s", 1e-3), ("ms", 1), ("us", 1_000), ("ns", 1_000_000)])
@pytest.mark.parametrize("write", ["parquet", "csv"])
def test_epoch_numbers_are_read_by_their_size(bars, tmp_path, unit, per_ms, write):
    path = tmp_path / "x"
    ms = bars["ts"].dt.epoch("ms")
    numbers = ms // 1000 if unit == "s" else ms * per_ms
    getattr(bars.with_columns(numbers.alias("ts")), f"write_{write}")(path)
    assert load_bars(path).equals(bars)


@pytest.mark.parametrize(
    "fmt", ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M", "%d.%m.%Y %H:%M:%S.000", "%Y-%m-%d %I-%p"]
)
def test_written_times_are_read_as_utc(bars, tmp_path, fmt):
    path = tmp_path / "x.csv"
    as_text(bars, bars["ts"].dt.strftime(fmt).to_list()).write_csv(path)
    assert load_bars(path).equals(bars)


def test_mixed_offsets_are_settled_and_told(bars, tmp_path):
    path = tmp_path / "x.csv"
    opens = bars["ts"].to_list()
    stamps = [
        f"{t + timedelta(hours=1):%Y-%m-%d %H:%M:%S}+01:00" if i < 20 else f"{t:%Y-%m-%d %H:%M:%S}+00:00"
        for i, t in enumerate(opens)
    ]
    as_text(bars, stamps).write_csv(path)
    assert load_bars(path, **QUIET).equals(bars)
    assert kinds(path)["mixed offsets"].n_rows == 20


def test_mixed_epoch_units_are_settled_and_told(bars, tmp_path):
    path = tmp_path / "x.csv"
    ms = bars["ts"].dt.epoch("ms").to_list()
    as_text(bars, [str(t) if i % 3 else f"{t // 1000}.0" for i, t in enumerate(ms)]).write_csv(path)
    assert load_bars(path, **QUIET).equals(bars)
    assert "40 in ms, 20 in s" in kinds(path)["mixed time units"].sentence


@pytest.mark.parametrize("stamp", ["01/02/2024 10:00", "yesterday", "12", "2024"])
def test_times_that_could_mean_anything_are_refused(bars, tmp_path, stamp):
    path = tmp_path / "x.csv"
    as_text(bars, [stamp] * 60).write_csv(path)
    with pytest.raises(DataError, match="60 times cannot be read, such as"):
        load_bars(path)


def test_descending_bars_are_turned_round_and_told(bars, tmp_path):
    path = tmp_path / "x.csv"
    bars.reverse().write_csv(path)
    assert load_bars(path, **QUIET).equals(bars)
    assert kinds(path)["descending order"].rows[0] == "line 2 (2019-01-03 11:00)"


def test_late_rows_are_sorted_in_and_named(bars, tmp_path):
    path = tmp_path / "x.parquet"
    bars[[*range(10), *range(12, 60), 10, 11]].write_parquet(path)
    assert load_bars(path, **QUIET).equals(bars)
    assert kinds(path)["disorder"].rows == ("row 58 (2019-01-01 10:00)", "row 59 (2019-01-01 11:00)")


def test_off_grid_rows_are_dropped_and_named(bars, tmp_path):
    path = tmp_path / "x.parquet"
    bars = simulate("noise", n_bars=200)
    snapshot = bars[199].with_columns(pl.col("ts") + timedelta(minutes=13))
    pl.concat([bars, snapshot]).write_parquet(path)
    assert load_bars(path, **QUIET).equals(bars)
    assert kinds(path)["off-grid"].rows == ("row 200 (2019-01-09 07:13)",)


def test_rows_without_a_common_grid_are_refused(bars, tmp_path):
    path = tmp_path / "x.parquet"
    moved = pl.concat([bars[:40], bars[40:].with_columns(pl.col("ts") + timedelta(minutes=30))])
    moved.write_parquet(path)
    with pytest.raises(DataError, match="20 of 60 rows are off any common grid"):
        load_bars(path)


def test_equal_copies_are_dropped_and_told(bars, tmp_path):
    path = tmp_path / "x.parquet"
    bars[[*range(60), 58, 59]].write_parquet(path)
    assert load_bars(path, **QUIET).equals(bars)
    assert kinds(path)["duplicates"].n_rows == 2


def test_of_copies_that_disagree_the_wider_is_kept(bars, tmp_path):
    path = tmp_path / "x.parquet"
    opened = pl.col("open")
    early = bars[30].with_columns(opened.alias("high"), opened.alias("low"), opened.alias("close"))
    for frame in (pl.concat([bars[:31], early, bars[31:]]), pl.concat([bars[:30], early, bars[30:]])):
        frame.write_parquet(path)
        assert load_bars(path, **QUIET).equals(bars)
        assert kinds(path)["conflicting duplicates"].n_rows == 1


def test_of_equally_wide_copies_the_one_fetched_last_is_kept(bars, tmp_path):
    path = tmp_path / "x.parquet"
    old = bars[30].with_columns(volume=pl.lit(77.0))
    grown = pl.concat([bars[:30], old, bars[30:]])
    for frame in (grown, grown.reverse()):  # a file that is newest first grows at its head
        frame.write_parquet(path)
        assert load_bars(path, **QUIET).equals(bars)


def test_one_time_with_two_prices_is_two_markets_and_refused(bars, tmp_path):
    path = tmp_path / "x.parquet"
    other = bars.with_columns(pl.col("open", "high", "low", "close") * 20)
    pl.concat([bars, other]).write_parquet(path)
    with pytest.raises(DataError, match="keep one market a file, or add a symbol column"):
        load_bars(path)


def test_a_symbol_column_keeps_two_markets_apart(bars, tmp_path):
    path = tmp_path / "x.parquet"
    other = bars.with_columns(pl.col("open", "high", "low", "close") * 20)
    tagged = [f.select(pl.lit(name).alias("pair"), pl.all()) for name, f in (("A", bars), ("B", other))]
    pl.concat(tagged).sort("ts").write_parquet(path)
    loaded = load_bars(path, **QUIET)
    assert loaded.filter(pl.col("symbol") == "A").drop("symbol").equals(bars)
    assert loaded["symbol"].to_list() == ["A"] * 60 + ["B"] * 60


def test_an_impossible_bar_is_refused_by_its_line(bars, tmp_path):
    path = tmp_path / "x.csv"
    bars.with_columns(pl.when(pl.int_range(60) == 7).then(1.0).otherwise(pl.col("high")).alias("high")).write_csv(path)
    with pytest.raises(DataError, match=r"rows are lines of it.*\n.*high below max.*row 9 \(2019-01-01 07:00\)"):
        load_bars(path)


def test_a_cell_that_is_no_number_is_refused_by_its_line(bars, tmp_path):
    path = tmp_path / "x.csv"
    text = bars.with_columns(pl.col("close").cast(pl.String))
    text[3, "close"] = "n/a"
    text.write_csv(path)
    with pytest.raises(DataError, match=r"no number in close, such as 'n/a', .*line 5 "):
        load_bars(path)


def test_klines_without_a_header_are_recognised(bars, tmp_path):
    path = tmp_path / "BTCUSDT-1h-2019-01.csv"
    ms = pl.col("ts").dt.epoch("us")
    rest = [pl.lit(value).alias(str(i)) for i, value in enumerate([5.0, 6, 7.0, 8.0, 0])]
    bars.select(ms, pl.col("open", "high", "low", "close", "volume"), ms.alias("end"), *rest).write_csv(
        path, include_header=False
    )
    loaded = load_bars(path)
    assert loaded.select(bars.columns).equals(bars)
    assert loaded.columns[6:] == ["quote_volume", "taker_buy_volume", "n_trades"]


def test_lines_before_the_header_and_other_separators_are_taken(bars, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("exported on a Monday\n" + bars.write_csv(separator=";"))
    assert load_bars(path).equals(bars)


def test_yfinance_headers_of_three_lines_are_taken(bars, tmp_path):
    path = tmp_path / "x.csv"
    text = bars.select("ts", "close", "high", "low", "open", "volume").write_csv(include_header=False)
    path.write_text("Price,Close,High,Low,Open,Volume\nTicker,A,A,A,A,A\nDate,,,,,\n" + text)
    assert load_bars(path, **QUIET).equals(bars)
    assert kinds(path)["extra header"].n_rows == 2


def test_date_and_time_may_be_two_columns(bars, tmp_path):
    path = tmp_path / "x.csv"
    ts = pl.col("ts").dt
    bars.select(
        ts.strftime("%Y.%m.%d").alias("<DATE>"),
        ts.strftime("%H:%M:%S").alias("<TIME>"),
        pl.col("open", "high", "low", "close").name.map(lambda name: f"<{name.upper()}>"),
        pl.col("volume").alias("<TICKVOL>"),
    ).write_csv(path, separator="\t")
    assert load_bars(path).equals(bars)


def test_what_is_no_file_of_bars_says_what_it_misses(tmp_path):
    path = tmp_path / "macro.parquet"
    pl.DataFrame({"date": ["2024-01-01"], "close": [1.0]}).write_parquet(path)
    with pytest.raises(DataError, match="found none for open, high, low, volume among 'date', 'close'"):
        load_bars(path)


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02\x03\x04", b"PAR1 cut off", b"one word", b"PK\x03\x04zip"])
def test_what_is_no_table_is_refused(tmp_path, content):
    path = tmp_path / "x.bin"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"x\.bin"):
        load_bars(path)


def test_a_header_without_rows_and_a_folder_of_it_are_refused(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("ts,open,high,low,close,volume\n")
    with pytest.raises(DataError, match="holds no rows"):
        load_bars(path)
    with pytest.raises(DataError, match=r"is a folder, and one of its files is refused: x\.csv holds no rows"):
        load_bars(tmp_path)


def test_repairs_are_told_on_the_error_stream(bars, tmp_path, capsys):
    path = tmp_path / "x.csv"
    bars.reverse().write_csv(path)
    load_bars(path)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("x.csv: newest first, put in ascending order (60 rows): line 2")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            "binance:BTC/USDT:1h",
            "is not in the store at data .which is empty.; fetch it: tradsys data download binance:BTC",
        ),
        ("smaple", "did you mean sample"),
        ("simulated:nosie", "did you mean noise"),
        ("simulated:edge", "such as edge:2"),
        ("simulated:edge:4", "from 0 to 3, was 4"),
        ("simulated", "there are noise, sv-martingale, bull, regimes"),
        ("nowhere/bars.csv", "there is no folder nowhere"),
    ],
)
def test_a_spec_that_names_nothing_names_the_nearest(spec, words):
    with pytest.raises(ConfigError, match=words):
        load_bars(spec)


def test_a_missing_file_names_its_neighbour(bars, tmp_path):
    bars.write_parquet(tmp_path / "BTCUSDT-1h-binancefut.parquet")
    with pytest.raises(ConfigError, match=r"did you mean .*BTCUSDT-1h-binancefut\.parquet"):
        load_bars(tmp_path / "BTCUSDT-1h-binance.parquet")


def test_the_sample_is_repaired_and_says_so():
    lines = []
    bars = load_bars("sample", log=lines.append)
    assert len(bars) == 8686
    assert bars["ts"][0] == datetime(2021, 9, 27, 13, 45, tzinfo=UTC)
    text = "\n".join(lines)
    for words in (
        "5,839 rows at +00:00, 2,882 rows at +01:00",
        "snapshots between bars, dropped (3 rows): line 2883 (2021-10-27 13:46:02)",
        "agree with the bar kept, dropped (21 rows)",
        "duplicates that disagree, dropped for the copy with the wider range, else the one fetched last (11 rows)",
        "bars without volume, in which no order is filled; left as they are (2,080 rows)",
        "9 gaps leave out 243 bars",
    ):
        assert words in text
    cut_short = bars.filter(pl.col("ts") == datetime(2021, 10, 27, 13, 45, tzinfo=UTC))
    assert cut_short["close"].to_list() == [59050.125]
