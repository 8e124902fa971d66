"""Where a bot trades: an exchange with its owner's money, or a paper account over its market data or over a tape."""

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from tradsys.bundle.deployment import Deployment
from tradsys.core.arrays import IntArray
from tradsys.core.costs import ESTIMATED, Instrument
from tradsys.core.errors import ConfigError, NotEnoughBars
from tradsys.core.time import stamp, ts_ms
from tradsys.data.market import load_market
from tradsys.live.account.folder import AccountFolder
from tradsys.live.clock import Clock
from tradsys.live.telling import Tell
from tradsys.live.venue import MarketData, Venue
from tradsys.live.venues.catalogue import ALIASES, venue_named
from tradsys.live.venues.paper import PaperVenue
from tradsys.live.venues.paper_rules import PaperRules, known_slippage
from tradsys.live.venues.paper_spot import PaperSpot
from tradsys.live.venues.tape import BarTape
from tradsys.predictor.traded import RankBundle, TradedBundle
from tradsys.settings.trade import TradeSettings

PAPER: Final = "paper.sqlite"
"""The paper account, beside the journal."""

STEPS_OF_TAPE: Final = Instrument(tick=0.0, lot=1e-8)
"""Bars do not say in which steps sizes are traded: as good as none."""


def exchange(deployment: Deployment, settings: TradeSettings, clock: Clock, tell: Tell | None = None) -> Venue:
    """The exchange of the bundle with the account of the settings' key; a ConfigError where there is no key."""
    if not settings.has_key:
        raise ConfigError(
            "trading with money takes a key that may trade and not withdraw: TRADSYS_TRADE__API_KEY and "
            "TRADSYS_TRADE__API_SECRET in .env or the environment"
        )
    key, secret = settings.api_key.get_secret_value(), settings.api_secret.get_secret_value()
    return venue_named(deployment.venue, api_key=key, api_secret=secret, url=settings.url, clock=clock, tell=tell)


def market_data(deployment: Deployment, settings: TradeSettings, clock: Clock) -> MarketData:
    """What the exchange of the bundle tells everybody: no key is given, so that nothing can be signed."""
    return venue_named(deployment.venue, url=settings.url, clock=clock)


def on_paper(
    data: MarketData, bundle: TradedBundle | RankBundle, settings: TradeSettings, folder: AccountFolder
) -> Venue:
    """The folder's paper account over this market data, charged as the bundle's simulations were."""
    one = bundle.deployment
    rules = PaperRules(
        costs=one.costs,
        cash_quote=settings.cash_quote or one.portfolio.cash_quote,
        slippage=known_slippage(_slippage(bundle)),
        leverage=settings.leverage,
    )
    kind = PaperSpot if one.is_spot else PaperVenue
    return kind(data, rules, one.interval_ms, path=folder.path / PAPER)


def _slippage(bundle: TradedBundle | RankBundle) -> Mapping[str, float]:
    """What market orders on each symbol pay, a fraction of their notional; a ConfigError where the bundle has none."""
    one = bundle.deployment
    if isinstance(bundle, TradedBundle):
        return {symbol: bundle.predictor.valuation.slippage_of(symbol) for symbol in one.symbols}
    if one.costs.slippage_bps != ESTIMATED:
        return dict.fromkeys(one.symbols, one.costs.slippage_bps / 1e4)
    if not bundle.ranks.slippage:
        raise ConfigError(
            "a paper account charges slippage in numbers, and the bundle says only that it is estimated: it was "
            "written before bundles of ranks kept the estimates; deploy the run again"
        )
    return bundle.ranks.slippage


def tape_bars(specs: Sequence[str], deployment: Deployment) -> dict[str, pl.DataFrame]:
    """Bars to be played, by symbol: what --bars takes, or SYMBOL=that of one symbol under the bundle's name for it."""
    found: dict[str, pl.DataFrame] = {}
    for spec in specs:
        symbol, _, rest = spec.partition("=")
        if symbol not in deployment.symbols:
            found |= load_market([spec]).frames()
            continue
        frames = load_market([rest]).frames()
        if len(frames) != 1:
            raise ConfigError(f"{spec} names bars of one symbol, found {', '.join(frames)}; name each")
        found[symbol] = next(iter(frames.values()))
    return found


def tape_start_ms(bars: Mapping[str, pl.DataFrame], n_bars: int, interval_ms: int, *, from_ms: int = 0) -> int:
    """When a tape may begin to play: amid a bar that opens at `from_ms` or later, after `n_bars` closed ones."""
    return max(_first_played_ms(symbol, ts_ms(frame), n_bars, from_ms) for symbol, frame in bars.items()) + (
        interval_ms // 2
    )


def _first_played_ms(symbol: str, opened_ms: IntArray, n_bars: int, from_ms: int) -> int:
    if len(opened_ms) <= n_bars:
        raise NotEnoughBars(
            f"the tape of {symbol} has {len(opened_ms):,} bars, and the bundle needs {n_bars:,} before it decides "
            "and one to decide on; play more"
        )
    if opened_ms[-1] < from_ms:
        raise NotEnoughBars(
            f"the tape of {symbol} is to be played from {stamp(from_ms)} on, and its last bar is of "
            f"{stamp(int(opened_ms[-1]))}; give an earlier day"
        )
    return int(opened_ms[max(n_bars, int(opened_ms.searchsorted(from_ms)))])


def tape(bars: Mapping[str, pl.DataFrame], clock: Clock, deployment: Deployment) -> BarTape:
    """The bars as the market data of the bundle's venue."""
    return BarTape(bars, clock, name=deployment.venue, instruments=STEPS_OF_TAPE)


def is_same_venue(one: str, other: str) -> bool:
    """Whether two names are of one venue: binance is where binanceusdm is traded."""
    return ALIASES.get(one, one) == ALIASES.get(other, other)
