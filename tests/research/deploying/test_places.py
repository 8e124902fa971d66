"""A deployment's venue and symbols: from the store's name of the bars, or as they are said."""

from datetime import timedelta

import pytest

from tradsys.core.errors import ConfigError
from tradsys.data.market import Market
from tradsys.research.deploying.places import TradedPlace


def market(sources: tuple[str, ...], symbols: tuple[str, ...]) -> Market:
    from tradsys.data.simulate import simulate

    return Market(simulate("edge:3", seed=1, n_bars=10), timedelta(hours=1), sources, symbols, (), "", (), False)


STORED = market(("binance:BTC/USDT:USDT:1h", "binance:ETH/USDT:USDT:1h"), ("BTC/USDT:USDT", "ETH/USDT:USDT"))
FILE = market(("bars.csv?tz=Asia/Tokyo",), ("BTCUSD",))


def test_bars_of_the_store_say_both() -> None:
    assert TradedPlace.of(STORED, None, ()) == TradedPlace("binance", STORED.symbols)
    assert TradedPlace.of(STORED, "bybit", ()) == TradedPlace("bybit", STORED.symbols)


def test_what_is_said_counts_in_the_order_of_the_runs_symbols_or_by_their_names() -> None:
    assert TradedPlace.of(FILE, "binance", ["BTC/USDT"]).symbols == ("BTC/USDT",)
    assert TradedPlace.of(STORED, None, ["BTC/USDC", "ETH/USDC"]).symbols == ("BTC/USDC", "ETH/USDC")
    assert TradedPlace.of(STORED, None, ["ETH/USDT:USDT=ETH/USDC"]).symbols == ("BTC/USDT:USDT", "ETH/USDC")


@pytest.mark.parametrize(
    ("bars", "venue", "symbols", "told"),
    [
        (FILE, None, ["BTC/USDT"], "bars from bars.csv do not say which; add --venue"),
        (FILE, "binance", [], "found BTCUSD; add --symbol BTCUSD=BTC/USDT"),
        (FILE, "binance", ["BTC/USDT", "ETH/USDT"], r"once for each symbol of the run \(BTCUSD\)"),
        (FILE, "binance", ["BTC=BTC/USDT"], "no symbol BTC; it has BTCUSD"),
        (STORED, None, ["A/B", "ETH/USDT:USDT=C/D"], "either OLD=NEW or NEW"),
    ],
)
def test_what_nobody_says_is_asked_for(bars: Market, venue: str | None, symbols: list[str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        TradedPlace.of(bars, venue, symbols)


def test_a_spot_market_is_named_and_has_pairs_alone() -> None:
    stored = market(("binance:BTC/USDT:1h",), ("BTC/USDT",))
    assert TradedPlace.of(stored, None, ()) == TradedPlace("binance", ("BTC/USDT",))
    assert TradedPlace.of(stored, "binance-spot", ()) == TradedPlace("binance-spot", ("BTC/USDT",))
    with pytest.raises(ConfigError, match=r"pairs and no perpetuals, .* --symbol BTC/USDT:USDT=BTC/USDT"):
        TradedPlace.of(STORED, "binance-spot", ())


@pytest.mark.parametrize(
    ("sides", "cap", "reads", "told"),
    [
        (("long", "short"), 1.0, (), r"portfolio\.sides: the run went short too, so that its verdict rests on trades"),
        (
            ("long",),
            1.5,
            (),
            r"portfolio\.cap: the run held up to 1\.5 times its equity, and binance-spot",
        ),
        (("long",), 1.0, ("funding_rate",), "features read funding_rate, and binance-spot pays no funding"),
    ],
)
def test_a_run_that_rests_on_what_a_spot_market_has_not_is_not_deployed_there(
    sides: tuple[str, ...], cap: float, reads: tuple[str, ...], told: str
) -> None:
    TradedPlace("binance", ("BTC/USDT",)).refuse_unfit(sides, cap, reads)
    TradedPlace("binance-spot", ("BTC/USDT",)).refuse_unfit(("long",), 1.0, ())
    with pytest.raises(ConfigError, match=told):
        TradedPlace("binance-spot", ("BTC/USDT",)).refuse_unfit(sides, cap, reads)


def test_a_rank_portfolio_is_not_deployed_on_a_spot_market_and_told_where_it_is() -> None:
    TradedPlace("binance", ("BTC/USDT",)).refuse_ranks()
    with pytest.raises(
        ConfigError, match=r"short of its weak symbols, which binance-spot cannot be; add --venue binance"
    ):
        TradedPlace("binance-spot", ("BTC/USDT",)).refuse_ranks()
