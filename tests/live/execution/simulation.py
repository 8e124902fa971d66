"""Random sequences of everything that may happen to an executor, each the same again from its seed.

Entries long and short, exits on request, other hands on the account, faults on a fifth of the calls, and the death of
the process at a random marked step. Afterwards everything must be explained.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.exchange.building import random_exchange
from tests.exchange.faults import FaultRates, FaultSchedule, rough
from tests.exchange.in_process import InProcessVenue
from tests.exchange.model import Exchange
from tests.live.execution.lives import Life
from tests.live.virtual_time import LoopClock, run_virtual

from tradsys.live.client_ids import prefix
from tradsys.live.entry import Entry
from tradsys.live.execution.rules import ExecutionRules
from tradsys.live.intents import IntentJournal
from tradsys.live.venue import MarketRules, OrderRefused, OrderRequest, VenueRefused, VenueUnknown

RULES = ExecutionRules(
    account="sim",
    grace_ms=3_500,
    entry_patience_ms=12_000,
    settle_ms=20_000,
    funding_every_ms=1_000,
    ask_timeout_ms=400,
    unsure_ms=400,
)
BAR_MS = 4_000
CYCLE_S = 0.5
FUNDING_MS = 7_000
WALLET = 10_000.0
QUIET = FaultRates()
UNPROTECTED_MS = 5_000
"""Of our own trades; what somebody opens by hand may take twice as long to be known for what it is."""


@dataclass(slots=True)
class Figures:
    """What happened in one sequence."""

    seed: int
    n_submits: int = 0
    n_faulty: int = 0
    n_kills: int = 0
    n_trades: int = 0
    worst_ms: int = 0
    died_at: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


class CountingVenue(InProcessVenue):
    """Counts orders sent, and those whose way was not the straight one."""

    n_submits = n_faulty = 0

    async def place(self, order: OrderRequest) -> Any:
        return await self._counted(super().place(order))

    async def _counted(self, placing: Coroutine[Any, Any, Any]) -> Any:
        self.n_submits += 1
        before = sum(self.exchange.faults.happened[name] for name in ("refuse_stop", "partial", "slow_match", "unseen"))
        try:
            answer = await placing
        except (VenueUnknown, OrderRefused):
            self.n_faulty += 1
            raise
        after = sum(self.exchange.faults.happened[name] for name in ("refuse_stop", "partial", "slow_match", "unseen"))
        self.n_faulty += after > before
        return answer


class Sequence:
    """One seed's story: lives and deaths over one journal and one exchange."""

    sides = (1, -1)

    exchange: Exchange
    venue: CountingVenue

    def __init__(
        self, seed: int, clock: LoopClock, *, seconds: float, rate: float, hear: Callable[..., object]
    ) -> None:
        self.seed, self.clock, self.seconds = seed, clock, seconds
        self.hear = hear
        self.draw = random.Random(f"story:{seed}")
        symbols = ("BTCUSDT", "ETHUSDT")[: 1 + (self.draw.random() < 0.4)]
        self._list(symbols, FaultSchedule(seed, rough(rate)))
        self.exchange.agenda.after(FUNDING_MS, self._settle_funding)
        self.marks = random.Random(f"marks:{seed}")
        if self.marks.random() < 0.3:
            self._part_marks()
        self.exchange.turn(False)
        self.journal = IntentJournal(":memory:")
        self.markets: dict[str, MarketRules] = {}
        self.figures = Figures(seed)
        self.has_other_hands = self.draw.random() < 0.15
        self.kill_rate = self.draw.choice((0.0, 0.01, 0.03, 0.08))

    def _list(self, symbols: tuple[str, ...], faults: FaultSchedule) -> None:
        """The exchange, and the venue that it is asked through."""
        self.exchange = random_exchange(
            self.clock, symbols, seed=self.seed, faults=faults, interval_ms=BAR_MS, history=1, wallet=WALLET,
            volatility=1.5e-3,
        )  # fmt: skip
        self.venue = CountingVenue(self.exchange, seed=self.seed)

    async def run(self) -> Figures:
        faults = self.exchange.faults
        rates, faults.rates = faults.rates, QUIET
        self.markets = dict(await self.venue.markets(list(self.exchange.symbols)))
        faults.rates = rates
        end_ms = self.clock.now_ms() + round(self.seconds * 1_000)
        while self.clock.now_ms() < end_ms:
            await self._live(end_ms)
        faults.rates = QUIET
        await self._settle()
        await self.venue.close()
        self.journal.close()
        return self.figures

    async def _live(self, end_ms: int) -> None:
        """One life: until it dies of a step, or its time is over."""
        life = Life(self.venue, self.journal, self.clock, RULES, self.markets, self._fate, self.hear)
        self.exchange.turn(True)
        life.begin(CYCLE_S)
        life.do(self._ask_things(life))
        left_s = max(0.0, (end_ms - self.clock.now_ms()) / 1_000)
        with suppress(TimeoutError):
            await asyncio.wait_for(life.dead.wait(), left_s)
        self.exchange.turn(False)
        if life.died_at:
            self.figures.n_kills += 1
            self.figures.died_at[life.died_at] += 1
        await life.end(is_abrupt=self.draw.random() < 0.5)
        await asyncio.sleep(self.draw.choice((0.001, 0.2, 2.0, 8.0)))  # a process takes a moment to begin

    def _settle_funding(self) -> None:
        """Funding is paid more often than anywhere, so that it falls into trades."""
        for state in self.exchange.symbols.values():
            self.exchange.books.settle_funding(state, self.exchange.agenda.time_ms)
        self.exchange.agenda.after(FUNDING_MS, self._settle_funding)

    def _part_marks(self) -> None:
        """The mark goes its own way, as far as stops are wide: triggers know the last price alone."""
        for state in self.exchange.symbols.values():
            state.mark_gap = state.price * self.marks.uniform(-4e-3, 4e-3)
        self.exchange.agenda.after(round(self.marks.uniform(500, 4_000)), self._part_marks)

    def _fate(self, point: str) -> bool:
        return self.draw.random() < self.kill_rate

    async def _ask_things(self, life: Life) -> None:
        """What strategy and people do, at random times."""
        while True:
            await asyncio.sleep(self.draw.uniform(0.2, 4.0))
            what, symbol = self.draw.random(), self.draw.choice(list(self.markets))
            if what < 0.80:
                life.do(life.executor.enter([self._entry(name) for name in self.markets if self.draw.random() < 0.8]))
            elif what < 0.90:
                life.executor.request_exit(symbol, "forceexit")
            elif what < 0.93:
                life.do(life.executor.flatten())
            elif what < 0.97 and self.has_other_hands:
                life.do(self._other_hand(symbol))

    def _entry(self, symbol: str) -> Entry:
        draw, market, now = self.draw, self.markets[symbol], self.clock.now_ms()
        price = self.exchange.state(symbol).price
        lots = draw.choice((1, 2, 3, 10, 25)) * max(1, round(60 / price / market.lot))
        return Entry(
            symbol=symbol, side=draw.choice(self.sides), size_base=round(lots * market.lot, 10), reference_price=price,
            share=0.1, close_ms=now, deadline_ms=now + draw.choice((3_000, 8_000, 60_000)),
            stop_distance=price * draw.choice((2e-3, 4e-3, 1e-2)),
            target_distance=price * draw.choice((2e-3, 5e-3, 1e-2)), probability=0.6,
            expected_net=0.001, reason="story", bar_hash="", bundle_hash="",
        )  # fmt: skip

    async def _other_hand(self, symbol: str) -> None:
        """Somebody trades the account by hand."""
        market, price = self.markets[symbol], self.exchange.state(symbol).price
        size = round(5 * max(1, round(60 / price / market.lot)) * market.lot, 10)
        order = OrderRequest(f"hand-{self.clock.now_ms()}", symbol, self.draw.choice((1, -1)), "market", size)
        with suppress(VenueUnknown, OrderRefused, VenueRefused):
            await InProcessVenue.place(self.venue, order)

    async def _settle(self) -> None:
        """The weather clears up: everything comes to rest, is explained, is left, and is explained again."""
        life = Life(self.venue, self.journal, self.clock, RULES, self.markets, lambda _: False, self.hear)
        self.exchange.turn(True)
        for _ in range(100):
            problems = [] if await life.executor.reconcile_all() else ["did not come to rest"]
            problems = problems or self._at_rest(life)
            if not problems:
                break
            await asyncio.sleep(CYCLE_S)
        self.figures.failures += problems
        if not await life.executor.flatten():
            self.figures.failures.append("flatten left something")
        await self._check_left(life)
        self._check_always(life)
        await life.end()

    def _at_rest(self, life: Life) -> list[str]:
        """What journal and exchange disagree about: nothing, unless the price moved since the last look."""
        problems, rows = [], [row for row in life.executor.trades() if row["is_open"]]
        for symbol, rules in self.markets.items():
            state = self.exchange.symbols[symbol]
            held, own = state.holding.size, sum(r["side"] * r["open_base"] for r in rows if r["symbol"] == symbol)
            stops = sum(o.left for o in state.open.values() if o.is_algo and o.side * held < 0)
            if symbol not in self._other_hands() and abs(held - own) > rules.lot / 2:
                problems.append(f"{symbol}: {held} held, {own} in the journal")
            if stops < abs(held) - rules.lot / 2:
                problems.append(f"{symbol}: {held} held, stops of {stops}")
        return problems

    async def _check_left(self, life: Life) -> None:
        await asyncio.sleep(1.0)
        await life.executor.reconcile_all()
        report, rows = self.exchange.report(), life.executor.trades()
        ours = [name for name in report["open"] if name.startswith(prefix(RULES.account))]
        self._none("positions after flatten", self._positions())
        self._none("orders after flatten", ours)
        self._none("open trades after flatten", [row["key"] for row in rows if row["is_open"]])
        self._none("wishes after flatten", self.journal.flags("exit:") or self.journal.flag("flatten"))
        self._check_money(report["wallet"], rows)

    def _check_money(self, wallet: float, rows: list[dict[str, Any]]) -> None:
        if not self._other_hands():
            self._same("wallet", wallet, WALLET + sum(row["result_quote"] for row in rows), 1e-6)

    def _positions(self) -> dict[str, float]:
        """What is held that is to be left."""
        return {name: state.holding.size for name, state in self.exchange.symbols.items() if state.holding.size}

    def _other_hands(self) -> set[str]:
        """Symbols that somebody traded by hand: what that earned, and what was added to ours, is not the journal's."""
        return {e.symbol for e in self.exchange.books.executions if e.client_id.startswith("hand-")}

    def _check_always(self, life: Life) -> None:
        report = self.exchange.report()
        self._none("duplicates", report["duplicates"])
        self._none("orphans", report["orphans"])
        accepted = [name for name in self.exchange.watch.ids if name.startswith(prefix(RULES.account))]
        self._none("ids that the journal does not know", [name for name in accepted if not self.journal.intent(name)])
        bare, others = report["unprotected_ms"], self._other_hands()
        allowed = {symbol: self._allowed_ms() * (2 if symbol in others else 1) for symbol in bare}
        self._none("unprotected for ms", {name: ms for name, ms in bare.items() if ms > allowed[name]})
        worst = max((ms for name, ms in bare.items() if name not in others), default=0)
        f, rows = self.figures, life.executor.trades()
        f.worst_ms, f.n_trades = worst, len(rows)
        f.reasons.update(row["exit_reason"] for row in rows)
        f.n_submits, f.n_faulty = self.venue.n_submits, self.venue.n_faulty

    def _allowed_ms(self) -> int:
        """How long a position may be without its stop while the bot is up."""
        return UNPROTECTED_MS

    def _same(self, what: str, found: float, wanted: float, within: float) -> None:
        if abs(found - wanted) > within:
            self.figures.failures.append(f"{what}: found {found}, wanted {wanted}")

    def _none(self, what: str, found: Any) -> None:
        if found:
            self.figures.failures.append(f"{what}: {found}")


def run_sequence(
    seed: int,
    *,
    seconds: float = 16.0,
    rate: float = 0.2,
    hear: Callable[..., object] = lambda *_: None,
    kind: type[Sequence] = Sequence,
) -> Figures:
    """One sequence from its seed; its failures are empty where all was well. `hear` gets what the executor tells."""

    async def main(clock: LoopClock) -> Figures:
        return await kind(seed, clock, seconds=seconds, rate=rate, hear=hear).run()

    return run_virtual(main)
