"""Short facts under the verdict: costs paid, the look-ahead check, and what a macro supervisor changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import polars as pl

from tradsys.backtest.cost_breakdown import cost_breakdown
from tradsys.report.numbers import SideOfZero, count, interval_text, is_known, number, percent, side_of_zero
from tradsys.runs.diagnostics import LookaheadMetrics, RowsCheckedMetrics, SupervisedPair, SupervisorMetrics
from tradsys.runs.stored import StoredRun
from tradsys.runs.tables import TRADES

_FINDINGS = {
    "above": "earned more with it than without, beyond noise",
    "below": "earned less with it than without, beyond noise",
    "across": "earned neither more nor less with it beyond noise",
    "": "has too little history to tell the two apart",
}


@dataclass(frozen=True, slots=True)
class PairRow:
    """A profile without the supervisor and with it; each pair of numbers is (without, with)."""

    profile: str
    rule: str
    profit: tuple[str, str]
    sharpe: tuple[str, str]
    drawdown: tuple[str, str]
    trades: tuple[str, str]
    difference: str
    interval: str
    side: SideOfZero | Literal[""]


@dataclass(frozen=True, slots=True)
class SupervisorCard:
    """All pairs, a sentence, and the share of the test blocks in each state."""

    sentence: str
    states: tuple[tuple[str, str], ...]
    pairs: tuple[PairRow, ...]


def supervisor_card(found: SupervisorMetrics | None) -> SupervisorCard | None:
    """What the run found; None where nobody supervised."""
    if found is None or not found.pairs:
        return None
    pairs = tuple(_pair(one) for one in found.pairs)
    return SupervisorCard(
        sentence=" ".join(f"{one.profile} {_FINDINGS[one.side]}." for one in pairs),
        states=tuple((one.name, percent(one.share)) for one in found.states),
        pairs=pairs,
    )


def _pair(pair: SupervisedPair) -> PairRow:
    without, with_, gap = pair.without, pair.with_supervisor, pair.difference
    size = pair.risk_off_size
    interval = interval_text(gap.low, gap.high, partial(percent, signed=True))
    return PairRow(
        profile=pair.profile,
        rule=f"{percent(size)} of its size in risk-off" if is_known(size) and size > 0 else "no entries in risk-off",
        profit=(percent(without.profit_total), percent(with_.profit_total)),
        sharpe=(number(without.sharpe), number(with_.sharpe)),
        drawdown=(percent(without.max_drawdown_account), percent(with_.max_drawdown_account)),
        trades=(count(without.total_trades), count(with_.total_trades)),
        difference=percent(gap.value, signed=True),
        interval=interval,
        side=side_of_zero(gap.low, gap.high) if interval else "",
    )


@dataclass(frozen=True, slots=True)
class CostRow:
    """One profile's costs in quote, each with its share of what was traded, in basis points."""

    profile: str
    n: str
    cells: tuple[tuple[str, str], ...]


def cost_rows(run: StoredRun, names: Sequence[str]) -> list[CostRow]:
    """Fees, slippage, funding and borrowing of each profile that traded."""
    costs, trades, found = run.manifest.costs, run.table(TRADES), []
    for name in names:
        mine = trades.filter(pl.col("profile") == name)
        one = cost_breakdown(mine, costs, has_resting_entries=run.manifest.has_resting_entries)
        if one.traded:
            cells = tuple((number(x), f"{number(x / one.traded * 1e4)} bp") for x in one.parts.values())
            found.append(CostRow(name, count(one.n_trades), cells))
    return found


@dataclass(frozen=True, slots=True)
class LookaheadLine:
    """The result, and what it rests on."""

    found: str
    rests_on: str
    is_clean: bool


def lookahead_line(looked: LookaheadMetrics | None) -> LookaheadLine | None:
    """The line, or None where the run did not look."""
    if looked is None:
        return None
    at = "1 point" if looked.n_points == 1 else f"{count(looked.n_points)} points"
    values = looked.n_values
    many = f"{values / 1e6:,.1f} million" if values >= 1e6 else count(values)
    return LookaheadLine(
        found="nothing saw the future" if not looked.findings else f"{len(looked.findings):,} saw the future",
        rests_on=f"{many} values checked at {at}{_rows_checked(looked.rows)}",
        is_clean=not looked.findings,
    )


def _rows_checked(rows: RowsCheckedMetrics | None) -> str:
    if rows is None:
        return ""
    if rows.n_random >= rows.n_rows:
        return f", features of all {count(rows.n_rows)} rows"
    return f", features of {count(rows.n_cuts)} of {count(rows.n_rows)} rows each alone"
