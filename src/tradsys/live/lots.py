"""Executions paired first in, first out, with the fees and the funding of each lot: what a tax office asks for."""

import csv
import io
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields, replace

from tradsys.core.time import stamp
from tradsys.live.venue import Fill, FundingPayment

_NOTHING = 1e-12
"""In base: less is what floats leave over."""


@dataclass(frozen=True, slots=True)
class Lot:
    """A piece of a position with one entry and one exit, or none yet; money is in quote, fees and funding are paid.

    `gross_quote` is before both, `net_quote` after them; of a lot that is open they are 0 and what it has paid so far.
    """

    symbol: str
    side: str
    size_base: float
    opened_ms: int
    opened_price: float
    opened_by: str
    closed_ms: int | None = None
    closed_price: float | None = None
    closed_by: str | None = None
    fees_quote: float = 0.0
    funding_quote: float = 0.0

    @property
    def gross_quote(self) -> float:
        """What the price made of it."""
        if self.closed_price is None:
            return 0.0
        sign = 1 if self.side == "long" else -1
        return sign * self.size_base * (self.closed_price - self.opened_price)

    @property
    def net_quote(self) -> float:
        return self.gross_quote - self.fees_quote - self.funding_quote


def first_in_first_out(fills: Iterable[Fill], payments: Iterable[FundingPayment] = ()) -> list[Lot]:
    """Every lot, closed ones in order of their exit and then those that are open.

    A fill that turns a position closes lots and opens one of the other side. Funding is shared by the lots of the
    symbol that were open when it was paid, by their size; what none was open for is left out.
    """
    events: list[tuple[int, int, Fill | FundingPayment]] = [
        *((fill.ts_ms, 1, fill) for fill in fills),
        # what is settled at the moment of a fill concerns who held before
        *((payment.ts_ms, 0, payment) for payment in payments),
    ]
    closed: list[Lot] = []
    held: defaultdict[str, deque[Lot]] = defaultdict(deque)
    for _, _, event in sorted(events, key=lambda one: one[:2]):
        if isinstance(event, Fill):
            closed += _filled(held[event.symbol], event)
        else:
            _pay(held[event.symbol], event.paid_quote)
    return closed + [lot for lots in held.values() for lot in lots]


def _filled(lots: deque[Lot], fill: Fill) -> Iterator[Lot]:
    """Take the fill's size from the oldest lots of the other side, and make a lot of what is left."""
    whole = fill.size_base - (fill.fee_base if fill.side > 0 else 0.0)  # a fee taken in coins was never held
    left, side = whole, "long" if fill.side > 0 else "short"
    while left > _NOTHING and lots and lots[0].side != side:
        lot = lots.popleft()
        share = min(1.0, left / lot.size_base)
        rest = lot.size_base * (1 - share)
        if rest > _NOTHING:
            lots.appendleft(_part(lot, 1 - share))
        part = _part(lot, share)
        fee = fill.fee_quote * part.size_base / whole
        yield replace(
            part,
            closed_ms=fill.ts_ms,
            closed_price=fill.price,
            closed_by=fill.trade_id,
            fees_quote=part.fees_quote + fee,
        )
        left -= part.size_base
    if left > _NOTHING:
        fee = fill.fee_quote * left / whole
        lots.append(Lot(fill.symbol, side, left, fill.ts_ms, fill.price, fill.trade_id, fees_quote=fee))


def _part(lot: Lot, share: float) -> Lot:
    return replace(
        lot,
        size_base=lot.size_base * share,
        fees_quote=lot.fees_quote * share,
        funding_quote=lot.funding_quote * share,
    )


def _pay(lots: deque[Lot], paid: float) -> None:
    size = sum(lot.size_base for lot in lots)
    for i, lot in enumerate(lots):
        lots[i] = replace(lot, funding_quote=lot.funding_quote + paid * lot.size_base / size)


def lots_csv(lots: Sequence[Lot]) -> str:
    """A line a lot, with times as text too."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [field.name for field in fields(Lot)]
    writer.writerow([*names, "gross_quote", "net_quote", "opened", "closed"])
    for lot in lots:
        closed = "" if lot.closed_ms is None else stamp(lot.closed_ms)
        writer.writerow([*astuple(lot), lot.gross_quote, lot.net_quote, stamp(lot.opened_ms), closed])
    return out.getvalue()
