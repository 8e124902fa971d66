"""Files of macro closes for simulated bars: random walks on the sessions of New York."""

from datetime import timedelta

import numpy as np
import polars as pl

from tradsys.data.outside.macro.bars import session_closes

RISKY, SHUNNED = "nasdaq", "vix"


def write_series(folder, bars, name, *, seed, volatility=0.01):
    """`name.csv` with a close for each session from 250 days before the bars to their end."""
    first, last = bars["ts"].min().date() - timedelta(days=250), bars["ts"].max().date()
    days = pl.date_range(first, last, eager=True)
    days = days.filter(session_closes("XNYS", days).is_not_null())
    steps = volatility * np.random.default_rng(seed).standard_normal(len(days))
    path = folder / f"{name}.csv"
    pl.DataFrame({"date": days, "close": 100 * np.exp(np.cumsum(steps))}).write_csv(path)
    return path
