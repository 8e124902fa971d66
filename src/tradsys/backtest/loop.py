"""The portfolio kernel: fills entries by their share of the equity and marks them to their barriers, bar by bar."""

from typing import NamedTuple

import numpy as np
from numba import njit

from tradsys.core.arrays import BoolArray, Float32Array, FloatArray, IntArray
from tradsys.core.carry import Carry
from tradsys.core.orders import is_large_enough, scale_to_room, size_for_share, whole_lots

UNREACHED, TAKEN, IN_POSITION, NO_ROOM = 0, 1, 2, 3


class Candidates(NamedTuple):
    """Trades that may be taken, each (n_candidates,); `weight` is the wanted share of equity, `exit_fee` a fraction.

    `is_inside` marks trades that end at a barrier inside their last bar rather than at its close.
    """

    side: IntArray
    weight: FloatArray
    entry_price: FloatArray
    exit_row: IntArray
    exit_price: FloatArray
    exit_fee: FloatArray
    is_inside: BoolArray


class FilledPath(NamedTuple):
    """What became of each candidate, and the account at every close; see `run_portfolio`."""

    fate: IntArray
    size_base: FloatArray
    funding_quote: FloatArray
    borrow_quote: FloatArray
    equity: FloatArray
    exposure: FloatArray
    position: Float32Array


@njit(cache=True)
def run_portfolio(
    candidates: Candidates,
    fills: IntArray,
    row_at: IntArray,
    close: FloatArray,
    lot: FloatArray,
    min_notional: FloatArray,
    carry: Carry,
    entry_fee: float,
    cash: float,
    cap: float,
) -> FilledPath:
    """Fill candidates on the union grid of all symbols, one position a symbol.

    `fills` and `row_at` (n_symbols, n_grid) hold the candidate that fills at an open and the symbol's row in `close`
    and `carry` (all symbols end to end), -1 for none; `lot` and `min_notional` are (n_symbols,). Sizes are shares of
    the equity at the closes before; those that fill together and want more than `cap` leaves shrink alike. Room is
    counted in shares at entry, and freed only once the exit bar has closed.

    Returns by candidate its fate, size, funding and borrowing paid; by grid bar the equity and gross exposure at its
    close; and the position (n_symbols, n_grid), side x share of equity at entry, from the open of a bar to the next.
    """
    side, weight, entry_price, exit_row, exit_price, exit_fee, is_inside = candidates
    n_symbols, n_grid = row_at.shape
    fate = np.full(side.size, UNREACHED)
    size_base, funding_quote, borrow_quote = np.zeros(side.size), np.zeros(side.size), np.zeros(side.size)
    equity, exposure = np.empty(n_grid), np.zeros(n_grid)
    position = np.zeros((n_symbols, n_grid), np.float32)
    held = np.full(n_symbols, -1)
    mark, granted, share = np.zeros(n_symbols), np.zeros(n_symbols), np.zeros(n_symbols)
    is_new = np.zeros(n_symbols, np.bool_)
    worth = cash
    for i in range(n_grid):
        wanted, room = 0.0, cap
        for s in range(n_symbols):
            room -= granted[s]
            if fills[s, i] >= 0 and held[s] < 0:
                wanted += weight[fills[s, i]]
        scale = scale_to_room(wanted, room)
        for s in range(n_symbols):
            k = fills[s, i]
            if k < 0:
                continue
            if held[s] >= 0:
                fate[k] = IN_POSITION
                continue
            size = whole_lots(size_for_share(weight[k] * scale, worth, entry_price[k]), lot[s])
            if not is_large_enough(size, entry_price[k], min_notional[s]):
                fate[k] = NO_ROOM
                continue
            fate[k], size_base[k], held[s] = TAKEN, size, k
            granted[s], share[s] = weight[k] * scale, side[k] * size * entry_price[k] / worth
            is_new[s] = True
            cash -= entry_fee * size * entry_price[k]
        worth, gross = cash, 0.0
        for s in range(n_symbols):
            k = held[s]
            if k < 0:
                continue
            position[s, i] = share[s]
            row = row_at[s, i]
            if row >= 0:
                funding, borrow = side[k] * size_base[k] * carry.funding_within[row], 0.0
                if row == exit_row[k] and is_inside[k]:
                    funding = max(funding, 0.0)
                if side[k] < 0:
                    borrow = size_base[k] * carry.borrow_within[row]
                if not is_new[s]:
                    funding += side[k] * size_base[k] * carry.funding_due[row]
                    if side[k] < 0:
                        borrow += size_base[k] * carry.borrow_due[row]
                is_new[s] = False
                funding_quote[k] += funding
                borrow_quote[k] += borrow
                cash, worth = cash - funding - borrow, worth - funding - borrow
                mark[s] = close[row]
            if row == exit_row[k]:
                earned = size_base[k] * (side[k] * (exit_price[k] - entry_price[k]) - exit_fee[k] * exit_price[k])
                cash, worth = cash + earned, worth + earned
                held[s], granted[s] = -1, 0.0
            else:
                worth += side[k] * size_base[k] * (mark[s] - entry_price[k])
                gross += size_base[k] * mark[s]
        equity[i] = worth
        exposure[i] = gross / worth if worth > 0.0 else 0.0
    return FilledPath(fate, size_base, funding_quote, borrow_quote, equity, exposure, position)
