"""Slow, plain versions of the statistics, written from their definitions."""

from itertools import combinations

import numpy as np
from scipy.stats import rankdata


def cscv(returns, n_blocks):
    """Logits and Sharpe ratios of every half's winner."""
    blocks = np.split(returns, n_blocks)
    logits, inside, outside = [], [], []
    for half in combinations(range(n_blocks), n_blocks // 2):
        a = np.concatenate([blocks[i] for i in half])
        b = np.concatenate([blocks[i] for i in range(n_blocks) if i not in half])
        s, t = (x.mean(axis=0) / x.std(axis=0, ddof=1) for x in (a, b))
        best = s.argmax()
        w = rankdata(t)[best] / (returns.shape[1] + 1)
        logits.append(np.log(w / (1 - w)))
        inside.append(s[best])
        outside.append(t[best])
    return np.array(logits), np.array(inside), np.array(outside)


def step_down(observed, null):
    """Romano-Wolf by removing the best trial, one after the other."""
    left, p, floor = list(range(len(observed))), np.empty(len(observed)), 0.0
    while left:
        best = max(left, key=lambda k: observed[k])
        count = sum(1 for draw in null if max(draw[k] for k in left) >= observed[best])
        floor = max(floor, (1 + count) / (1 + len(null)))
        p[best] = floor
        left.remove(best)
    return p


def shift_statistic(positions, returns, j):
    """Gross return over realised risk with positions (n_symbols, n_grid) moved j bars later, around the end."""
    moved = np.roll(positions.astype(float), j, axis=1)
    return (moved * returns).sum() / np.sqrt((moved**2 * returns**2).sum())


def block_t(daily, block):
    """t of the mean of one series with the variance of its overlapping circular block sums."""
    centred = daily - daily.mean()
    sums = [sum(centred[(t + i) % len(daily)] for i in range(block)) for t in range(len(daily))]
    return daily.mean() * np.sqrt(len(daily)) / np.sqrt(np.mean(np.square(sums)) / block)
