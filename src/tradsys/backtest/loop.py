"""The portfolio kernel: fills entries by their share of the equity and marks them to their barriers, bar by bar.

Where a bar's adverse extremes leave less than the maintenance margin, all positions are liquidated there.
"""

from typing import NamedTuple

import numpy as np

from tradsys.backtest.margin import DUST, closing_price, settle_liquidation
from tradsys.core.arrays import BoolArray, Float32Array, FloatArray, IntArray
from tradsys.core.carry import Carry
from tradsys.core.kernels import njit
from tradsys.core.orders import IN_POSITION, LAPSED, NO_ROOM, TAKEN, UNREACHED, shared_scale, sized_order
from tradsys.labels.kernel import Prices


class Candidates(NamedTuple):
    """Trades that may be taken, each (n_candidates,); `weight` is the wanted share of equity.

    `entry_fee` and `exit_fee` are fractions of the notional, slippage included. `is_inside` marks trades that end at a
    barrier inside their last bar rather than at its close; `stop` bounds what they can lose in that bar. An order rests
    until it is filled in `entry_row`, or has lapsed when that bar has closed, where it `is_missed`; `rests` says that
    orders are filled inside that bar rather than at its open.
    """

    side: IntArray
    weight: FloatArray
    entry_price: FloatArray
    entry_fee: FloatArray
    exit_row: IntArray
    exit_price: FloatArray
    exit_fee: FloatArray
    is_inside: BoolArray
    stop: FloatArray
    entry_row: IntArray
    is_missed: BoolArray
    rests: bool


class FilledPath(NamedTuple):
    """What became of each candidate, and the account at every close; see `run_portfolio`.

    `liquidated` is the grid bar in which a trade was, -1 for most; `ended` the one in which nothing was left of the
    account, -1 where that never happened.
    """

    fate: IntArray
    size_base: FloatArray
    exit_row: IntArray
    exit_price: FloatArray
    exit_fee: FloatArray
    liquidated: IntArray
    funding_quote: FloatArray
    borrow_quote: FloatArray
    equity: FloatArray
    exposure: FloatArray
    position: Float32Array
    ended: int


@njit(cache=True)
def worst_exit(side: float, extreme: float, stop: float, exit_price: float) -> float:
    """The worst price at which a trade stood in the bar that it left in: its stop, or worse where it opened beyond."""
    if side > 0:
        return min(max(extreme, stop), exit_price)
    return max(min(extreme, stop), exit_price)


@njit(cache=True)
def run_portfolio(
    candidates: Candidates,
    fills: IntArray,
    row_at: IntArray,
    prices: Prices,
    lot: FloatArray,
    min_notional: FloatArray,
    carry: Carry,
    cash: float,
    cap: float,
    maintenance: float,
    liquidation_fee: float,
) -> FilledPath:
    """Fill candidates on the union grid of all symbols, one position or resting order a symbol.

    `fills` and `row_at` (n_symbols, n_grid) hold the candidate that is sent at an open and the symbol's row in `prices`
    and `carry` (all symbols end to end), -1 for none; `lot` and `min_notional` are (n_symbols,). Sizes are shares of
    the equity at the closes before; those that are sent together and want more than `cap` leaves shrink alike. Room is
    counted in shares as they were sent, taken by orders that rest too, and freed only once the exit bar, or the one in
    which the order lapsed, has closed.

    Inside a bar nobody knows what came first: every position that was held in it is taken at its worst at once (the
    low for a long, the high for a short, its stop where it left in this bar), with the carry that was paid and without
    what was received after the open. If that leaves no more than the maintenance margin, all is liquidated there.

    Returns by candidate its fate, size, how it ended, funding and borrowing paid; by grid bar the equity and gross
    exposure at its close; and the position (n_symbols, n_grid), side x share of equity at entry, from the open of a bar
    to the next.
    """
    (
        side, weight, entry_price, entry_fee, planned_row, planned_price, planned_fee, is_inside, stop, entry_row,
        is_missed, rests,
    ) = candidates  # fmt: skip
    exit_row, exit_price, exit_fee = planned_row.copy(), planned_price.copy(), planned_fee.copy()
    _, high, low, close = prices
    liquidated = np.full(side.size, -1)
    n_symbols, n_grid = row_at.shape
    fate = np.full(side.size, UNREACHED)
    size_base, funding_quote, borrow_quote = np.zeros(side.size), np.zeros(side.size), np.zeros(side.size)
    equity, exposure = np.empty(n_grid), np.zeros(n_grid)
    position = np.zeros((n_symbols, n_grid), np.float32)
    held = np.full(n_symbols, -1)
    mark, asked, granted, share = np.zeros(n_symbols), np.zeros(n_symbols), np.zeros(n_symbols), np.zeros(n_symbols)
    is_new, is_resting = np.zeros(n_symbols, np.bool_), np.zeros(n_symbols, np.bool_)
    paid, lent, received, adverse = np.zeros(n_symbols), np.zeros(n_symbols), np.zeros(n_symbols), np.zeros(n_symbols)
    last_row = np.full(n_symbols, -1)
    worth, dust, ended = cash, DUST * cash, -1
    for i in range(n_grid):
        if ended >= 0:
            for s in range(n_symbols):
                if fills[s, i] >= 0:
                    fate[fills[s, i]] = NO_ROOM
            equity[i] = 0.0
            continue
        for s in range(n_symbols):
            asked[s] = weight[fills[s, i]] if fills[s, i] >= 0 and held[s] < 0 else 0.0
        scale = shared_scale(asked, granted, cap)
        for s in range(n_symbols):
            k = fills[s, i]
            if k < 0:
                continue
            if held[s] >= 0:
                fate[k] = IN_POSITION
                continue
            fate[k], size = sized_order(weight[k], scale, worth, entry_price[k], lot[s], min_notional[s])
            if fate[k] != TAKEN:
                continue
            size_base[k], held[s] = size, k
            granted[s], is_resting[s] = weight[k] * scale, True
        for s in range(n_symbols):
            k = held[s]
            if k < 0 or not is_resting[s] or is_missed[k] or row_at[s, i] != entry_row[k]:
                continue
            is_resting[s], is_new[s] = False, True
            share[s] = side[k] * size_base[k] * entry_price[k] / worth
            cash -= entry_fee[k] * size_base[k] * entry_price[k]
        worst, needed, at_worst = cash, 0.0, 0.0
        for s in range(n_symbols):
            k = held[s]
            if k < 0 or is_resting[s]:
                continue
            position[s, i] = share[s]
            row = row_at[s, i]
            paid[s], lent[s], received[s], adverse[s] = 0.0, 0.0, 0.0, mark[s]
            if row >= 0:
                funding, borrow = side[k] * size_base[k] * carry.funding_within[row], 0.0
                if (row == exit_row[k] and is_inside[k]) or (rests and is_new[s]):
                    funding = max(funding, 0.0)
                if side[k] < 0:
                    borrow = size_base[k] * carry.borrow_within[row]
                received[s] = min(funding, 0.0)
                if not is_new[s]:
                    funding += side[k] * size_base[k] * carry.funding_due[row]
                    if side[k] < 0:
                        borrow += size_base[k] * carry.borrow_due[row]
                is_new[s] = False
                paid[s], lent[s] = funding, borrow
                mark[s], last_row[s] = close[row], row
                extreme = low[row] if side[k] > 0 else high[row]
                if row == exit_row[k]:
                    extreme = worst_exit(side[k], extreme, stop[k], exit_price[k])
                adverse[s] = extreme
            worst += side[k] * size_base[k] * (adverse[s] - entry_price[k]) - paid[s] + received[s] - lent[s]
            at_worst += size_base[k] * adverse[s]
            needed += size_base[k] * adverse[s] * max(maintenance, exit_fee[k])
        if worst <= max(needed, dust):
            cash, fee, shortfall = settle_liquidation(worst, at_worst, liquidation_fee)
            losses = 0.0
            for s in range(n_symbols):
                k = held[s]
                if k >= 0 and not is_resting[s]:
                    losses += max(side[k] * size_base[k] * (entry_price[k] - adverse[s]), 0.0)
            if cash <= dust:
                cash, ended = 0.0, i
            for s in range(n_symbols):
                k = held[s]
                if k < 0:
                    continue
                held[s], granted[s] = -1, 0.0
                if is_resting[s]:
                    fate[k], is_resting[s] = NO_ROOM, False
                    continue
                funding_quote[k] += paid[s] - received[s]
                borrow_quote[k] += lent[s]
                exit_row[k], exit_fee[k], liquidated[k] = last_row[s], fee, i
                size = side[k] * size_base[k]
                loss = size * (entry_price[k] - adverse[s])
                exit_price[k] = closing_price(adverse[s], size, loss, losses, shortfall, at_worst)
            worth, equity[i] = cash, cash
            continue
        worth, gross = cash, 0.0
        for s in range(n_symbols):
            k = held[s]
            if k < 0:
                continue
            if is_resting[s]:
                if is_missed[k] and row_at[s, i] == entry_row[k]:
                    fate[k], held[s], granted[s], is_resting[s] = LAPSED, -1, 0.0, False
                continue
            funding_quote[k] += paid[s]
            borrow_quote[k] += lent[s]
            cash, worth = cash - paid[s] - lent[s], worth - paid[s] - lent[s]
            if row_at[s, i] == exit_row[k]:
                earned = size_base[k] * (side[k] * (exit_price[k] - entry_price[k]) - exit_fee[k] * exit_price[k])
                cash, worth = cash + earned, worth + earned
                held[s], granted[s] = -1, 0.0
            else:
                worth += side[k] * size_base[k] * (mark[s] - entry_price[k])
                gross += size_base[k] * mark[s]
        equity[i] = worth
        exposure[i] = gross / worth if worth > 0.0 else 0.0
    return FilledPath(
        fate, size_base, exit_row, exit_price, exit_fee, liquidated, funding_quote, borrow_quote, equity, exposure,
        position, ended,
    )  # fmt: skip
