"""Returns by month and year, and the longest drawdowns, of each profile and of buying and holding."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.report.numbers import day, days, is_known, percent
from tradsys.runs.stored import StoredRun
from tradsys.runs.tables import EQUITY

BENCHMARK = "BUY_AND_HOLD"
N_DRAWDOWNS = 5

_SHADES = (0.01, 0.05, 0.15)
"""Monthly returns from which a cell is shaded more strongly."""


@dataclass(frozen=True, slots=True)
class ReturnCell:
    """One month's or year's return, and the name of its shade."""

    text: str
    shade: str


@dataclass(frozen=True, slots=True)
class YearRow:
    """Twelve months, January first, and their year."""

    year: str
    months: tuple[ReturnCell, ...]
    total: ReturnCell


@dataclass(frozen=True, slots=True)
class DrawdownRow:
    """From the peak to the first equity as high again; `recovered` says so where there was none."""

    peak: str
    trough: str
    recovered: str
    length: str
    depth: str


@dataclass(frozen=True, slots=True)
class CalendarCard:
    """One account over the tested time."""

    name: str
    label: str
    years: tuple[YearRow, ...]
    drawdowns: tuple[DrawdownRow, ...]


def calendar_cards(run: StoredRun, names: Sequence[str]) -> list[CalendarCard]:
    """A card an account that has an equity curve, the profiles in the order given, buying and holding last."""
    equity, cash = run.table(EQUITY).drop_nulls().sort("ts"), starting_cash(run)
    found = []
    for name in (*names, BENCHMARK):
        own = equity.filter(pl.col("profile") == name)
        if len(own):
            label = "Buy and hold" if name == BENCHMARK else name
            found.append(CalendarCard(name, label, year_rows(own, cash), longest_drawdowns(own, cash)))
    return found


def starting_cash(run: StoredRun) -> float | None:
    """What every account began with, quote; None where the run does not say."""
    portfolio = run.manifest.config.get("portfolio")
    cash = portfolio.get("cash_quote") if isinstance(portfolio, dict) else None
    return float(cash) if is_known(cash) and cash > 0 else None


def year_rows(equity: pl.DataFrame, cash: float | None = None) -> tuple[YearRow, ...]:
    """Returns from the last equity of one month to that of the next; `equity` by `ts`, begun with `cash` quote.

    A bar belongs to the month in which it opened. The return after an equity of zero is not known.
    """
    months = equity.group_by(pl.col("ts").dt.truncate("1mo"), maintain_order=True).agg(pl.col("equity").last())
    first = equity["equity"][0] if cash is None else cash
    ends = months["equity"].to_numpy()
    monthly = _changes(np.append(first, ends))
    when: list[tuple[int, int]] = [(one.year, one.month) for one in months["ts"]]
    by_month = dict(zip(when, monthly, strict=True))
    years = sorted({year for year, _ in when})
    last_of = {year: float(end) for (year, _), end in zip(when, ends, strict=True)}
    yearly = _changes(np.array([first, *(last_of[year] for year in years)]))
    return tuple(
        YearRow(str(year), tuple(_cell(by_month.get((year, month))) for month in range(1, 13)), _cell(total))
        for year, total in zip(years, yearly, strict=True)
    )


def _changes(levels: FloatArray) -> list[float | None]:
    """From each level to the next, as fractions."""
    return [round(float(after / before - 1), 12) if before > 0 else None for before, after in pairwise(levels)]


def _cell(value: float | None) -> ReturnCell:
    if value is None:
        return ReturnCell("", "")
    strength = 1 + sum(abs(value) >= step for step in _SHADES[1:]) if abs(value) >= _SHADES[0] else 0
    side = "gain" if value > 0 else "fall"
    return ReturnCell(percent(value, signed=True), f"{side}-{strength}" if strength else "")


def longest_drawdowns(equity: pl.DataFrame, cash: float | None = None) -> tuple[DrawdownRow, ...]:
    """The longest times below an earlier peak, the longest first; `equity` by `ts`, begun with `cash` quote."""
    when, levels = equity["ts"], equity["equity"].to_numpy()
    if cash is not None:
        when, levels = pl.concat([when[:1], when]), np.append(cash, levels)
    peaks = np.maximum.accumulate(levels)
    below = levels < peaks
    edges = np.flatnonzero(np.diff(below, prepend=False, append=False))
    spells = [(int(first) - 1, int(after)) for first, after in edges.reshape(-1, 2)]
    last = len(levels) - 1
    ms = when.dt.epoch("ms").to_numpy()
    spells.sort(key=lambda spell: ms[spell[0]] - ms[min(spell[1], last)])
    return tuple(_drawdown(when, levels, *spell) for spell in spells[:N_DRAWDOWNS])


def _drawdown(when: pl.Series, levels: FloatArray, peak: int, after: int) -> DrawdownRow:
    trough = peak + int(np.argmin(levels[peak:after]))
    is_over = after < len(levels)
    end = when[after] if is_over else when[-1]
    length = (end - when[peak]).total_seconds() / 86_400
    return DrawdownRow(
        peak=day(when[peak]),
        trough=day(when[trough]),
        recovered=day(when[after]) if is_over else "not yet",
        length=days(max(length, 1.0)),
        depth=percent(round(levels[trough] / levels[peak] - 1, 12)),
    )
