import polars as pl
import pytest

from tradsys.core.errors import DataError
from tradsys.report.folder import read_run


@pytest.mark.parametrize("name", ["manifest", "verdict", "metrics"])
def test_a_missing_file_is_named(make_run, name):
    folder = make_run(400)
    (folder / f"{name}.json").unlink()
    with pytest.raises(DataError, match=f"{name}.json is missing.*finished run"):
        read_run(folder)


@pytest.mark.parametrize(("text", "message"), [("{", "is not JSON"), ("[]", "must hold an object, found list")])
def test_a_broken_file_is_named(make_run, text, message):
    folder = make_run(400)
    (folder / "verdict.json").write_text(text)
    with pytest.raises(DataError, match=message):
        read_run(folder)


def test_a_table_that_was_not_written_is_empty(make_run):
    folder = make_run(400)
    (folder / "trades.parquet").unlink()
    assert read_run(folder).trades.is_empty()


def test_a_column_that_was_not_written_is_null(make_run):
    bars = pl.DataFrame({"ts": [0], "open": [1], "high": [1], "low": [1], "close": [1]})
    read = read_run(make_run(400, bars=bars)).bars
    assert read["symbol"].to_list() == [None]
    assert read.schema["ts"] == pl.Datetime("ms", "UTC")
