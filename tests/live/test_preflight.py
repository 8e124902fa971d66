"""Everything that may speak against trading a bundle, each refused by the name of its field."""

from dataclasses import replace

import pytest
from tests.live.trading import DAY_MS, NOW_MS, SYMBOLS, deployment, markets, mode, rules

from tradsys.bundle.deployment import DeployedPortfolio
from tradsys.core.costs import Costs
from tradsys.core.errors import ConfigError, NotProvenError
from tradsys.live.preflight import AskedFor, check_confirmed, preflight
from tradsys.settings.trade import TradeSettings

FINE = {"deployment": deployment(), "mode": mode(), "markets": markets(), "settings": TradeSettings(), "now_ms": NOW_MS}

EXPOSED = deployment(portfolio=DeployedPortfolio(0.1, 1.5, 1e4, ("long",)))


def check(wanted=(), takes_unproven=False, **changes):
    return preflight(*(FINE | changes).values(), wanted=wanted, takes_unproven=takes_unproven)


def test_a_healthy_bundle_on_a_healthy_account_is_traded():
    cleared = check()
    assert cleared.unproven == ""
    assert cleared.notes == check(mode=None).notes == ()


def test_lower_fees_than_were_counted_are_noted():
    noted = check(mode=mode(taker_bps=4.5)).notes
    assert noted == ("this account pays 4.5 (taker) and 2 (maker) bps, the bundle counted 5 and 2",)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mode": mode(can_withdraw=True)}, "can_withdraw: the key may withdraw"),
        ({"mode": mode(can_trade=False)}, "can_trade: the key may not trade"),
        ({"mode": mode(is_hedge_mode=True)}, "is_hedge_mode: "),
        ({"mode": mode(is_multi_asset=True)}, "is_multi_asset: "),
        ({"now_ms": NOW_MS + DAY_MS}, "expires_ms: the bundle expired at 2023-11-15"),
        ({"markets": {SYMBOLS[0]: rules(SYMBOLS[0])}}, "symbols: binance has no ETH/USDT:USDT"),
        ({"markets": markets(is_trading=False)}, "symbols: BTC/USDT:USDT is not traded on binance now"),
        ({"markets": markets(can_short=False)}, "portfolio.sides: the bundle goes short, and BTC/USDT:USDT cannot"),
        (
            {"settings": TradeSettings(leverage=1.0), "deployment": EXPOSED},
            "trade.leverage: it is 1, and the bundle holds up to 1.5",
        ),
        (
            {"wanted": [AskedFor("trade.venue", venue="bybit")]},
            "venue: trade.venue says bybit, and the bundle is of binance",
        ),
        (
            {"wanted": [AskedFor("the tape", symbols=["XRP/USDT"])]},
            "symbols: the tape says XRP/USDT, and the bundle is of",
        ),
        (
            {"wanted": [AskedFor("the tape", interval_ms=60_000)]},
            "interval_ms: the tape says bars of 1m, and the bundle is of bars of 15m",
        ),
    ],
)
def test_what_speaks_against_it_is_named(changes, said):
    with pytest.raises(ConfigError) as refused:
        check(**changes)
    assert said in str(refused.value)
    assert refused.value.exit_code == 2


def test_everything_is_named_at_once():
    with pytest.raises(ConfigError, match=r"expires_ms: .*; .*can_withdraw: .*; .*is_hedge_mode: "):
        check(now_ms=NOW_MS + DAY_MS, mode=mode(can_withdraw=True, is_hedge_mode=True))


@pytest.mark.parametrize(
    ("symbols", "cap", "why"),
    [
        (("BTC/USDT", "ETH/USDC"), 1.0, "symbols: they are paid in USDC, USDT, and an account of a spot market"),
        (("BTC/USDT", "ETH/USDT"), 1.5, "portfolio.cap: the bundle holds up to 1.5 times the equity, and binance-spot"),
    ],
)
def test_a_spot_market_counts_in_one_currency_and_borrows_none_of_it(symbols, cap, why):
    coins = {symbol: rules(symbol, can_short=False, sells_lock=True) for symbol in symbols}
    one = deployment(venue="binance-spot", symbols=symbols, portfolio=DeployedPortfolio(0.1, cap, 1e4, ("long",)))
    with pytest.raises(ConfigError) as refused:
        check(deployment=one, markets=coins)
    assert why in str(refused.value)


def test_a_spot_market_takes_a_bundle_that_goes_long_only():
    long_only = deployment(portfolio=DeployedPortfolio(0.1, 1.0, 1e4, ("long",)))
    assert check(deployment=long_only, markets=markets(can_short=False)).unproven == ""


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"deployment": deployment(verdict=replace(deployment().verdict, verdict="not proven", sentence="luck"))},
            "verdict: SNIPER is not proven (luck)",
        ),
        ({"mode": mode(taker_bps=5.5)}, "costs.taker_bps: this account pays 5.5 bps, and the verdict counted 5"),
        ({"mode": mode(maker_bps=2.5)}, "costs.maker_bps: this account pays 2.5 bps, and the verdict counted 2"),
    ],
)
def test_what_is_not_proven_here_takes_a_word_and_keeps_its_mark(changes, why):
    with pytest.raises(NotProvenError) as refused:
        check(**changes)
    assert why in str(refused.value)
    assert "--unproven" in str(refused.value)
    assert refused.value.exit_code == 4
    assert check(takes_unproven=True, **changes).unproven == why


def test_lower_fees_than_counted_are_fine():
    assert check(mode=mode(taker_bps=1.0, maker_bps=-0.5)).unproven == ""
    assert check(deployment=deployment(costs=Costs(taker_bps=10.0))).unproven == ""


def test_the_word_for_unproven_does_not_excuse_anything_else():
    with pytest.raises(ConfigError, match="can_withdraw"):
        check(mode=mode(can_withdraw=True), takes_unproven=True)


def test_bars_that_trained_it_are_told():
    (note,) = check(deployment=deployment(trained_to_ms=NOW_MS + 1), mode=None).notes
    assert "it has seen what is to come" in note


@pytest.mark.parametrize(("is_live", "confirmed"), [(True, ""), (True, "other"), (False, "main")])
def test_one_step_to_money_alone_is_refused(is_live, confirmed):
    with pytest.raises(ConfigError, match="TRADSYS_TRADE__CONFIRM=main") as refused:
        check_confirmed("main", confirmed, is_live=is_live)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(("is_live", "confirmed"), [(True, "main"), (False, ""), (False, "other")])
def test_both_steps_or_none_are_taken(is_live, confirmed):
    check_confirmed("main", confirmed, is_live=is_live)
