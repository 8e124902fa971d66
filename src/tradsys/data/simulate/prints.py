"""Trades at a bid and an ask around a fair price, and the bars that a vendor makes of them."""

from dataclasses import dataclass

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.core.kernels import njit

FIRST_PRICE = 100.0
BID_OPEN, ASK_OPEN, BID_CLOSE, ASK_CLOSE = range(4)
_LEAST_STEP = 0.01
"""Least share of a bar's first fair price that a trade inside it is priced at: a path cannot fall to nothing."""
_WASHES = 8.0


@dataclass(frozen=True, slots=True)
class Quoting:
    """How a market trades around its fair price, and how its vendor tells it.

    `spread` is the distance of ask and bid as a share of the price, unless there is a `tick`: then they are the two
    steps of it around the fair price. `wide_spread` above 0 stands in its place for `wide_share` of the time, for
    `wide_stay` hours on average at a stretch. Trades come by a Poisson process, `rate` an hour; `persistence` is the
    correlation of one trade's sign with the next one's. `rounding` is the step to which the vendor rounds prices that
    were traded in between. `opens_at_close` makes each open the last close. `washes` gives every bar the volume of
    trades that nobody made, at the last price. The last trade of a `bad_share` of the bars is told wrong by `bad_size`
    either way. `closes_weekends` leaves out Saturday and Sunday, whose news is in Monday's first price.
    """

    spread: float = 0.0
    wide_spread: float = 0.0
    wide_share: float = 0.5
    wide_stay: float = 72.0
    tick: float = 0.0
    rounding: float = 0.0
    rate: float = 30.0
    persistence: float = 0.0
    opens_at_close: bool = False
    washes: bool = False
    bad_share: float = 0.0
    bad_size: float = 0.0
    closes_weekends: bool = False


@njit(cache=True)
def _quote(fair: float, spread: float, tick: float) -> tuple[float, float]:
    """Bid and ask, with the fair price between them."""
    if tick > 0.0:
        bid = max(np.floor(fair / tick), 1.0) * tick
        return bid, bid + tick
    return fair * (1.0 - 0.5 * spread), fair * (1.0 + 0.5 * spread)


@njit(cache=True)
def draw_prints(
    rng: np.random.Generator,
    moves: FloatArray,
    sd: FloatArray,
    spread: FloatArray,
    tick: float,
    rounding: float,
    rate: float,
    persistence: float,
    opens_at_close: bool,
    washes: bool,
    bad_share: float,
    bad_size: float,
) -> tuple[FloatArray, FloatArray]:
    """Open, high, low, close and volume, (n_bars, 5), and bid and ask at each open and close, (n_bars, 4).

    `moves` are the fair price's simple returns, a bar each, and `sd` their standard deviations; inside a bar the fair
    price is a Brownian bridge from its open to its close. Every trade is at the bid or at the ask of its moment. A bar
    without trades is flat at the last price and has no volume, unless there are washes.
    """
    n = len(moves)
    bars, quotes = np.empty((n, 5)), np.empty((n, 4))
    fair, last, sign = FIRST_PRICE, FIRST_PRICE, 1.0
    for t in range(n):
        begin, end = fair, fair * (1.0 + moves[t])
        quotes[t, 0], quotes[t, 1] = _quote(begin, spread[t], tick)
        n_trades = rng.poisson(rate)
        high, low, first = -np.inf, np.inf, last
        at = 0.0
        for k in range(n_trades):
            step, left = (k + 1.0) / (n_trades + 1.0) - at, 1.0 - at
            noise = begin * sd[t] * np.sqrt(step * (left - step) / left)
            fair = max(fair + (end - fair) * step / left + noise * rng.standard_normal(), _LEAST_STEP * begin)
            at += step
            if rng.random() > 0.5 * (1.0 + persistence):
                sign = -sign
            bid, ask = _quote(fair, spread[t], tick)
            last = ask if sign > 0.0 else bid
            if rounding > 0.0:
                last = max(np.round(last / rounding), 1.0) * rounding
            if bad_share > 0.0 and k == n_trades - 1 and rng.random() < bad_share:
                last *= 1.0 + (bad_size if rng.random() < 0.5 else -bad_size)
            if k == 0:
                first = last
            high, low = max(high, last), min(low, last)
        before = bars[t - 1, 3] if t > 0 else first
        bars[t, 0] = before if opens_at_close or n_trades == 0 else first
        bars[t, 1], bars[t, 2], bars[t, 3] = max(high, bars[t, 0]), min(low, bars[t, 0]), last
        volume = n_trades + (rng.poisson(_WASHES) if washes else 0)
        bars[t, 4] = volume * np.exp(0.4 * rng.standard_normal())
        fair = end
        quotes[t, 2], quotes[t, 3] = _quote(end, spread[t], tick)
    return bars, quotes


@njit(cache=True)
def draw_spread(rng: np.random.Generator, n: int, narrow: float, wide: float, share: float, stay: float) -> FloatArray:
    """Spread of each of n bars: wide for `share` of the time, `stay` bars on average at a stretch, otherwise narrow."""
    opens, ends = share / (1.0 - share) / stay, 1.0 / stay
    spread = np.empty(n)
    is_wide = False
    for t in range(n):
        if rng.random() < (ends if is_wide else opens):
            is_wide = not is_wide
        spread[t] = wide if is_wide else narrow
    return spread
