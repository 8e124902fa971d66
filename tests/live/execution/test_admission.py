"""Entries that our own rules deny, and those that only look as if they broke one."""

from dataclasses import replace

import pytest
from tests.live.execution.world import an_entry
from tests.live.trading import rules

from tradsys.live.execution.admission import why_denied


class Noon:
    def now_ms(self) -> int:
        return 1_700_000_000_000


@pytest.mark.parametrize("size_base", [4133.17842357, 0.00000001, 123_456_789.12345678])
def test_a_size_in_tiny_lots_is_whole_whatever_floats_make_of_it(size_base):
    market = replace(rules("BTCUSDT"), lot=1e-8, min_size_base=0.0, min_notional_quote=0.0, max_market_size_base=1e12)
    assert why_denied(replace(an_entry(Noon()), size_base=size_base), market) is None


@pytest.mark.parametrize("size_base", [0.0105, 4133.1785, float("nan"), -1.0])
def test_a_size_between_lots_is_denied(size_base):
    market = replace(rules("BTCUSDT"), lot=1e-3, max_market_size_base=1e12)
    assert "no whole number of lots" in why_denied(replace(an_entry(Noon()), size_base=size_base), market)
