"""The random sequences of the executor, with target weights in the place of entries: chosen anew again and again."""

import asyncio

from tests.live.execution.lives import Life
from tests.live.execution.simulation import RULES, Sequence

from tradsys.live.execution.aims import Aim


class TargetSequence(Sequence):
    """One seed's story of aims; what is held is never more than was aimed at once all has come to rest."""

    async def _ask_things(self, life: Life) -> None:
        while True:
            await asyncio.sleep(self.draw.uniform(0.2, 4.0))
            what, symbol = self.draw.random(), self.draw.choice(list(self.markets))
            if what < 0.85:
                life.do(life.executor.aim([self._aim(name) for name in self.markets if self.draw.random() < 0.8]))
            elif what < 0.90:
                life.executor.request_exit(symbol, "forceexit")
            elif what < 0.92:
                life.do(life.executor.flatten())
            elif what < 0.97 and self.has_other_hands:
                life.do(self._other_hand(symbol))

    def _aim(self, symbol: str) -> Aim:
        draw, market, now = self.draw, self.markets[symbol], self.clock.now_ms()
        price = self.exchange.state(symbol).price
        lots = draw.choice((0, 1, 2, 3, 10, 25)) * max(1, round(60 / price / market.lot))
        size = draw.choice(self.sides) * round(lots * market.lot, 10)
        return Aim(
            symbol=symbol, choice_ms=now, close_ms=now, weight=size * price / 10_000, size_base=size,
            reference_price=price, until_ms=now + RULES.entry_patience_ms,
            stop_fraction=draw.choice((2e-3, 4e-3, 1e-2)),
        )  # fmt: skip

    def _at_rest(self, life: Life) -> list[str]:
        problems = super()._at_rest(life)
        for symbol, aim in self.journal.aims().items():
            held = sum(
                row["side"] * row["open_base"]
                for row in life.executor.trades(is_open=True)
                if row["symbol"] == symbol and row["origin"] == "target"
            )
            least = max(self.markets[symbol].lot, self.markets[symbol].min_size_base)
            is_worth = self.markets[symbol].min_notional_quote / self.exchange.state(symbol).price
            if held * aim.side < 0 or abs(held) > abs(aim.size_base) + max(least, is_worth):
                problems.append(f"{symbol}: {held} held of {aim.size_base} aimed at")
        return problems
