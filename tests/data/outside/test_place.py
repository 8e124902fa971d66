"""Places of tables as the settings write them: what is taken, and what is refused with a sentence."""

from datetime import timedelta

import pytest

from tradsys.core.errors import ConfigError
from tradsys.data.outside.positions.position_source import PositionSource
from tradsys.data.outside.source import by_symbol, one_each, split_place

PERP = "binance:BTC/USDT:USDT"


def split(text):
    return split_place(text, "a table", "a table is FILE", ("lag_s", "tolerance_s"))


def test_symbol_place_and_options_are_told_apart():
    assert split("a.csv") == ("", "a.csv", {})
    assert split(" X = dir/a=b.csv ?lag_s=0&tolerance_s=90") == (
        "X = dir/a",
        "b.csv",
        {"lag_s": timedelta(0), "tolerance_s": timedelta(seconds=90)},
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a table is FILE; found ''"),
        ("X=", "a table is FILE; found 'X='"),
        ("=a.csv", "a table is FILE; found '=a.csv'"),
        ("a.csv?speed=3", "sets speed; options of a table are lag_s, tolerance_s"),
        ("a.csv?lag_s=soon", "lag_s of .* cannot be 'soon'; give seconds"),
        ("a.csv?lag_s=-1", "lag_s must not be negative"),
        ("a.csv?tolerance_s=0", "tolerance_s must be positive"),
        ("a.csv?tolerance_s=nan", "tolerance_s must be positive"),
    ],
)
def test_anything_else_is_refused(text, message):
    with pytest.raises(ConfigError, match=message):
        split(text)


def test_a_table_without_options_takes_none():
    with pytest.raises(ConfigError, match=r"options of it are none$"):
        split_place("a.csv?lag_s=1", "it", "it is FILE")


def test_a_source_belongs_to_who_was_named_or_is_alone_or_whom_it_is_about():
    assert by_symbol([PositionSource("", PERP)], ["ONE"], "book") == {"ONE": [PositionSource("", PERP)]}
    two = ["AAA", "BTC/USDT:USDT"]
    assert [*by_symbol([PositionSource("", PERP)], two, "book")] == ["BTC/USDT:USDT"]
    assert [*by_symbol([PositionSource("AAA", PERP)], two, "book")] == ["AAA"]
    with pytest.raises(
        ConfigError, match=r"a\.csv holds the book of no symbol; say which with SYMBOL=FILE, one of AAA, "
    ):
        by_symbol([PositionSource("", "a.csv")], two, "book")
    with pytest.raises(ConfigError, match="holds the book of OTHER"):
        by_symbol([PositionSource("OTHER", "a.csv")], ["ONE"], "book")


def test_where_one_is_all_there_may_be_two_are_refused():
    two = [PositionSource("AAA", "a.csv"), PositionSource("AAA", "b.csv")]
    assert one_each(two[:1], ["AAA", "BBB"], "book", "books") == {"AAA": two[0]}
    with pytest.raises(ConfigError, match=r"AAA has two books, a\.csv and b\.csv; give one"):
        one_each(two, ["AAA", "BBB"], "book", "books")
