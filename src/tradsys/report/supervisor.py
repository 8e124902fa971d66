"""What the macro supervisor changed: each supervised profile beside its plain one, and how often risk was off."""

from dataclasses import dataclass
from typing import Any

from tradsys.report.folder import Json, rows, section
from tradsys.report.numbers import count, is_known, number, percent


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
    side: str


@dataclass(frozen=True, slots=True)
class SupervisorCard:
    """All pairs, a sentence, and the share of the test blocks in each state."""

    sentence: str
    states: tuple[tuple[str, str], ...]
    pairs: tuple[PairRow, ...]


def supervisor_card(metrics: Json) -> SupervisorCard | None:
    """What the run found; None where nobody supervised."""
    found = section(metrics, "supervisor")
    pairs = tuple(_pair(one) for one in rows(found, "pairs"))
    if not pairs:
        return None
    return SupervisorCard(
        sentence=" ".join(_sentence(one) for one in pairs),
        states=tuple((str(one.get("name") or ""), percent(one.get("share"))) for one in rows(found, "states")),
        pairs=pairs,
    )


def _pair(pair: Json) -> PairRow:
    without, with_, gap = section(pair, "without"), section(pair, "with"), section(pair, "difference")
    size, low, high = pair.get("risk_off_size"), gap.get("low"), gap.get("high")
    has_interval = is_known(low) and is_known(high)
    return PairRow(
        profile=str(pair.get("profile") or ""),
        rule=f"{percent(size)} of its size in risk-off" if is_known(size) and size > 0 else "no entries in risk-off",
        profit=(percent(without.get("profit_total")), percent(with_.get("profit_total"))),
        sharpe=(number(without.get("sharpe")), number(with_.get("sharpe"))),
        drawdown=(percent(without.get("max_drawdown_account")), percent(with_.get("max_drawdown_account"))),
        trades=(count(without.get("total_trades")), count(with_.get("total_trades"))),
        difference=percent(gap.get("value"), signed=True),
        interval=f"{percent(low, signed=True)} to {percent(high, signed=True)}" if has_interval else "",
        side=_side(low, high) if has_interval else "",
    )


def _side(low: Any, high: Any) -> str:
    return "above" if low > 0 else "below" if high < 0 else "across"


def _sentence(pair: PairRow) -> str:
    said = {
        "above": "earned more with it than without, beyond noise",
        "below": "earned less with it than without, beyond noise",
        "across": "earned neither more nor less with it beyond noise",
        "": "has too little history to tell the two apart",
    }
    return f"{pair.profile} {said[pair.side]}."
