"""The trades of each profile in groups (side, regime, weekday, hour), and at other costs: means with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from tradsys.backtest.block_sums import circular_block_sums, percentile_interval
from tradsys.core.arrays import FloatArray
from tradsys.core.time import DAY_MS
from tradsys.report.numbers import SideOfZero, count, interval_text, number, percent, side_of_zero
from tradsys.report.regimes import named_regimes
from tradsys.runs.metrics import RunMetrics
from tradsys.runs.slippage import LevelMetrics, charged_sentence, more_sentence
from tradsys.runs.stored import StoredRun
from tradsys.runs.tables import EQUITY, FORECASTS, TRADES

BLOCK_DAYS, N_DRAWS = 10, 1999
FEWEST = 10
"""Trades of a group below which its mean has no interval."""

LEVELS = (0.0, 0.5, 1.0, 2.0)
_LEVEL_NAMES = {0.0: "none", 0.5: "half", 1.0: "as simulated", 2.0: "twice"}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_signed = partial(percent, signed=True)


@dataclass(frozen=True, slots=True)
class MeanCell:
    """Mean net return of a trade, its 95% interval, how many trades, and where the interval lies."""

    value: str
    interval: str
    n: str
    side: SideOfZero


@dataclass(frozen=True, slots=True)
class GroupTable:
    """One way to group trades: a row a group, a cell a profile."""

    title: str
    rows: tuple[tuple[str, tuple[MeanCell, ...]], ...]
    is_long: bool


@dataclass(frozen=True, slots=True)
class LevelCell:
    """A profile at one level of costs: what its trades made together, quote, and the mean of a trade."""

    profit: str
    mean: MeanCell


@dataclass(frozen=True, slots=True)
class BreakdownCard:
    """All groups and levels of costs.

    `n_beside` of `n_intervals` lie beside zero, `even` says at which costs a profile would make nothing. `slippage` has
    a row a level above what was `charged`, empty in runs that did not tell, and `bears` says how much more each bears.
    """

    names: tuple[str, ...]
    tables: tuple[GroupTable, ...]
    n_intervals: str
    n_beside: str
    by_chance: str
    levels: tuple[tuple[str, tuple[LevelCell, ...]], ...]
    even: tuple[str, ...]
    slippage: tuple[tuple[str, tuple[LevelCell, ...]], ...]
    charged: str
    bears: tuple[str, ...]


def breakdown_card(run: StoredRun, names: Sequence[str]) -> BreakdownCard | None:
    """Every profile that traded; None where none did.

    A trade belongs to the day of its exit, and intervals come from resampled blocks of ten days, as those of the
    metrics do. Hour and weekday (UTC) are the entry's, the regime is what was known when it was decided.
    """
    trades = run.table(TRADES)
    traded = [name for name in names if (trades["profile"] == name).any()]
    if not traded:
        return None
    forecasts = run.table(FORECASTS)
    grouped, regimes = _with_groups(trades, forecasts), named_regimes(forecasts)
    span = _days(run.table(EQUITY)["ts"].drop_nulls(), trades["exit_ts"])
    titles = {"side": "Side", "regime": "Regime", "weekday": "Weekday of the entry", "hour": "Hour of the entry, UTC"}
    found = {
        name: _Estimated.of(grouped.filter(profile=name), list(titles), span, run.manifest.seed) for name in traded
    }
    tables = tuple(table for key, title in titles.items() if (table := _table(key, title, found, regimes)) is not None)
    sides = [cell.side for table in tables for _, cells in table.rows for cell in cells if cell.interval]
    return BreakdownCard(
        names=tuple(traded),
        tables=tables,
        n_intervals=count(len(sides)),
        n_beside=count(sum(side != "across" for side in sides)),
        by_chance=number(0.05 * len(sides)),
        levels=tuple((_LEVEL_NAMES[at], tuple(one.levels[at] for one in found.values())) for at in LEVELS),
        even=tuple(_even(name, grouped.filter(profile=name)) for name in traded),
        slippage=_slippage(run.metrics, traded),
        charged=charged_sentence(run.metrics.slippage),
        bears=tuple(
            f"{name}: {more_sentence(more)}" for name in traded if (more := run.metrics.profiles[name].slippage)
        ),
    )


def _slippage(metrics: RunMetrics, names: Sequence[str]) -> tuple[tuple[str, tuple[LevelCell, ...]], ...]:
    """A row a level of more slippage, a cell a profile; none where the run did not measure it."""
    told = [metrics.profiles[name].slippage for name in names]
    if (first := next((one for one in told if one is not None), None)) is None:
        return ()
    nothing = LevelCell("–", MeanCell("–", "", "0", "across"))
    return tuple(
        (
            f"{level.more_bps:g} bp more",
            tuple(nothing if one is None else _level_cell(one.levels[k]) for one in told),
        )
        for k, level in enumerate(first.levels)
    )


def _level_cell(level: LevelMetrics) -> LevelCell:
    net = level.net
    interval = interval_text(net.low, net.high, _signed)
    mean = MeanCell(_signed(net.value), interval, count(net.n), side_of_zero(net.low, net.high))
    return LevelCell(number(level.profit_abs, signed=True), mean)


def _with_groups(trades: pl.DataFrame, forecasts: pl.DataFrame) -> pl.DataFrame:
    known = forecasts.select("symbol", "side", "regime", decided="start").unique(
        ["symbol", "side", "decided"], keep="first"
    )
    joined = trades.join(known, on=["symbol", "side", "decided"], how="left", maintain_order="left")
    return joined.with_columns(
        taken_quote=pl.col("fees_quote").fill_null(0.0) + pl.col("slippage_quote").fill_null(0.0),
        weekday=pl.col("entry_ts").dt.weekday() - 1,
        hour=pl.col("entry_ts").dt.hour(),
    )


def _days(equity: pl.Series, exits: pl.Series) -> tuple[int, int]:
    """The first day since 1970 and how many there are, of what was tested."""
    ends = pl.concat([equity, exits]).dt.epoch("ms")
    first, last = int(ends.min()) // DAY_MS, int(ends.max()) // DAY_MS  # type: ignore[arg-type]  # of integers
    return first, last - first + 1


@dataclass(frozen=True, slots=True)
class _Estimated:
    """One profile's means: a cell by grouping and group, and a cell a level of costs."""

    cells: Mapping[tuple[str, int], MeanCell]
    levels: Mapping[float, LevelCell]

    @classmethod
    def of(cls, trades: pl.DataFrame, keys: Sequence[str], span: tuple[int, int], seed: int) -> "_Estimated":
        net, fees = trades["net_return"].to_numpy(), trades["taken_quote"].to_numpy()
        notional = trades["notional_quote"].to_numpy()
        share = np.divide(fees, notional, out=np.zeros(len(fees)), where=notional > 0)
        values: dict[tuple[str, float], tuple[FloatArray, FloatArray]] = {}
        for key in keys:
            own = trades[key].fill_null(-9).to_numpy()
            for group in np.unique(own[own != -9]):
                values[key, int(group)] = ((own == group).astype(np.float64), net)
        for at in LEVELS:
            values["costs", at] = (np.ones(len(net)), net + (1 - at) * share)
        cells = _means(values, trades["exit_ts"], span, seed)
        profits = {at: float((trades["pnl_quote"] + (1 - at) * trades["taken_quote"]).sum()) for at in LEVELS}
        levels = {at: LevelCell(number(profits[at], signed=True), cells["costs", at]) for at in LEVELS}
        return cls({(key, int(at)): cell for (key, at), cell in cells.items() if key != "costs"}, levels)


def _means(
    values: Mapping[tuple[str, float], tuple[FloatArray, FloatArray]],
    exits: pl.Series,
    span: tuple[int, int],
    seed: int,
) -> dict[tuple[str, float], MeanCell]:
    """The mean of each selection, from its members (n_trades,) as 0 and 1 and what each earned (n_trades,)."""
    first, n_days = span
    day = (exits.dt.epoch("ms").to_numpy() - 1) // DAY_MS - first
    sums = [
        np.bincount(np.maximum(day, 0), weights=column, minlength=n_days)
        for members, earned in values.values()
        for column in (members, members * earned)
    ]
    drawn = circular_block_sums(np.column_stack(sums), block_days=BLOCK_DAYS, n_draws=N_DRAWS, seed=seed)
    cells = {}
    for k, (key, (members, earned)) in enumerate(values.items()):
        n = int(members.sum())
        with np.errstate(divide="ignore", invalid="ignore"):
            draws = drawn[:, 2 * k + 1] / drawn[:, 2 * k]
        low, high = percentile_interval(draws) if n >= FEWEST and len(draws) else (None, None)
        mean = float((members * earned).sum() / n)
        cells[key] = MeanCell(_signed(mean), interval_text(low, high, _signed), count(n), side_of_zero(low, high))
    return cells


def _table(key: str, title: str, found: Mapping[str, _Estimated], regimes: Sequence[str]) -> GroupTable | None:
    """A table of the groups that any profile has; None where there are fewer than two, which tell nothing apart."""
    groups = sorted({group for one in found.values() for own, group in one.cells if own == key})
    if key == "side":
        groups.reverse()
    if len(groups) < 2 and key != "side":
        return None
    nothing = MeanCell("–", "", "0", "across")
    rows = tuple(
        (_name(key, group, regimes), tuple(one.cells.get((key, group), nothing) for one in found.values()))
        for group in groups
    )
    return GroupTable(title, rows, is_long=len(groups) > 7)


def _name(key: str, group: int, regimes: Sequence[str]) -> str:
    if key == "side":
        return "long" if group > 0 else "short"
    if key == "regime":
        return regimes[group]
    return _DAYS[group] if key == "weekday" else f"{group:02d}:00"


def _even(name: str, trades: pl.DataFrame) -> str:
    """At which multiple of its costs the profile's trades would have made nothing."""
    fees = float(trades["taken_quote"].sum())
    before = float(trades["pnl_quote"].sum()) + fees
    if fees <= 0:
        return f"{name} paid no fees"
    if before <= 0:
        return f"{name} loses before any fee"
    return f"{name} makes nothing at {number(before / fees)} times its fees and slippage"
