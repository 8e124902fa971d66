"""Small made-up panels for the tests of models."""

import numpy as np

from tradsys.models.forecaster import Panel

HOUR_MS = 3_600_000
COLUMNS = ("momentum", "reversal", "volatility", "noise")


def panel_of(
    n_bars: int = 4000,
    *,
    edge: float = 0.6,
    level: float = -0.2,
    volatility: float = 0.3,
    n_symbols: int = 1,
    seed: int = 0,
    life: int = 6,
) -> Panel:
    """Rows whose true log-odds are `level + volatility * x2 +- edge * x0`: one odd signal, one of volatility."""
    rng = np.random.default_rng(seed)
    X, y, start, end, weight, expansion = [], [], [], [], [], []
    for _ in range(n_symbols):
        x = rng.standard_normal((n_bars, len(COLUMNS)))
        common = level + volatility * x[:, 2]
        odds = np.column_stack([common + edge * x[:, 0], common - edge * x[:, 0]])
        hit = (rng.random((n_bars, 2)) < 1 / (1 + np.exp(-odds))).astype(float)
        x[:50], hit[:50], hit[-life:] = np.nan, np.nan, np.nan
        opens = (np.arange(n_bars) + 1) * HOUR_MS
        X.append(x)
        y.append(hit)
        start.append(opens)
        end.append(np.column_stack([opens + life * HOUR_MS] * 2))
        # how far bars move follows the column of volatility; its noise is drawn apart, to leave all else as it is
        noise = np.random.default_rng(len(X)).standard_normal(n_bars)
        expansion.append(np.where(np.isfinite(hit[:, 0]), 0.3 * x[:, 2] + 0.4 * noise, np.nan))
        weight.append(np.where(np.isfinite(hit), 0.5 + 0.5 * rng.random((n_bars, 2)), 0.0))
    return Panel(
        symbols=tuple(f"S{i}" for i in range(n_symbols)),
        columns=COLUMNS,
        is_odd=np.array([True, True, False, False]),
        is_volatility=np.array([False, False, True, False]),
        X=tuple(X),
        start=tuple(start),
        y=tuple(y),
        end=tuple(end),
        weight=tuple(weight),
        ret_atr=tuple(1.5 * (2 * hit - 1) for hit in y),
        expansion=tuple(expansion),
        expansion_end=tuple(one[:, 0] for one in end),
    )
