"""A deployment, the rules of its markets and the mode of its account, as a healthy one has them."""

from dataclasses import replace

from tradsys.bundle.deployment import DeployedPortfolio, DeployedVerdict, Deployment
from tradsys.core.costs import Costs
from tradsys.live.venue import AccountMode, MarketRules

NOW_MS = 1_700_000_000_000
DAY_MS = 86_400_000
SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT")


def deployment(**changes) -> Deployment:
    one = Deployment(
        venue="binance",
        symbols=SYMBOLS,
        interval_ms=900_000,
        trained_from_ms=NOW_MS - 500 * DAY_MS,
        trained_to_ms=NOW_MS - DAY_MS,
        created_ms=NOW_MS - DAY_MS,
        expires_ms=NOW_MS + DAY_MS,
        profile="SNIPER",
        costs=Costs(taker_bps=5.0, maker_bps=2.0),
        portfolio=DeployedPortfolio(fraction=0.1, cap=1.0, cash_quote=10_000.0, sides=("long", "short")),
        outside=(),
        verdict=DeployedVerdict("SNIPER", "proven", "it makes money", "0" * 64, "run"),
        bands={},
    )
    return replace(one, **changes)


def rules(symbol: str, **changes) -> MarketRules:
    one = MarketRules(
        symbol=symbol,
        tick=0.1,
        lot=0.001,
        min_size_base=0.001,
        max_market_size_base=100.0,
        min_notional_quote=5.0,
        price_band=0.05,
        is_trading=True,
        can_short=True,
    )
    return replace(one, **changes)


def markets(**changes) -> dict[str, MarketRules]:
    return {symbol: rules(symbol, **changes) for symbol in SYMBOLS}


def mode(**changes) -> AccountMode:
    one = AccountMode(
        can_trade=True,
        can_withdraw=False,
        is_hedge_mode=False,
        is_multi_asset=False,
        taker_bps=5.0,
        maker_bps=2.0,
        leverage=dict.fromkeys(SYMBOLS, 2.0),
        margin_type=dict.fromkeys(SYMBOLS, "isolated"),
    )
    return replace(one, **changes)
