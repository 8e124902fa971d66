"""How a paper account's orders fill on a spot market: by the same kernel, booked as coins and money."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from tradsys.live.venue import Fill, Kline, OrderRequest, OrderStatus
from tradsys.live.venues.paper_book import PaperBook, PaperOrder
from tradsys.live.venues.paper_fills import PaperFills
from tradsys.live.venues.paper_funding import PaperFunding, Settled

COIN_DECIMALS: Final = 12
"""What sums of coins are rounded to, to lose the dust of binary fractions."""


class Booked(NamedTuple):
    """What one fill changes: coins and money with their signs, and what was paid of both."""

    coins: float
    cash_quote: float
    fee_quote: float
    fee_base: float

    @classmethod
    def of(cls, side: int, size: float, price: float, fee: float, slipped: float) -> "Booked":
        """A buyer pays his fee in coins, a seller in money; slippage is paid in money, as simulations charge it.

        >>> Booked.of(1, 2.0, 100.0, 0.001, 0.5)
        Booked(coins=1.998, cash_quote=-200.5, fee_quote=0.7, fee_base=0.002)
        """
        paid = fee * size * price
        if side > 0:
            return cls(size * (1 - fee), -size * price - slipped, paid + slipped, fee * size)
        return cls(-size, size * price - paid - slipped, paid + slipped, 0.0)


class SpotFills(PaperFills):
    """Fills of coins: nothing is borrowed, so that nothing is liquidated."""

    def opens(self, order: PaperOrder | OrderRequest) -> bool:
        """A limit that buys: nothing says there that an order only reduces."""
        return order.kind == "limit" and order.side > 0

    def liquidate(
        self, bars: Mapping[str, Kline], traded: Collection[str], marks: Mapping[str, float], now_ms: int
    ) -> bool:
        """Never."""
        return False

    def _fill(
        self, order: PaperOrder, price: float, fee: float, now_ms: int, *, slippage: float = 0.0, is_maker: bool = False
    ) -> PaperOrder:
        end_pair(self._book, order, "expired", now_ms)
        size, holding = order.left_base, self._book.holding(order.symbol)
        slipped = slippage * size * price
        booked = Booked.of(order.side, size, price, fee, slipped)
        coins, cash = round(holding.size_base + booked.coins, COIN_DECIMALS), self._book.wallet + booked.cash_quote
        if coins < 0 or cash < 0:  # a price that ran away from the money while the order waited
            done = replace(order, status="expired", updated_ms=now_ms)
            self._book.write(done)
            return done
        self._book.keep(replace(holding, size_base=coins))
        self._book.set_wallet(cash)
        trade = Fill(
            "", order.client_id, order.symbol, order.side, size, price, booked.fee_quote, None, is_maker, now_ms,
            booked.fee_base,
        )  # fmt: skip
        self._book.add_fill(trade, slipped)
        done = replace(order, filled_base=order.size_base, average_price=price, status="filled", updated_ms=now_ms)
        self._book.write(done)
        return done


def end_pair(book: PaperBook, order: PaperOrder, status: OrderStatus, now_ms: int) -> None:
    """The other order of a pair comes to its end with this one."""
    for other in book.open_orders(order.symbol) if order.pair_id is not None else ():
        if other.pair_id == order.pair_id and other.number != order.number:
            book.write(replace(other, status=status, updated_ms=now_ms))


class NoFunding(PaperFunding):
    """Nobody pays for holding coins."""

    async def settled(self, bars: Mapping[str, Sequence[Kline]], now_ms: int) -> list[Settled]:
        """Nothing, ever."""
        return []
