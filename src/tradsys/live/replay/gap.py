"""How far an account's result lies from the simulation's, and by what: parts that add up to the gap."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Self

from tradsys.live.replay.lived import LivedTrade
from tradsys.live.replay.parity import Cause


@dataclass(frozen=True, slots=True)
class SimulatedTrade:
    """A trade of the batch, as `Simulation.trades` has it; `exit_open` is the open after its last bar, where known."""

    symbol: str
    decided_ms: int
    side: int
    entry_price: float
    exit_price: float
    exit_ms: int
    reason: str
    is_ambiguous: bool
    size_base: float
    stop: float
    target: float
    fees_quote: float
    slippage_quote: float
    carry_quote: float
    pnl_quote: float
    exit_open: float | None = None
    is_within_bar: bool = False
    """Whether the bar that ended it had filled its limit order."""

    @classmethod
    def of(cls, row: Mapping[str, Any], exit_open: float | None, *, rests: bool = False) -> Self:
        """From a row of the simulation's trades."""
        return cls(
            symbol=row["symbol"],
            decided_ms=_ms(row["decided"]),
            side=row["side"],
            entry_price=row["entry_price"],
            exit_price=row["exit_price"],
            exit_ms=_ms(row["exit_ts"]),
            reason=row["reason"],
            is_ambiguous=row["ambiguous"],
            size_base=row["size_base"],
            stop=row["stop"],
            target=row["target"],
            fees_quote=row["fees_quote"],
            slippage_quote=row["slippage_quote"],
            carry_quote=row["funding_quote"] + row["borrow_quote"],
            pnl_quote=row["pnl_quote"],
            exit_open=exit_open,
            is_within_bar=rests and row["bars_held"] == 1,
        )

    def barrier(self, reason: str) -> float:
        """Where its stop or target lay."""
        return self.stop if reason == "stop" else self.target


@dataclass(frozen=True, slots=True)
class ResultGap:
    """Quote by which an account did better than its simulation; negative where it did worse. The parts sum to it.

    `signal`: other decisions, other sizes, or another end of the trade. `fee` and `funding`: charged otherwise;
    a fee taken in the coin is one of its price, and takes what the coin would have gained until the exit too.
    `latency`: the price had moved when the order was sent, or the close that the batch left at was over. `slippage`:
    fills beyond the price at hand or the order's own. `partial_fills`: what of the orders was never filled.
    """

    signal: float = 0.0
    fee: float = 0.0
    slippage: float = 0.0
    latency: float = 0.0
    funding: float = 0.0
    partial_fills: float = 0.0

    @property
    def total(self) -> float:
        """All parts together."""
        return sum(self.parts.values())

    @property
    def parts(self) -> dict[str, float]:
        """Quote by what it is due to."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def __add__(self, other: "ResultGap") -> "ResultGap":
        return ResultGap(**{name: value + getattr(other, name) for name, value in self.parts.items()})


def summed(gaps: Iterable[ResultGap]) -> ResultGap:
    """All of them together."""
    return sum(gaps, ResultGap())


def gap_lines[C: str](gap: ResultGap, causes: Counter[C], meanings: Mapping[C, str]) -> list[str]:
    """For a person: the parts, then how often each cause, in words, the commonest first."""
    parts = ", ".join(f"{name.replace('_', ' ')} {amount:+,.2f}" for name, amount in gap.parts.items())
    return [f"  {parts}", *(f"  {n:,} {cause}: {meanings[cause]}" for cause, n in causes.most_common())]


def trade_gap(batch: SimulatedTrade | None, lived: LivedTrade | None, cause: Cause) -> ResultGap:
    """Of one decision that either or both acted on."""
    if batch is None or lived is None or cause == "other_side":
        return ResultGap(signal=(lived.result_quote if lived else 0.0) - (batch.pnl_quote if batch else 0.0))
    per_unit, size = batch.pnl_quote / batch.size_base, lived.size_base
    share = size / batch.size_base
    at_entry, at_exit = _entry_gap(batch, lived), _exit_gap(batch, lived, cause)
    return (
        at_entry
        + at_exit
        + ResultGap(
            signal=(lived.planned_base - batch.size_base) * per_unit,
            fee=share * batch.fees_quote - lived.fees_quote - _gained_by_fees(lived),
            slippage=share * batch.slippage_quote - lived.slippage_quote,
            funding=share * batch.carry_quote - lived.funding_quote,
            partial_fills=(size - lived.planned_base) * per_unit,
        )
    )


def _gained_by_fees(lived: LivedTrade) -> float:
    """What coins would have gained that could not be sold, since a fee was taken of them."""
    kept = lived.size_base - lived.closed_base
    return lived.side * kept * (lived.exit_price - lived.entry_price)


def _entry_gap(batch: SimulatedTrade, lived: LivedTrade) -> ResultGap:
    """Entered at another price than the open that the batch filled at."""
    signed = lived.side * lived.size_base
    return ResultGap(
        latency=-signed * (lived.reference_price - batch.entry_price),
        slippage=-signed * (lived.entry_price - lived.reference_price),
    )


def _exit_gap(batch: SimulatedTrade, lived: LivedTrade, cause: Cause) -> ResultGap:
    """Left at another price. Barriers move with the entry, which gives back what the entry lost, by the same parts."""
    signed = lived.side * lived.size_base
    moved = signed * (lived.exit_price - batch.exit_price)
    if lived.exit_reason == batch.reason and lived.exit_reason in ("stop", "target"):
        shifted = lived.entry_price - batch.entry_price
        late = lived.reference_price - batch.entry_price
        back = ResultGap(latency=signed * late, slippage=signed * (shifted - late))
        return back + ResultGap(slippage=moved - signed * shifted)
    if cause == "time_exit" or (batch.reason == "time" and lived.exit_reason == "time"):
        at_hand = lived.exit_price if batch.exit_open is None else batch.exit_open
        return ResultGap(latency=signed * (at_hand - batch.exit_price), slippage=signed * (lived.exit_price - at_hand))
    return ResultGap(signal=moved)


def _ms(when: datetime) -> int:
    return round(when.timestamp() * 1_000)
