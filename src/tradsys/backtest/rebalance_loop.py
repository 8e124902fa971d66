"""The rebalancing kernel: brings a portfolio to target weights at fixed times, bar by bar."""

from typing import NamedTuple

import numpy as np

from tradsys.backtest.margin import DUST, closing_price, settle_liquidation
from tradsys.core.arrays import BoolArray, Float32Array, FloatArray, IntArray
from tradsys.core.carry import Carry
from tradsys.core.kernels import njit
from tradsys.core.orders import is_large_enough, size_for_share, whole_lots
from tradsys.labels.kernel import Prices

REBALANCED, LAST_BAR, LIQUIDATED = 0, 1, 2
"""Why a holding ended."""


class Holdings(NamedTuple):
    """Stretches in which a symbol was held on one side, each (n_holdings,).

    `fees`, `slippage`, `funding`, `borrow` and `pnl` are in quote; `liquidated` is the grid bar in which one was, -1
    for most.
    """

    symbol: IntArray
    order: IntArray
    entry_row: IntArray
    exit_row: IntArray
    entry_price: FloatArray
    exit_price: FloatArray
    size_base: FloatArray
    fees: FloatArray
    slippage: FloatArray
    funding: FloatArray
    borrow: FloatArray
    pnl: FloatArray
    reason: IntArray
    liquidated: IntArray


class RebalancedPath(NamedTuple):
    """The account at every close and what was held.

    Equity and gross exposure are (n_grid,), position is (n_symbols, n_grid), `traded` is in quote. `ended` is the grid
    bar in which nothing was left of it, -1 where that never happened. Of `n_orders`, positions to be opened, changed or
    closed, `n_no_volume` never met a bar with trades, and `n_too_small` are smaller than a venue takes.
    """

    equity: FloatArray
    exposure: FloatArray
    position: Float32Array
    holdings: Holdings
    traded: float
    ended: int
    n_orders: int
    n_no_volume: int
    n_too_small: int


@njit(cache=True)
def standing(cash: float, size: FloatArray, at: FloatArray) -> tuple[float, float]:
    """Equity and gross notional of an account at these prices, all three by symbol; in quote."""
    worth, gross = cash, 0.0
    for s in range(size.size):
        worth += size[s] * at[s]
        gross += abs(size[s]) * at[s]
    return worth, gross


@njit(cache=True)
def run_targets(
    targets: FloatArray,
    order_at: IntArray,
    row_at: IntArray,
    last_row: IntArray,
    prices: Prices,
    is_traded: BoolArray,
    waits: bool,
    lot: FloatArray,
    min_notional: FloatArray,
    carry: Carry,
    fee: float,
    slippage: FloatArray,
    cash: float,
    maintenance: float,
    liquidation_fee: float,
) -> RebalancedPath:
    """Trade to `targets` (n_orders, n_symbols), shares of equity with their side, at the opens after each order.

    `order_at` (n_grid,) is the order that is first filled at the bar, -1 for none; a symbol without a bar there is
    filled at its next one, unless a later order comes first. In a bar that is not `is_traded` (n_rows,) nothing is
    filled: the symbol keeps what it held until the next order, or, where it `waits`, until its next traded bar. Shares
    are of the equity at the closes before. What is held past the close of `last_row` (n_symbols,) is sold there. `lot`
    and `min_notional` are (n_symbols,). What is traded pays `fee` and the row's `slippage` (n_rows,), fractions of the
    notional.

    Where the opens, or what is held after trading at them at the worst prices of the bar, all at once, leave no more
    than the maintenance margin, all is liquidated there, until the next order.
    """
    open_, high, low, close = prices
    n_symbols, n_grid = row_at.shape
    most = targets.shape[0] * n_symbols + n_symbols
    symbol, order = np.zeros(most, np.int64), np.zeros(most, np.int64)
    entry_row, exit_row, reason = np.zeros(most, np.int64), np.zeros(most, np.int64), np.zeros(most, np.int64)
    entry_price, exit_price, size_base = np.zeros(most), np.zeros(most), np.zeros(most)
    liquidated = np.full(most, -1)
    fees, slipped, funding = np.zeros(most), np.zeros(most), np.zeros(most)
    borrow, pnl = np.zeros(most), np.zeros(most)
    n_holdings = 0
    holding = np.full(n_symbols, -1)
    size, mark, share, want = np.zeros(n_symbols), np.zeros(n_symbols), np.zeros(n_symbols), np.zeros(n_symbols)
    is_pending, is_stalled = np.zeros(n_symbols, np.bool_), np.zeros(n_symbols, np.bool_)
    n_orders, n_no_volume, n_too_small = 0, 0, 0
    equity, exposure = np.empty(n_grid), np.zeros(n_grid)
    position = np.zeros((n_symbols, n_grid), np.float32)
    at, last_seen = np.zeros(n_symbols), np.full(n_symbols, -1)
    worth, traded, current, dust, ended = cash, 0.0, -1, DUST * cash, -1
    needs = max(maintenance, fee)
    for i in range(n_grid):
        if ended >= 0:
            equity[i] = 0.0
            continue
        if order_at[i] >= 0:
            current = order_at[i]
            for s in range(n_symbols):
                n_no_volume += is_pending[s] and is_stalled[s]
                want[s], is_pending[s], is_stalled[s] = targets[current, s], True, False
        spare = cash
        for s in range(n_symbols):
            row = row_at[s, i]
            at[s] = mark[s]
            if row >= 0:
                at[s], last_seen[s] = open_[row], row
                spare -= size[s] * carry.funding_due[row] + max(-size[s], 0.0) * carry.borrow_due[row]
        left, gross = standing(spare, size, at)
        is_over = left <= max(needs * gross, dust)
        for s in range(n_symbols):
            row = row_at[s, i]
            if row < 0:
                continue
            price = open_[row]
            if size[s] != 0.0:
                paid, lent = size[s] * carry.funding_due[row], max(-size[s], 0.0) * carry.borrow_due[row]
                cash -= paid + lent
                funding[holding[s]] += paid
                borrow[holding[s]] += lent
                pnl[holding[s]] -= paid + lent
            if is_over:
                continue
            if not is_pending[s]:
                continue
            if not is_traded[row]:
                if not is_stalled[s] and (want[s] != 0.0 or size[s] != 0.0):
                    n_orders += 1
                    is_stalled[s] = True
                if not waits:
                    n_no_volume += is_stalled[s]
                    is_pending[s], is_stalled[s] = False, False
                continue
            n_orders += not is_stalled[s] and (want[s] != 0.0 or size[s] != 0.0)
            is_pending[s], is_stalled[s] = False, False
            new = whole_lots(size_for_share(want[s], worth, price), lot[s])
            if new == 0.0 and want[s] != 0.0 and size[s] == 0.0:
                n_too_small += 1
            if new != 0.0 and not is_large_enough(new - size[s], price, min_notional[s]):
                n_too_small += new != size[s]
                new = size[s]  # too small a change for the venue; only what is sold whole may be of any size
            if size[s] * new < 0.0 or (new == 0.0 and size[s] != 0.0):  # sell all of it, and turn around below
                k, amount = holding[s], abs(size[s]) * price
                cash += size[s] * price - (fee + slippage[row]) * amount
                traded += amount
                fees[k] += fee * amount
                slipped[k] += slippage[row] * amount
                pnl[k] += size[s] * price - (fee + slippage[row]) * amount
                exit_row[k], exit_price[k], reason[k] = row, price, REBALANCED
                size[s], holding[s] = 0.0, -1
            if new != 0.0 and holding[s] < 0:
                k = n_holdings
                n_holdings += 1
                holding[s], symbol[k], order[k] = k, s, current
                entry_row[k], entry_price[k], size_base[k] = row, price, new
            if holding[s] >= 0:
                k, change = holding[s], new - size[s]
                amount = abs(change) * price
                cash -= change * price + (fee + slippage[row]) * amount
                traded += amount
                fees[k] += fee * amount
                slipped[k] += slippage[row] * amount
                pnl[k] -= change * price + (fee + slippage[row]) * amount
            size[s] = new
            share[s] = new * price / worth if worth > 0.0 else 0.0
        if not is_over:
            spare = cash
            for s in range(n_symbols):
                row = row_at[s, i]
                at[s] = mark[s]
                if row >= 0 and size[s] != 0.0:
                    at[s] = low[row] if size[s] > 0.0 else high[row]
                    spare -= max(size[s] * carry.funding_within[row], 0.0)
                    spare -= max(-size[s], 0.0) * carry.borrow_within[row]
            left, gross = standing(spare, size, at)
            is_over = left <= max(needs * gross, dust)
            if is_over:
                for s in range(n_symbols):
                    row = row_at[s, i]
                    if row >= 0 and size[s] != 0.0:
                        paid = max(size[s] * carry.funding_within[row], 0.0)
                        lent = max(-size[s], 0.0) * carry.borrow_within[row]
                        funding[holding[s]] += paid
                        borrow[holding[s]] += lent
                        pnl[holding[s]] -= paid + lent
        if is_over:
            cash, taken, shortfall = settle_liquidation(left, gross, liquidation_fee)
            losses = 0.0
            for s in range(n_symbols):
                if size[s] != 0.0:
                    losses += max(-pnl[holding[s]] - size[s] * at[s], 0.0)
            if cash <= dust:
                cash, ended = 0.0, i
            for s in range(n_symbols):
                position[s, i] = share[s]
                if size[s] != 0.0:
                    k = holding[s]
                    amount = abs(size[s]) * at[s]
                    fees[k] += taken * amount
                    loss = -pnl[k] - size[s] * at[s]
                    exit_price[k] = closing_price(at[s], size[s], loss, losses, shortfall, gross)
                    pnl[k] += size[s] * exit_price[k] - taken * amount
                    traded += amount
                    exit_row[k], reason[k], liquidated[k] = last_seen[s], LIQUIDATED, i
                size[s], holding[s], share[s], want[s], is_pending[s] = 0.0, -1, 0.0, 0.0, False
            worth, equity[i] = cash, cash
            continue
        worth, gross = cash, 0.0
        for s in range(n_symbols):
            row = row_at[s, i]
            position[s, i] = share[s]
            if row >= 0:
                mark[s] = close[row]
                if size[s] != 0.0:
                    paid, lent = size[s] * carry.funding_within[row], max(-size[s], 0.0) * carry.borrow_within[row]
                    cash, worth = cash - (paid + lent), worth - (paid + lent)
                    funding[holding[s]] += paid
                    borrow[holding[s]] += lent
                    pnl[holding[s]] -= paid + lent
                if row == last_row[s] and size[s] != 0.0:
                    k, amount = holding[s], abs(size[s]) * mark[s]
                    taken = (fee + slippage[row]) * amount
                    cash += size[s] * mark[s] - taken
                    worth += size[s] * mark[s] - taken
                    traded += amount
                    fees[k] += fee * amount
                    slipped[k] += slippage[row] * amount
                    pnl[k] += size[s] * mark[s] - taken
                    exit_row[k], exit_price[k], reason[k] = row, mark[s], LAST_BAR
                    size[s], holding[s] = 0.0, -1
                if row == last_row[s]:
                    share[s], want[s], is_pending[s] = 0.0, 0.0, False
            worth += size[s] * mark[s]
            gross += abs(size[s]) * mark[s]
        equity[i] = worth
        exposure[i] = gross / worth if worth > 0.0 else 0.0
    for s in range(n_symbols):
        n_no_volume += is_pending[s] and is_stalled[s]
    n = n_holdings
    holdings = Holdings(
        symbol[:n], order[:n], entry_row[:n], exit_row[:n], entry_price[:n], exit_price[:n], size_base[:n],
        fees[:n], slipped[:n], funding[:n], borrow[:n], pnl[:n], reason[:n], liquidated[:n],
    )  # fmt: skip
    return RebalancedPath(equity, exposure, position, holdings, traded, ended, n_orders, n_no_volume, n_too_small)
