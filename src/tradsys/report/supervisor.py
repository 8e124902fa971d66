"""What the macro supervisor changed: each supervised profile beside its plain one, and how often risk was off."""

from dataclasses import dataclass
from functools import partial
from typing import Literal

from tradsys.report.intervals import SideOfZero, interval_text, side_of_zero
from tradsys.report.numbers import count, is_known, number, percent
from tradsys.runs.diagnostics import SupervisedPair, SupervisorMetrics

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
