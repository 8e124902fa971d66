"""Venues by name, and what they are refused with."""

import pytest

from tradsys.core.errors import ConfigError
from tradsys.live.venues.catalogue import VENUES, venue_named


@pytest.mark.parametrize("name", VENUES)
def test_every_venue_is_made_by_its_name(name):
    assert venue_named(name, api_key="some-api-key", api_secret="some-secret").name == name


def test_the_exchange_that_bars_are_stored_by_is_traded_by_its_perpetuals():
    assert venue_named("binance").name == "binanceusdm"


def test_an_unknown_venue_is_refused_with_those_that_there_are():
    with pytest.raises(ConfigError, match=r"no venue 'mtgox' to trade on; there are binance-spot, binanceusdm"):
        venue_named("mtgox")


def test_half_a_key_is_refused():
    with pytest.raises(ConfigError, match="an API secret alone"):
        venue_named("binanceusdm", api_secret="some-secret")


@pytest.mark.parametrize("url", ["http://example.com", "ws://127.0.0.1", "https://user:pass@fapi.binance.com", "x"])
def test_a_url_without_tls_or_with_a_password_is_refused(url):
    with pytest.raises(ConfigError) as caught:
        venue_named("binanceusdm", url=url)
    assert "pass@" not in str(caught.value)
