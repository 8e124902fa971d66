"""Simulated markets of several symbols: universes, and pools in which something is not what it seems."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import ConfigError
from tradsys.core.seeds import generator
from tradsys.core.time import HOUR_MS
from tradsys.data.simulate.kernel import MAX_STEP
from tradsys.data.simulate.printed import Printed, deviations, late, opens, prints, sub_bars
from tradsys.data.simulate.prints import Quoting
from tradsys.data.simulate.recipes import Recipe

_COMMON, _SAME_COIN = 0.85, 0.97
"""Correlation of a symbol's fair returns with the common factor, and where all are one coin on several exchanges."""
_SUB_MINUTES, _MOST_LATE = 10, 6
_N_LISTED: Final = 24
"""Symbols of which `survivors` holds those that rose most."""
_N_LIQUID: Final = 6
_LIQUID, _RARE = Quoting(spread=2e-4), Quoting(spread=0.004, rate=0.12)


def printed_pool(recipe: Recipe, *, seed: int, n_bars: int) -> Mapping[str, Printed]:
    """Each symbol's hourly bars and quotes; fewer bars are the first of more, but for `survivors`."""
    if recipe.family in ("misaligned", "late"):
        return _late(recipe, seed, n_bars)
    if recipe.family == "survivors":
        return _survivors(recipe, seed, n_bars)
    if recipe.family == "stale-ranks":
        return _stale(recipe, seed, n_bars)
    raise ConfigError(f"{recipe.name} is no pool of printed symbols; draw it with simulate_symbols")


def _symbol(number: int) -> str:
    return f"S{number:02d}"


def _shocks(recipe: Recipe, seed: int, n: int, n_symbols: int, correlation: float = _COMMON) -> FloatArray:
    """Standard normal, correlated through one factor, (n_symbols, n)."""
    common, *own = (
        generator(seed, "simulate", recipe.name, who).standard_normal(n)
        for who in ("common", *(_symbol(s) for s in range(n_symbols)))
    )
    return np.stack([correlation * common + np.sqrt(1.0 - correlation**2) * one for one in own])


def _late(recipe: Recipe, seed: int, n_bars: int) -> dict[str, Printed]:
    """The last symbol's trades are told late: by a whole bar where it is stamped by its close."""
    delay = _MOST_LATE if recipe.family == "misaligned" else round(recipe.number / _SUB_MINUTES)
    shocks = _shocks(recipe, seed, (n_bars + 1) * _MOST_LATE, recipe.n_symbols, _SAME_COIN)
    pool = {}
    for s, own in enumerate(shocks):
        parts = sub_bars(seed, f"{recipe.name}/{_symbol(s)}", Quoting(), n_bars, HOUR_MS, _MOST_LATE, own)
        pool[_symbol(s)] = late(parts, n_bars, HOUR_MS, delay if s == recipe.n_symbols - 1 else 0)
    return pool


def _survivors(recipe: Recipe, seed: int, n_bars: int) -> dict[str, Printed]:
    """Those of 24 unrelated symbols that rose most until the end, which nobody could have known."""
    ts = opens(n_bars, HOUR_MS)
    sd = deviations(seed, recipe.name, ts, HOUR_MS)
    moves = np.clip(sd * _shocks(recipe, seed, n_bars, _N_LISTED, correlation=0.3), -MAX_STEP, MAX_STEP)
    best = np.argsort(-np.log1p(moves).sum(axis=1))[: recipe.n_symbols]
    return {
        _symbol(s): prints(seed, f"{recipe.name}/{_symbol(s)}", Quoting(spread=2e-4), ts, moves[s], sd, HOUR_MS)
        for s in sorted(best)
    }


def _stale(recipe: Recipe, seed: int, n_bars: int) -> dict[str, Printed]:
    """Six symbols that trade all the time and 14 whose last price is hours old."""
    ts = opens(n_bars, HOUR_MS)
    sd = deviations(seed, recipe.name, ts, HOUR_MS)
    pool = {}
    for s, own in enumerate(_shocks(recipe, seed, n_bars, recipe.n_symbols)):
        quoting = _LIQUID if s < _N_LIQUID else _RARE
        moves = np.clip(sd * own, -MAX_STEP, MAX_STEP)
        pool[_symbol(s)] = prints(seed, f"{recipe.name}/{_symbol(s)}", quoting, ts, moves, sd, HOUR_MS)
    return pool


def pooled(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """One frame with a `symbol` column in front."""
    return pl.concat(frame.select(pl.lit(symbol).alias("symbol"), pl.all()) for symbol, frame in frames.items())
