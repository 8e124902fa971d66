"""Leverage and margin type: set where they differ, and believed only when they are read back."""

import asyncio
from dataclasses import replace

import pytest
from tests.live.trading import SYMBOLS, mode

from tradsys.core.errors import ConfigError
from tradsys.live.account_mode import set_and_read_back


class Account:
    """What of a venue this asks: a mode, and a way to set it that may be deaf."""

    name = "binance"

    def __init__(self, mode, *, is_deaf=False):
        self.mode_now, self.is_deaf, self.told = mode, is_deaf, []

    async def mode(self, symbols):
        return self.mode_now

    async def set_leverage(self, symbol, leverage, margin_type):
        self.told.append((symbol, leverage, margin_type))
        if not self.is_deaf:
            self.mode_now = replace(
                self.mode_now,
                leverage={**self.mode_now.leverage, symbol: leverage},
                margin_type={**self.mode_now.margin_type, symbol: margin_type},
            )


def run(account):
    return asyncio.run(set_and_read_back(account, SYMBOLS, 3.0, "isolated"))


def test_only_what_differs_is_set():
    account = Account(mode(leverage={SYMBOLS[0]: 3.0, SYMBOLS[1]: 20.0}))
    assert run(account).leverage == dict.fromkeys(SYMBOLS, 3.0)
    assert account.told == [(SYMBOLS[1], 3.0, "isolated")]


def test_what_did_not_take_it_is_refused_by_its_name():
    with pytest.raises(ConfigError, match="leverage of ETH/USDT:USDT is 20, wanted 3") as refused:
        run(Account(mode(leverage={SYMBOLS[0]: 3.0, SYMBOLS[1]: 20.0}), is_deaf=True))
    assert "BTC" not in str(refused.value)
    with pytest.raises(ConfigError, match="margin_type of BTC/USDT:USDT is cross, wanted isolated"):
        run(Account(mode(margin_type=dict.fromkeys(SYMBOLS, "cross")), is_deaf=True))


def test_nothing_is_set_at_an_account_that_is_refused():
    account = Account(mode(can_withdraw=True, leverage=dict.fromkeys(SYMBOLS, 20.0)))
    with pytest.raises(ConfigError, match="can_withdraw"):
        run(account)
    assert account.told == []


def test_a_spot_market_has_no_leverage():
    account = Account(mode(leverage=dict.fromkeys(SYMBOLS), margin_type=dict.fromkeys(SYMBOLS)))
    run(account)
    assert account.told == []
