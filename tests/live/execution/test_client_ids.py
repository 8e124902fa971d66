"""Client ids: what every venue takes, and never the same for two orders."""

import re
from itertools import product

import pytest

from tradsys.live.client_ids import LETTERS, client_id, leg_of, prefix


def test_ids_are_of_a_length_and_letters_that_every_venue_takes():
    for account, symbol, leg in product(("a", "A very long name 中"), ("X", "1000PEPE/USDT:USDT"), LETTERS):
        name = client_id(account, symbol, 1_700_000_000_000, leg, 46_655)
        assert re.fullmatch("[a-z0-9-]{26,36}", name) and name.startswith(prefix(account))


def test_ids_differ_in_everything_that_they_are_made_of():
    times = (1_700_000_000_000, 1_700_000_060_000)
    made = [client_id(*of) for of in product(("main", "other"), ("BTCUSDT", "ETHUSDT"), times, LETTERS, (0, 1, 36))]
    assert len(set(made)) == len(made)


def test_one_bot_gives_no_id_that_another_gave_but_an_entry_is_the_same_whoever_sends_it():
    first, again = (
        [client_id("main", "BTCUSDT", 1_700_000_000_000, leg, 7, started_ms=ms) for leg in LETTERS]
        for ms in (1_700_000_000_123, 1_700_000_000_124)
    )
    assert not set(first) & set(again)
    assert all(re.fullmatch("[a-z0-9-]{36}", name) for name in first)
    assert [leg_of(name) for name in first] == list(LETTERS)


def test_attempts_stand_in_order():
    made = [client_id("main", "BTCUSDT", 1_700_000_000_000, "stop", n) for n in range(2_000)]
    assert made == sorted(made)
    late = [client_id("main", "BTCUSDT", 1, "stop", n, started_ms=9_999_999 - n) for n in range(2_000)]
    assert late == sorted(late)


def test_a_number_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="at most 3 digits"):
        client_id("main", "BTCUSDT", 0, "stop", 36**3)
