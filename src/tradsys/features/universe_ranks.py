"""Symbols of a universe compared: ranks of momentum and funding, and what all do together, as columns of bars."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import polars as pl

from tradsys.core.arrays import BoolArray, FloatArray
from tradsys.core.errors import ConfigError
from tradsys.core.time import interval_ms
from tradsys.data.market import Market
from tradsys.data.panel import PricePanel
from tradsys.data.universe import Listing, Universe, UniverseSpec
from tradsys.features.cross_section import LOOKBACKS, PLACES, Compared
from tradsys.features.funding import funding_8h
from tradsys.features.prices import VOLATILITY_TAPS, log_close, log_returns, volatility

LEAST: Final = 4
"""Fewer symbols than this are no cross-section: nobody is ranked."""


MOMENTUM: Final[tuple[Compared, ...]] = ("strength", "place", "market", "dispersion")
"""Those that are made of prices, a column a lookback."""


def attach_ranks(
    market: Market,
    spec: UniverseSpec = UniverseSpec(),
    *,
    lookbacks: tuple[int, ...] = LOOKBACKS,
    listings: Mapping[str, Listing] = {},
    kinds: Sequence[Compared] = PLACES,
) -> Market:
    """The market with `rank_<kind>_<bars>` for each kind and lookback, and `rank_funding` where it is asked for.

    Strength is a symbol's vol-normalised momentum less the median of the universe, place its rank in [-1, 1], funding
    the place of what its longs pay; `market` is the mean of all momenta and dispersion their standard deviation. All
    compare only members of the universe at that time whose bar had closed by then, and have no value for any other.
    """
    if len(market.symbols) < LEAST:
        raise ConfigError(
            f"ranks compare at least {LEAST} symbols, found {', '.join(market.symbols)}; pool more with --bars, or "
            "leave the features of ranks out"
        )
    frames = market.frames()
    columns = rank_columns(
        frames, interval_ms(market.interval), spec, lookbacks=lookbacks, listings=listings, kinds=kinds
    )
    bars = market.by_symbol(lambda symbol, bars: bars.with_columns(columns[symbol]))
    return market.attached(bars, f"ranks among {len(market.symbols)} symbols ({spec})")


def rank_columns(
    frames: Mapping[str, pl.DataFrame],
    bar_ms: int,
    spec: UniverseSpec,
    *,
    lookbacks: tuple[int, ...] = LOOKBACKS,
    listings: Mapping[str, Listing] = {},
    kinds: Sequence[Compared] = PLACES,
) -> dict[str, list[pl.Series]]:
    """The columns of each symbol at its own bars, (n_bars,) each, from one frame a symbol."""
    return columns_among(frames, bar_ms, spec.choose(frames, bar_ms, listings), lookbacks, kinds)


def columns_among(
    frames: Mapping[str, pl.DataFrame],
    bar_ms: int,
    universe: Universe,
    lookbacks: tuple[int, ...] = LOOKBACKS,
    kinds: Sequence[Compared] = PLACES,
) -> dict[str, list[pl.Series]]:
    """The same of members that are known: a row then reads `rank_rows` bars of each symbol, and no more."""
    panel = PricePanel.of(frames, bar_ms)
    member = universe.at(panel.times)
    columns = {symbol: list[pl.Series]() for symbol in panel.symbols}
    for name, table in _tables(panel, frames, member, lookbacks, kinds):
        for symbol in panel.symbols:
            columns[symbol].append(pl.Series(name, panel.gathered(table, symbol)))
    return columns


def _tables(
    panel: PricePanel,
    frames: Mapping[str, pl.DataFrame],
    member: BoolArray,
    lookbacks: tuple[int, ...],
    kinds: Sequence[Compared],
) -> Iterator[tuple[str, FloatArray]]:
    """Name and values (n_times, n_symbols) of each column."""
    of_momentum = {"strength": strength, "place": place, "market": market_mean, "dispersion": dispersion}
    chosen = [kind for kind in MOMENTUM if kind in kinds]
    for lookback in lookbacks if chosen else ():
        values = compared(momentum(panel, frames, lookback), member)
        for kind in chosen:
            yield f"rank_{kind}_{lookback}", of_momentum[kind](values)
    if "funding" in kinds:
        rates = panel.spread({symbol: funding_8h(bars) for symbol, bars in frames.items()})
        yield "rank_funding", place(compared(rates, member))


def rank_names(lookbacks: Sequence[int], kinds: Sequence[Compared] = PLACES) -> list[str]:
    """What the columns are called, in their order."""
    names = [f"rank_{kind}_{lookback}" for lookback in lookbacks for kind in MOMENTUM if kind in kinds]
    return [*names, "rank_funding"] if "funding" in kinds else names


def rank_rows(lookbacks: tuple[int, ...]) -> int:
    """Bars of a symbol that settle its row of these columns, that row's own among them."""
    return max(*lookbacks, VOLATILITY_TAPS) + 1


def raw_momentum(panel: PricePanel, frames: Mapping[str, pl.DataFrame], lookback: int) -> FloatArray:
    """Log return over `lookback` bars of the clock, (n_times, n_symbols); NaN where either of the two is missing."""
    at = panel.spread({symbol: log_close(bars) for symbol, bars in frames.items()})
    before = np.full(at.shape, np.nan)
    before[lookback:] = at[:-lookback]
    return np.asarray(at - before)


def momentum(panel: PricePanel, frames: Mapping[str, pl.DataFrame], lookback: int) -> FloatArray:
    """Return over `lookback` bars of the clock in standard deviations, (n_times, n_symbols).

    NaN where the bar that closes then, or the one that closed `lookback` before, is missing, and where volatility is
    not settled yet: no bar stands in for another.
    """
    spread = {symbol: volatility(log_returns(log_close(bars))) for symbol, bars in frames.items()}
    for values in spread.values():
        values[:VOLATILITY_TAPS] = np.nan
    return np.asarray(raw_momentum(panel, frames, lookback) / (panel.spread(spread) * np.sqrt(lookback)))


def compared(values: FloatArray, member: BoolArray) -> FloatArray:
    """The values of members, NaN for all others, and for all where fewer than `LEAST` have one; shape as given."""
    kept = np.where(member, values, np.nan)
    kept[np.isfinite(kept).sum(axis=1) < LEAST] = np.nan
    return kept


def strength(values: FloatArray) -> FloatArray:
    """Values less their row's median, which NaN take no part in; shape as given."""
    out = np.full(values.shape, np.nan)
    rows = np.isfinite(values).any(axis=1)
    out[rows] = values[rows] - np.nanmedian(values[rows], axis=1)[:, None]
    return out


def place(values: FloatArray) -> FloatArray:
    """Rank in each row, -1 for the smallest to 1 for the largest, equal ones in the middle; NaN takes no part.

    >>> place(np.array([[0.3, np.nan, -1.0, 0.3]]))
    array([[ 0.5,  nan, -1. ,  0.5]])
    """
    net = np.zeros(values.shape)  # how many are smaller, less how many are larger
    for other in values.T:
        net += (values > other[:, None]).astype(np.float64) - (values < other[:, None])
    n = np.isfinite(values).sum(axis=1)[:, None]
    return np.where(np.isfinite(values), net / np.maximum(n - 1, 1), np.nan)


def market_mean(values: FloatArray) -> FloatArray:
    """Each row's mean in the place of every value, which NaN take no part in; shape as given."""
    return np.where(np.isfinite(values), _mean(values)[:, None], np.nan)


def dispersion(values: FloatArray) -> FloatArray:
    """Each row's standard deviation in the place of every value, which NaN take no part in; shape as given."""
    deviation = values - _mean(values)[:, None]
    return np.where(np.isfinite(values), np.sqrt(_mean(deviation * deviation))[:, None], np.nan)


def _mean(values: FloatArray) -> FloatArray:
    """Mean of each row without its NaN, (n_rows,), NaN where nothing is known."""
    known = np.isfinite(values)
    n = total(known.astype(np.float64))
    return np.asarray(np.divide(total(np.where(known, values, 0.0)), n, out=np.full(len(values), np.nan), where=n > 0))


def total(values: FloatArray) -> FloatArray:
    """Sum of each row, column after column, (n_rows,): the same bits whoever else is among the columns with zeros."""
    out = np.zeros(len(values))
    for column in values.T:
        out += column
    return out
