"""Feed, decider and allocator as a bot joins them: with faults on the way, what is entered is what the batch says."""

from collections.abc import Callable

import polars as pl
import pytest
from tests.live.bars.scripted_market import ScriptedMarket, bar_at
from tests.live.deployments import deployment
from tests.live.virtual_time import LoopClock, run_virtual

from tradsys.bundle.deployment import OutsideColumn
from tradsys.core.time import to_ms
from tradsys.features.stream.feature_stream import frame_of
from tradsys.live.allocation import allocate
from tradsys.live.bars.feed import BarFeed
from tradsys.live.deciding import Decider
from tradsys.live.entry import Entry
from tradsys.live.outside.providers import outside_sources
from tradsys.live.venue import AccountState
from tradsys.predictor import Predictor

HOUR_MS = 3_600_000
START_MS = 1_700_006_400_000 - 60_000
FIRST_MS = START_MS + 60_000
RATE = OutsideColumn("funding_rate", "venue", 9 * 3_600.0, "refuse")

type Entered = dict[tuple[int, str], Entry]
type Reasons = dict[tuple[int, str], str]


def traded(
    predictor: Predictor,
    n_hours: int,
    script: Callable[[ScriptedMarket], None],
    outside: tuple[OutsideColumn, ...] = (),
) -> tuple[Entered, Reasons]:
    """What is entered, and why not, by close and symbol; every trade is over before the next close."""

    async def main(clock: LoopClock) -> tuple[Entered, Reasons]:
        market = ScriptedMarket(clock, HOUR_MS)
        entered: Entered = {}
        reasons: Reasons = {}
        script(market)
        deployed = deployment(outside=outside)
        columns = outside_sources(deployed, market, tell=lambda kind, fields: None)
        decider = Decider(predictor, deployed, "b" * 64, tell=lambda kind, fields: None, outside=columns)
        feed = BarFeed(
            market, deployed.symbols, HOUR_MS, clock, tell=lambda kind, fields: None, preparations=[columns.refresh]
        )
        await columns.begin(START_MS - decider.n_bars * HOUR_MS, clock.now_ms())
        decider.warm(await feed.history(decider.n_bars))
        rules = await market.markets(deployed.symbols)
        async for close in feed.closes():
            decisions = decider.decide(close)
            for symbol, why in decider.cold.items():
                feed.read_anew(symbol, why)
            entries, denied = allocate(
                decisions,
                AccountState(10_000.0, 0.0, 10_000.0, ()),
                {},
                rules,
                deployed.portfolio,
                prices={symbol: bar.close for symbol, bar in close.bars.items()},
                interval_ms=HOUR_MS,
                no_entry=close.no_entry,
            )
            for entry in entries:
                assert (close.close_ms, entry.symbol) not in entered
                entered[close.close_ms, entry.symbol] = entry
            for one in denied:
                reasons[to_ms(one.decision.start), one.decision.symbol] = one.reason
            reasons |= {(close.close_ms, symbol): why for symbol, why in decider.undecided.items()}
            if close.close_ms >= FIRST_MS + n_hours * HOUR_MS:
                return entered, reasons
        raise AssertionError

    return run_virtual(main, epoch_ms=START_MS)


def batch(predictor: Predictor, symbol: str, n_hours: int) -> dict[int, int]:
    """Actions by close, of the venue's bars as they are in the end."""
    opens = range(FIRST_MS - 700 * HOUR_MS, FIRST_MS + n_hours * HOUR_MS, HOUR_MS)
    frame = frame_of([bar_at(symbol, ts, 1.0, HOUR_MS) for ts in opens])
    decided = predictor.decide_many(frame.with_columns(symbol=pl.lit(symbol)), now=opens[-1] + HOUR_MS)
    return dict(zip(map(to_ms, decided["start"]), decided["action"], strict=True))


def closes(n_hours: int) -> list[int]:
    return [FIRST_MS + n * HOUR_MS for n in range(n_hours + 1)]


def test_without_faults_every_action_of_the_batch_is_an_entry(predictor: Predictor) -> None:
    entered, reasons = traded(predictor, 40, lambda market: None)
    wanted = {
        (at, symbol): action
        for symbol in ("A", "B")
        for at, action in batch(predictor, symbol, 40).items()
        if at in closes(40) and action
    }
    assert {key: entry.side for key, entry in entered.items()} == wanted
    assert len(wanted) > 20
    assert not reasons


def test_through_an_outage_a_hole_and_a_revision_nothing_else_is_entered_and_each_lost_entry_has_its_reason(
    predictor: Predictor,
) -> None:
    down = (FIRST_MS + 5 * HOUR_MS, FIRST_MS + 8 * HOUR_MS + 1_800_000)

    def broken(market: ScriptedMarket) -> None:
        market.is_down = lambda symbol, now_ms: down[0] <= now_ms < down[1]
        market.revised["A", FIRST_MS + 18 * HOUR_MS] = (FIRST_MS + 19 * HOUR_MS + 60_000, 103.0)

    entered, reasons = traded(predictor, 40, broken)
    for symbol in ("A", "B"):
        actions = batch(predictor, symbol, 40)
        for at in closes(40):
            entry = entered.get((at, symbol))
            if at < FIRST_MS + 19 * HOUR_MS or symbol == "B":  # from then on A's bars are not those of the batch
                assert entry is None or entry.side == actions[at]
                assert entry is not None or not actions[at] or reasons[at, symbol]
    lost = {symbol: [at for at, one in reasons if one == symbol] for symbol in ("A", "B")}
    assert lost["B"] == [FIRST_MS + n * HOUR_MS for n in range(5, 9)]
    assert "came one close later" in reasons[FIRST_MS + 5 * HOUR_MS, "B"]
    assert "the venue revised the bar" in reasons[FIRST_MS + 20 * HOUR_MS, "A"]
    assert [at for at in lost["A"] if at > FIRST_MS + 9 * HOUR_MS] == [FIRST_MS + 20 * HOUR_MS]


def test_while_funding_is_too_old_nothing_is_decided(predictor: Predictor) -> None:
    def stale(market: ScriptedMarket) -> None:
        rates = [(FIRST_MS - 1 + k * 8 * HOUR_MS, 1e-4) for k in range(-60, 3)]
        market.funding = {"A": rates, "B": [*rates, (FIRST_MS + 24 * HOUR_MS - 1, 1e-4)]}

    entered, reasons = traded(predictor, 30, stale, (RATE,))
    late = [at for at in closes(30) if at - (FIRST_MS + 16 * HOUR_MS) > 9 * HOUR_MS]
    assert late
    assert all(reasons[at, "A"].startswith("funding_rate is") for at in late)
    assert not any("funding" in why for (at, symbol), why in reasons.items() if symbol == "B" or at not in late)
    assert any(symbol == "A" for _, symbol in entered)


@pytest.mark.parametrize("n_hours", [40])
def test_decisions_are_told_once_a_close_and_symbol(predictor: Predictor, n_hours: int) -> None:
    told: list[tuple[object, object]] = []
    deployed = deployment()

    async def main(clock: LoopClock) -> None:
        market = ScriptedMarket(clock, HOUR_MS)

        def tell(kind: str, fields: object) -> None:
            if kind == "decision":
                told.append((fields["close_ms"], fields["symbol"]))  # type: ignore[index]

        decider = Decider(predictor, deployed, "b" * 64, tell=tell)
        feed = BarFeed(market, deployed.symbols, HOUR_MS, clock, tell=tell)
        decider.warm(await feed.history(decider.n_bars))
        async for close in feed.closes():
            decider.decide(close)
            if len(told) >= 2 * n_hours:
                return

    run_virtual(main, epoch_ms=START_MS)
    assert told == [(at, symbol) for at in closes(n_hours)[:-1] for symbol in ("A", "B")]
