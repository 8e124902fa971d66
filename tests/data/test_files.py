"""Files as people have them: read as they were meant and told, or refused with what is wrong in them."""

import bz2
import gzip
import json
import lzma
import zipfile
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from tradsys.core.errors import DataError
from tradsys.core.time import to_ms
from tradsys.data import load_bars
from tradsys.data.load import load

START = datetime(2024, 3, 1, tzinfo=UTC)
N_BARS = 40


def bars(n=N_BARS, first=60_000.0):
    """Hours whose numbers all have decimals, from START on."""
    price = [first + 37.25 * (i % 9) for i in range(n)]
    return pl.DataFrame(
        {
            "ts": [START + timedelta(hours=i) for i in range(n)],
            "open": price,
            "high": [p + 12.5 for p in price],
            "low": [p - 10.75 for p in price],
            "close": [p + 1.5 for p in price],
            "volume": [1.25 + i % 3 for i in range(n)],
        },
        schema_overrides={"ts": pl.Datetime("ms", "UTC")},
    )


def lines(fmt="%Y-%m-%d %H:%M:%S", separator=",", number=str):
    return [separator.join([f"{row[0]:{fmt}}", *(number(x) for x in row[1:])]) for row in bars().iter_rows()]


def text(header="time,open,high,low,close,volume", rows=None, before=(), after=()):
    return "\n".join([*before, *([header] if header else []), *(rows or lines()), *after]) + "\n"


def kinds(path):
    return {repair.kind: repair for repair in load(path).repairs}


def comma(x):
    return str(x).replace(".", ",")


def german(x):
    return f"{x:,.2f}".replace(",", "_").replace(".", ",").replace("_", ".")


HEADER = "time;open;high;low;close;volume"
KRAKEN = [f"{to_ms(row[0]) // 1000},{','.join(map(str, row[1:]))},{i}" for i, row in enumerate(bars().iter_rows())]
KLINES = [f"{to_ms(row[0])},{','.join(map(str, row[1:]))},{to_ms(row[0])},1,2,3,4,0" for row in bars().iter_rows()]
MT5 = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<VOL>\t<TICKVOL>\t<SPREAD>"
READ = {
    "semicolons and decimal commas": (text(HEADER, lines(separator=";", number=comma)), "decimal commas"),
    "thousands with points": (text(HEADER, lines(separator=";", number=german)), "decimal commas"),
    "thousands with commas": (text(rows=lines(number=lambda x: f'"{x:,.2f}"')), "thousands"),
    "thousands with blanks": (
        text(HEADER, lines(separator=";", number=lambda x: f"{x:,.2f}".replace(",", " ").replace(".", ","))),
        "thousands",
    ),
    "thousands with apostrophes": (
        text(HEADER, lines(separator=";", number=lambda x: f"{x:,.2f}".replace(",", "'"))),
        "thousands",
    ),
    "tabs and decimal commas": (text(HEADER.replace(";", "\t"), lines(separator="\t", number=comma)), "decimal commas"),
    "a banner": (text(before=["www.example.com"]), None),
    "a banner in brackets": (text(before=["[Exchange] bars, made by x"]), None),
    "a banner with a comma": (text(before=["# Made by x, on 2024-03-02, all times UTC", ""]), None),
    "a banner with commas as in the header": (text(before=["Source: a, b", "Note: c"]), None),
    "a banner of as many cells": (text(before=["a,b,c,d,e,f"]), None),
    "blank lines": (text(rows=[*lines()[:9], "", *lines()[9:]], after=["", ""]), "footer"),
    "blanks behind separators": (
        text("time, open, high, low, close, volume", [x.replace(",", ", ") for x in lines()]),
        None,
    ),
    "quotes behind blanks": (text(rows=[", ".join(f'"{cell}"' for cell in x.split(",")) for x in lines()]), None),
    "a total": (text(after=["Total,,,,,"]), "footer"),
    "notes behind the data": (text(after=[",,,,,", "End of data,,,,,"]), "footer"),
    "a total behind epochs": (text(rows=[x.rsplit(",", 1)[0] for x in KRAKEN], after=["Total,,,,,"]), "footer"),
    "no header": (text(""), "no header"),
    "no header, kraken": (text("", KRAKEN), "no header"),
    "no header, binance": (text("", KLINES), None),
    "no header, semicolons": (text("", lines(separator=";")), "no header"),
    "no header, decimal commas": (text("", lines(separator=";", number=comma)), "decimal commas"),
    "no header, thousands with points": (text("", lines(separator=";", number=german)), "decimal commas"),
    "no header, day and clock": (text("", lines("%Y.%m.%d,%H:%M")), "no header"),
    "metatrader without volume": (
        text(MT5, [x + "\t0\t1.25\t9" for x in (y.rsplit("\t", 1)[0] for y in lines("%Y.%m.%d\t%H:%M:%S", "\t"))]),
        "two volumes",
    ),
    "a byte order mark": ("\ufeff" + text(), None),
    "offsets of hours": (text(rows=[x.replace(":00,", ":00+00,", 1) for x in lines()]), None),
    "am and pm": (text(rows=lines("%Y-%m-%d %I:%M:%S %p")), None),
    "am and pm, short": (text(rows=lines("%Y-%m-%d %I:%M%p")), None),
    "calendar digits with T": (text(rows=lines("%Y%m%dT%H%M%S")), None),
    "calendar digits with T and Z": (text(rows=lines("%Y%m%dT%H%M%SZ")), None),
    "dukascopy": (text("Local time,Open,High,Low,Close,Volume", lines("%d.%m.%Y %H:%M:%S.000 GMT+0000")), None),
    "english months": (text(rows=lines("%d %b %Y %H:%M:%S")), None),
}


@pytest.mark.parametrize(("content", "kind"), READ.values(), ids=READ)
def test_text_is_read_as_it_was_meant_and_every_guess_is_told(tmp_path, content, kind):
    path = tmp_path / "x.csv"
    path.write_text(content)
    loaded = load(path)
    wanted = bars().with_columns(volume=1.25 + pl.lit(0.0)) if "TICKVOL" in content else bars()
    assert loaded.bars.select(wanted.columns).equals(wanted)
    assert kind is None or kind in {repair.kind for repair in loaded.repairs}
    assert kind is not None or not loaded.repairs


PACKED = {
    "x.csv.gz": lambda data: gzip.compress(data, mtime=0),
    "two members.gz": lambda data: gzip.compress(data[:500]) + gzip.compress(data[500:]),
    "x.csv.bz2": bz2.compress,
    "x.csv.xz": lzma.compress,
    "no suffix": gzip.compress,
}


@pytest.mark.parametrize(
    "content", ["a banner", "semicolons and decimal commas", "no header, kraken", "no header, binance", "a total"]
)
@pytest.mark.parametrize("name", PACKED)
def test_what_is_packed_reads_as_what_is_not(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(PACKED[name](READ[content][0].encode()))
    assert load(path).bars.select(bars().columns).equals(bars())


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_a_zip_of_one_table_is_read(tmp_path):
    path = zipped(tmp_path / "x.zip", {"BTCUSDT-1h.csv": text(), "__MACOSX/._x": "junk"})
    assert load_bars(path).equals(bars())


def test_a_zip_packed_in_an_unknown_way_is_refused(tmp_path):
    path = zipped(tmp_path / "x.zip", {"BTCUSDT-1h.csv": text()})
    data = bytearray(path.read_bytes())
    for magic, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = data.index(magic) + place
        data[at : at + 2] = b"\x63\x00"
    path.write_bytes(data)
    with pytest.raises(DataError, match="is packed and cannot be unpacked"):
        load_bars(path)


@pytest.mark.parametrize("content", ["a banner", "semicolons and decimal commas", "no header, kraken"])
def test_zstandard_reads_too(tmp_path, content):
    zstd = pytest.importorskip("pyarrow")
    path = tmp_path / "x.csv.zst"
    with zstd.output_stream(str(path), compression="zstd") as stream:
        stream.write(READ[content][0].encode())
    assert load(path).bars.select(bars().columns).equals(bars())


def test_utf_16_is_read(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(text().encode("utf-16"))
    assert load_bars(path).equals(bars())


ROWS = [[to_ms(row[0]), *row[1:]] for row in bars().iter_rows()]
RECORDS = [dict(zip(("time", "open", "high", "low", "close", "volume"), row, strict=True)) for row in ROWS]
JSON = {
    "lists of ccxt": json.dumps(ROWS),
    "lists of text": json.dumps([[row[0], *map(str, row[1:])] for row in ROWS]),
    "records": json.dumps(RECORDS),
    "lines of records": "\n".join(json.dumps(record) for record in RECORDS),
    "lines of lists": "\n".join(json.dumps(row) for row in ROWS),
    "nested": json.dumps({"error": [], "result": {"XXBTZUSD": ROWS, "last": 1}}),
    "records by time": json.dumps(
        {
            "Meta Data": {"1. Information": "x"},
            "Time Series": {
                f"{row[0]:%Y-%m-%d %H:%M:%S}": {
                    f"{i + 1}. {name}": str(x)
                    for i, (name, x) in enumerate(zip(("open", "high", "low", "close", "volume"), row[1:], strict=True))
                }
                for row in bars().iter_rows()
            },
        }
    ),
    "columns": json.dumps({name: [record[name] for record in RECORDS] for name in RECORDS[0]}),
    "columns of pandas": json.dumps({name: {str(i): r[name] for i, r in enumerate(RECORDS)} for name in RECORDS[0]}),
}


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gz"])
@pytest.mark.parametrize("content", JSON.values(), ids=JSON)
def test_json_is_read(tmp_path, content, pack):
    path = tmp_path / "BTCUSDT.json"
    path.write_bytes(pack(content.encode()))
    assert load(path).bars.equals(bars())


REFUSED = {
    "a comma that may be either": (
        text(HEADER, [";".join([x.split(";")[0], *["60,000"] * 5]) for x in lines(separator=";")]),
        r"'60,000' may be a thousand or a decimal comma",
    ),
    "two closes": (
        text("time,open,high,low,close,close,volume", [f"{x.rsplit(',', 1)[0]},7,1" for x in lines()]),
        "two columns that are called close, and they differ",
    ),
    "no header, another order": (
        text("", [",".join(x.split(",")[i] for i in (0, 4, 3, 2, 1, 5)).replace("x", "") for x in lines()][::-1]),
        "has no header, and its 6 columns are not time, open, high",
    ),
    "a total in the middle": (
        text(rows=[*KRAKEN[:9], "Total,,,,,,", *KRAKEN[9:]], header="time,open,high,low,close,v,n"),
        "Total",
    ),
    "commas and points for decimals": (
        text(HEADER, [x.rsplit(";", 1)[0].replace(".", ",") + ";1.25" for x in lines(separator=";")]),
        "have commas and points for decimals, such as '60000,0' and '1.25'",
    ),
    "more cells than names": (text(rows=[x + "," for x in lines()]), "a line holds more cells than the header names"),
    "rows of two lengths": (json.dumps([*ROWS, [1, 2]]), "rows of 2 to 6 values"),
    "no rows in it": (json.dumps({"retCode": 10001, "retMsg": "error"}), "holds no rows"),
    "deep": ("[" * 100_000, "no JSON of rows"),
    "cut off": (json.dumps(ROWS)[:-20], "no JSON of rows"),
}


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED)
def test_what_may_mean_anything_is_refused(tmp_path, content, words):
    path = tmp_path / "x.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=words):
        load(path)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"a.csv": "1", "b.csv": "2"}, r"holds 2 files \(a.csv, b.csv\), wanted one; unpack it and give the folder"),
        ({"[Content_Types].xml": "", "xl/workbook.xml": ""}, "workbook of Excel, wanted a table; save it as CSV"),
        ({"a.csv": ""}, "is empty once it is unpacked"),
    ],
)
def test_a_zip_of_anything_else_says_what_it_holds(tmp_path, members, words):
    with pytest.raises(DataError, match=words):
        load(zipped(tmp_path / "x.zip", members))


def test_what_is_cut_off_is_refused(tmp_path):
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(text().encode())[:-40])
    with pytest.raises(DataError, match="is packed and cannot be unpacked"):
        load(path)


def test_a_csv_without_volume_is_read_and_told(tmp_path):
    path = tmp_path / "x.csv"
    bars().drop("volume").write_csv(path)
    assert load(path).bars.equals(bars().with_columns(volume=pl.lit(0.0)))
    assert "no column of volume: it is 0 in every bar" in kinds(path)["no volume"].sentence


def test_typed_columns_without_volume_must_be_said_to_be_bars(tmp_path):
    path = tmp_path / "x.parquet"
    bars().drop("volume").write_parquet(path)
    with pytest.raises(DataError, match=r"found none for volume among .* volume=none where there is none"):
        load(path)
    assert load(f"{path}?columns=volume:none").bars["volume"].sum() == 0.0


def test_what_is_guessed_of_columns_without_names_is_no_more_than_they_show(tmp_path):
    """Bybit's turnover, Kraken's average price, and a flag of OKX that is no number of trades."""
    rows = [[*row, row[5] * row[1]] for row in ROWS]
    path = tmp_path / "x.json"
    path.write_text(json.dumps(rows))
    assert load(path).bars["quote_volume"].to_list() == [row[6] for row in rows]
    path.write_text(json.dumps([[*row, row[6], 1] for row in rows]))
    assert "n_trades" not in load(path).bars.columns
    path.write_text(json.dumps([[*row[:5], row[4], row[5], 7] for row in ROWS]))
    kraken = load(path)
    assert kraken.bars.select("volume", "n_trades").row(0) == (1.25, 7.0)
    (told,) = (repair.sentence for repair in kraken.repairs)
    assert told == "no header; the columns were read as time, open, high, low, close, vwap, volume, n_trades"
