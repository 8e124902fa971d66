"""Places of tables as the settings write them: what is taken, and what is refused with a sentence."""

from datetime import timedelta

import pytest
from tests.research.markets import market_of, two_markets

from tradsys.core.errors import ConfigError
from tradsys.data.outside.place import split_place, symbol_in


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


def test_whose_it_is_was_said_or_is_clear_or_is_told_by_the_place():
    one, two = market_of("noise", 1, 50), two_markets(1)
    first, second = two.symbols
    assert symbol_in(one, "", "a.csv", "book", told="OTHER") == one.symbols[0]
    assert symbol_in(two, "", "a.csv", "book", told=second) == second
    assert symbol_in(two, first, "a.csv", "book", told=second) == first
    with pytest.raises(ConfigError, match=r"a\.csv is the book of no symbol; say which with SYMBOL=FILE, one of "):
        symbol_in(two, "", "a.csv", "book")
    with pytest.raises(ConfigError, match="is the book of OTHER"):
        symbol_in(one, "OTHER", "a.csv", "book")
