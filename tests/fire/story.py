"""The tape of the fire, and what is decided on it: prices move only where it does not matter how late a bot acts.

Every four bars three symbols are entered. The bars around an entry and around an exit by time are flat, so that a bot
that was killed and started again fills at the same price; only in the bar between do prices move, to the target, to
the stop, over a gap, or nowhere. Beside that somebody opens and closes a position by hand, wants one position
left, one entry is lost on its way, and in the last scene every stop is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, Final, Literal

import polars as pl
from tests.exchange.tape import TapeBar
from tests.live.trading import deployment

from tradsys.bundle.deployment import Deployment
from tradsys.core.costs import Costs
from tradsys.core.time import from_ms, ts_ms
from tradsys.predictor.predictor import Decision

BAR_MS: Final = 60_000
FIRST_MS: Final = 1_709_254_800_000
"""Open of bar 0, 2024-03-01 01:00 UTC: no funding is due while the story lasts."""

N_HISTORY: Final = 30
N_SCENES: Final = 4
"""Of four bars each; the refused stops come after them."""

N_BARS: Final = 4 * N_SCENES + 4
HALT_BAR: Final = 4 * N_SCENES

PRICES: Final = {"BTCUSDT": 60_000.0, "ETHUSDT": 3_000.0, "SOLUSDT": 150.0, "XRPUSDT": 0.5}
HAND: Final = "XRPUSDT"
"""What is traded by hand alone."""

type Market = Literal["usdm", "spot"]
"""What is traded: Binance's perpetuals, or its spot market, where nothing is sold that was not bought."""

VENUES: Final[dict[Market, str]] = {"usdm": "binanceusdm", "spot": "binance-spot"}

SIDES: Final = {"BTCUSDT": (1, -1, 1, -1), "ETHUSDT": (-1, -1, 1, 1), "SOLUSDT": (1, 1, -1, -1)}
ENDS: Final = {
    "BTCUSDT": ("target", "stop", "gap", "time"),
    "ETHUSDT": ("stop", "time", "target", "stop"),
    "SOLUSDT": ("time", "stop", "stop", "target"),
}
DISTANCE: Final = 0.005
"""Of stop and target from the price, as a fraction of it."""


def name_of(symbol: str, market: Market = "usdm") -> str:
    """As bundles write it: BTC/USDT:USDT."""
    return f"{symbol.removesuffix('USDT')}/USDT{':USDT' if market == 'usdm' else ''}"


def action_at(symbol: str, bar: int, market: Market = "usdm") -> int:
    """What is decided at the close of a bar."""
    scene, place = divmod(bar, 4)
    if symbol not in SIDES or place != 0 or bar < 0:
        return 0
    if bar == HALT_BAR:
        return 1 if symbol == "SOLUSDT" else 0
    return _side(symbol, scene, market) if scene < N_SCENES else 0


def _side(symbol: str, scene: int, market: Market) -> int:
    return SIDES[symbol][scene] if market == "usdm" else 1


def bars_of_story(market: Market = "usdm") -> dict[str, list[TapeBar]]:
    """Each symbol's bars, those of the history first."""
    return {symbol: [_bar(symbol, n, market) for n in range(-N_HISTORY, N_BARS + 30)] for symbol in PRICES}


def _bar(symbol: str, number: int, market: Market) -> TapeBar:
    price, (scene, place) = PRICES[symbol], divmod(number, 4)
    open_ = high = low = price
    if symbol in SIDES and place == 2 and 0 <= scene < N_SCENES:
        end, side = ENDS[symbol][scene], _side(symbol, scene, market)
        way = {"target": 1.5, "stop": -1.5, "gap": -3.0, "time": 0.0}[end] * side * DISTANCE * price
        high, low = max(price, price + way), min(price, price + way)
        open_ = price + way if end == "gap" else price
    return TapeBar(FIRST_MS + number * BAR_MS, open_, high, low, price, 10.0)


@dataclass(frozen=True, slots=True)
class ScriptedPredictor:
    """Decides as the story says; of a bundle's predictor it has what a bot reads."""

    market: Market = "usdm"
    bundle_hash: str = ""
    interval: timedelta = timedelta(minutes=1)
    lookback: int = 3
    symbols: tuple[str, ...] | None = None
    forecasters: Mapping[str, Any] = field(default_factory=lambda: {"script": SimpleNamespace(memory=1)})

    def decide(self, bars: pl.DataFrame, *, now: int) -> Decision:
        symbol, close_ms = str(bars["symbol"][-1]), int(ts_ms(bars)[-1]) + BAR_MS
        venue_name = f"{symbol.partition('/')[0]}USDT"
        action = action_at(venue_name, (close_ms - FIRST_MS) // BAR_MS - 1, self.market)
        away = PRICES[venue_name] * DISTANCE
        return Decision(
            from_ms(close_ms), symbol, action or 1, 0.6, 0.9, (), 0.6, action, 1.0, away, away, 3, "scripted",
            expected_net=0.001, bar_hash=f"{close_ms}", bundle_hash=self.bundle_hash,
        )  # fmt: skip


def deployment_of_story(market: Market = "usdm") -> Deployment:
    one = deployment()
    portfolio = one.portfolio if market == "usdm" else replace(one.portfolio, sides=("long",))
    names = tuple(name_of(symbol, market) for symbol in PRICES)
    times = {"created_ms": FIRST_MS - 86_400_000, "expires_ms": FIRST_MS + 86_400_000}
    return deployment(
        venue=VENUES[market], symbols=names, interval_ms=BAR_MS, costs=Costs(), trained_to_ms=FIRST_MS - 86_400_000,
        trained_from_ms=FIRST_MS - 2 * 86_400_000, portfolio=portfolio, **times,
    )  # fmt: skip
