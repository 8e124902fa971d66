"""The definition of the purge, one pair of labels at a time, and random labels that are hard on it."""

import numpy as np


def blocks_of(start, tested):
    """Unbroken blocks of tested labels in order of start (stable), as lists of rows."""
    blocks, inside = [], False
    for row in sorted(range(len(start)), key=lambda i: start[i]):
        if tested[row]:
            if not inside:
                blocks.append([])
            blocks[-1].append(row)
        inside = bool(tested[row])
    return blocks


def training_rows(start, end, tested, embargo_ms):
    """Rows that may train, label by label and block by block."""
    kept = []
    for i in range(len(start)):
        if tested[i]:
            continue
        touches = False
        for block in blocks_of(start, tested):
            first, last = min(start[j] for j in block), max(end[j] for j in block)
            touches |= end[i] > first and start[i] < last + embargo_ms
        if not touches:
            kept.append(i)
    return kept


def random_labels(seed):
    """Starts with gaps and duplicates, variable lives (a few very long, some zero), rows in any order."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(8, 60))
    steps = rng.choice([0, 1, 1, 1, 2, 40], size=n)
    start = np.cumsum(steps).astype(np.int64)
    life = rng.integers(0, 6, size=n) + (rng.random(n) < 0.1) * rng.integers(0, 40, size=n)
    order = rng.permutation(n) if rng.random() < 0.7 else np.arange(n)
    return start[order], (start + life)[order], int(rng.choice([0, 1, 5, 60]))
