"""Two levels of columns, as yfinance writes them, of one ticker or of several."""

from datetime import date

import polars as pl
import pytest
from tests.data.test_files import bars

from tradsys.core.errors import DataError
from tradsys.data.load import load
from tradsys.data.outside.macro.source import FileSource

FIELDS = ("Close", "High", "Low", "Open", "Volume")


def csv_of(tickers, by="Price"):
    """The three lines of the header, and the bars of each ticker, which begin a row later each."""
    columns = [(field, ticker) for field in FIELDS for ticker in tickers]
    other = "Ticker" if by == "Price" else "Price"
    first, second = zip(*(pair if by == "Price" else pair[::-1] for pair in columns), strict=True)
    rows = []
    for i, row in enumerate(bars().iter_rows(named=True)):
        cells = [str(row[f.lower()] * (1 + tickers.index(t))) if i >= tickers.index(t) else "" for f, t in columns]
        rows.append(",".join([f"{row['ts']:%Y-%m-%d %H:%M:%S}", *cells]))
    return "\n".join([",".join([by, *first]), ",".join([other, *second]), "Date" + "," * len(columns), *rows]) + "\n"


@pytest.mark.parametrize("by", ["Price", "Ticker"])
@pytest.mark.parametrize("tickers", [["BTC-USD"], ["BTC-USD", "ETH-USD"]])
def test_a_csv_of_yfinance_is_read_ticker_by_ticker(tmp_path, tickers, by):
    path = tmp_path / "BTC.csv"
    path.write_text(csv_of(tickers, by))
    loaded = load(path)
    if len(tickers) == 1:
        assert loaded.bars.equals(bars())
        return
    assert loaded.bars["symbol"].unique(maintain_order=True).to_list() == tickers
    first, second = (loaded.bars.filter(pl.col("symbol") == name).drop("symbol") for name in tickers)
    assert first.equals(bars())
    assert second.equals(bars()[1:].with_columns(pl.exclude("ts") * 2))
    told = {repair.kind: repair.sentence for repair in loaded.repairs}
    assert told["two levels"] == "two levels of columns: read as bars of BTC-USD, ETH-USD"
    assert told["empty rows"] == "1 rows hold no price of ETH-USD and were left out of its bars"
    assert load(f"{path}?symbol=BTC-USD").bars.equals(bars())
    with pytest.raises(DataError, match="holds bars of BTC-USD, ETH-USD and none of SOL-USD"):
        load(f"{path}?symbol=SOL-USD")


def test_two_tickers_with_decimal_commas_lose_no_row(tmp_path):
    path = tmp_path / "BTC.csv"
    path.write_text(csv_of(["BTC-USD", "ETH-USD"]).replace(",", ";").replace(".", ","))
    assert load(f"{path}?symbol=BTC-USD").bars.equals(bars())
    assert load(f"{path}?symbol=ETH-USD").bars.equals(bars()[1:].with_columns(pl.exclude("ts") * 2))


@pytest.mark.parametrize("tickers", [["BTC-USD"], ["BTC-USD", "ETH-USD"]])
@pytest.mark.parametrize("is_field_first", [True, False])
def test_parquet_of_two_levels_is_read(tmp_path, tickers, is_field_first):
    pd = pytest.importorskip("pandas")
    frame = bars()
    index = pd.DatetimeIndex(frame["ts"].dt.replace_time_zone(None).to_numpy(), tz="UTC", name="Date")
    data = {(field, t): frame[field.lower()].to_numpy() * (1 + tickers.index(t)) for field in FIELDS for t in tickers}
    table = pd.DataFrame(data, index=index)
    table.columns.names = ["Price", "Ticker"]
    if not is_field_first:
        table = table.swaplevel(axis=1)
    path = tmp_path / "x.parquet"
    table.to_parquet(path)
    loaded = load(path)
    if len(tickers) == 1:
        assert loaded.bars.equals(frame)
        return
    second = loaded.bars.filter(pl.col("symbol") == "ETH-USD").drop("symbol")
    assert second.equals(frame.with_columns(pl.exclude("ts") * 2))


def test_a_macro_series_takes_the_header_of_three_lines_and_one_ticker(tmp_path):
    path = tmp_path / "vix.csv"
    path.write_text("Price,Close,High\nTicker,^VIX,^VIX\nDate,,\n2024-03-01,13.1,14\n2024-03-04,13.5,14\n")
    found = FileSource(path).fetch("vix", date(2024, 1, 1), date(2025, 1, 1))
    assert found.select("date", "close").rows() == [(date(2024, 3, 1), 13.1), (date(2024, 3, 4), 13.5)]
    path.write_text("Price,Close,Close\nTicker,^VIX,GC=F\nDate,,\n2024-03-01,13.1,2000\n")
    with pytest.raises(DataError, match=r"holds closes of \^VIX and GC=F, wanted one series"):
        FileSource(path).fetch("vix", date(2024, 1, 1), date(2025, 1, 1))


@pytest.mark.parametrize("name", ["(", "('a',", "('a', 'b', 'c')", "(1, 2)"])
def test_other_names_in_brackets_are_names(tmp_path, name):
    bars().with_columns(pl.lit(1.0).alias(name)).write_parquet(tmp_path / "x.parquet")
    assert load(tmp_path / "x.parquet").bars.equals(bars())


def test_a_table_without_columns_is_no_bars(tmp_path):
    pl.DataFrame().write_parquet(tmp_path / "x.parquet")
    with pytest.raises(DataError, match="holds no bars"):
        load(tmp_path / "x.parquet")
