"""The portfolio's walk through time: who gets how much of the equity, and what it is worth at every close."""

from typing import NamedTuple

import numpy as np
from numba import njit

from tradsys.core.arrays import Float32Array, FloatArray, IntArray

UNREACHED, TAKEN, IN_POSITION, NO_ROOM = 0, 1, 2, 3


class Candidates(NamedTuple):
    """Trades that may be taken, each (n_candidates,); `weight` is the wanted share of equity, `exit_fee` a fraction."""

    side: IntArray
    weight: FloatArray
    entry_price: FloatArray
    exit_row: IntArray
    exit_price: FloatArray
    exit_fee: FloatArray


class Path(NamedTuple):
    """What the loop leaves behind; see `run_portfolio`."""

    fate: IntArray
    size_base: FloatArray
    funding_quote: FloatArray
    equity: FloatArray
    exposure: FloatArray
    position: Float32Array


@njit(cache=True)
def run_portfolio(
    candidates: Candidates,
    fills: IntArray,
    row_at: IntArray,
    open_: FloatArray,
    close: FloatArray,
    lot: FloatArray,
    funding_times: IntArray,
    entry_fee: float,
    funding_rate: float,
    cash: float,
    cap: float,
) -> Path:
    """Fill candidates on the union grid of all symbols, one position a symbol.

    `fills` and `row_at` (n_symbols, n_grid) hold the candidate that fills at an open and the symbol's row in `open_`
    and `close` (all symbols end to end), -1 for none; `lot` is (n_symbols,); `funding_times` (n_grid,) counts the
    funding times up to each open. Sizes are shares of the equity at the closes before; those that fill together and
    want more than `cap` leaves shrink alike. Room is counted in shares at entry, and freed only once the exit bar has
    closed.

    Returns by candidate its fate, size and funding paid; by grid bar the equity and gross exposure at its close; and
    the position (n_symbols, n_grid), side x share of equity at entry, from the open of a bar to the next.
    """
    side, weight, entry_price, exit_row, exit_price, exit_fee = candidates
    n_symbols, n_grid = row_at.shape
    fate = np.full(side.size, UNREACHED)
    size_base, funding_quote = np.zeros(side.size), np.zeros(side.size)
    equity, exposure = np.empty(n_grid), np.zeros(n_grid)
    position = np.zeros((n_symbols, n_grid), np.float32)
    held = np.full(n_symbols, -1)
    mark, granted, share = np.zeros(n_symbols), np.zeros(n_symbols), np.zeros(n_symbols)
    funded_until = np.zeros(n_symbols, np.int64)
    worth = cash
    for i in range(n_grid):
        wanted, room = 0.0, cap
        for s in range(n_symbols):
            room -= granted[s]
            if fills[s, i] >= 0 and held[s] < 0:
                wanted += weight[fills[s, i]]
        scale = min(1.0, max(room, 0.0) / wanted) if wanted > 0.0 else 0.0
        for s in range(n_symbols):
            k = fills[s, i]
            if k < 0:
                continue
            if held[s] >= 0:
                fate[k] = IN_POSITION
                continue
            size = weight[k] * scale * worth / entry_price[k]
            if lot[s] > 0.0:
                size = np.floor(size / lot[s] + 1e-9) * lot[s]
            if not size > 0.0:
                fate[k] = NO_ROOM
                continue
            fate[k], size_base[k], held[s] = TAKEN, size, k
            granted[s], share[s] = weight[k] * scale, side[k] * size * entry_price[k] / worth
            funded_until[s] = funding_times[i]
            cash -= entry_fee * size * entry_price[k]
        worth, gross = cash, 0.0
        for s in range(n_symbols):
            k = held[s]
            if k < 0:
                continue
            position[s, i] = share[s]
            row = row_at[s, i]
            if row >= 0:
                paid = side[k] * size_base[k] * open_[row] * funding_rate * (funding_times[i] - funded_until[s])
                funding_quote[k] += paid
                cash, worth, funded_until[s] = cash - paid, worth - paid, funding_times[i]
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
    return Path(fate, size_base, funding_quote, equity, exposure, position)
