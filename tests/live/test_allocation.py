"""The bot's allocator gives what the simulation gives, and a reason for what it does not."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numba
import numpy as np
import polars as pl
import pytest
from tests.labels.hand_made import HOUR_MS, random_bars

from tradsys.backtest import PortfolioSpec
from tradsys.backtest.simulate import simulate
from tradsys.bundle.deployment import DeployedPortfolio
from tradsys.core.costs import Costs, Instrument
from tradsys.core.errors import DataError
from tradsys.core.limit_entry import LimitEntry
from tradsys.core.time import from_ms
from tradsys.live import allocation
from tradsys.live.allocation import Allocation, allocate, load_kernels
from tradsys.live.venue import AccountState, MarketRules, Position
from tradsys.predictor.predictor import Decision

CLOSE = datetime(2024, 3, 1, 12, tzinfo=UTC)
PORTFOLIO = DeployedPortfolio(fraction=0.5, cap=1.0, cash_quote=1_000.0, sides=("long", "short"))
RULES = MarketRules("A", 0.5, 0.25, 0.25, 1_000.0, 5.0, math.inf, is_trading=True, can_short=True)


def decided(symbol: str = "A", action: int = 1, size: float = 1.0, **changes: object) -> Decision:
    plain = Decision(CLOSE, symbol, action or 1, 0.6, 0.9, (1.0,), 0.7, action, size, 10.0, 20.0, 6, "entered")
    return replace(plain, **changes)  # type: ignore[arg-type]


def account(equity: float = 1_000.0, *positions: Position) -> AccountState:
    return AccountState(equity, 0.0, equity, positions)


def allocated(*decisions: Decision, **changes: object) -> Allocation:
    symbols = [decision.symbol for decision in decisions]
    given: dict[str, object] = {
        "account": account(),
        "held": {},
        "markets": {symbol: replace(RULES, symbol=symbol) for symbol in symbols},
        "portfolio": PORTFOLIO,
        "prices": dict.fromkeys(symbols, 100.0),
        "interval_ms": HOUR_MS,
    }
    return allocate(decisions, **(given | changes))  # type: ignore[arg-type]


def why(allocation: Allocation) -> Mapping[str, str]:
    return {one.decision.symbol: one.reason for one in allocation.denied}


def test_an_entry_is_the_share_of_equity_in_whole_lots_and_carries_what_decided() -> None:
    ((entry,), denied) = allocated(decided(size=0.7, expected_net=0.01, bar_hash="ab", bundle_hash="cd"))
    assert (entry.symbol, entry.side, entry.size_base, entry.reference_price) == ("A", 1, 3.5, 100.0)
    assert entry.share == 0.35
    assert entry.deadline_ms == entry.close_ms + 6 * HOUR_MS
    assert (entry.stop_distance, entry.target_distance) == (10.0, 20.0)
    assert (entry.expected_net, entry.bar_hash, entry.bundle_hash) == (0.01, "ab", "cd")
    assert not denied


def test_entries_of_one_close_shrink_alike_to_the_room_that_open_trades_leave() -> None:
    entries, _ = allocated(decided("A"), decided("B"), held={"C": 0.6})
    assert [entry.size_base for entry in entries] == [2.0, 2.0]
    assert [entry.share for entry in entries] == pytest.approx([0.2, 0.2])


def test_a_decision_to_stay_out_is_neither_entered_nor_denied_and_asks_for_no_room() -> None:
    entries, denied = allocated(decided("A"), decided("B"), decided("C", action=0))
    assert [entry.size_base for entry in entries] == [5.0, 5.0]
    assert not denied


@pytest.mark.parametrize(
    ("changes", "decision", "reason"),
    [
        ({"held": {"A": 0.1}}, decided(), "in position"),
        ({"held": {"B": 1.0}}, decided(), "no room"),
        ({"account": account(10.0)}, decided(), "too small"),
        ({"account": account(-10.0)}, decided(), "too small"),
        ({"account": account(1e9)}, decided(), "larger than the venue's largest order"),
        ({"markets": {"A": replace(RULES, min_size_base=9.0)}}, decided(), "too small"),
        ({"markets": {"A": replace(RULES, is_trading=False)}}, decided(), "not trading"),
        ({"markets": {}}, decided(), "not trading"),
        ({"markets": {"A": replace(RULES, can_short=False)}}, decided(action=-1), "cannot short"),
        ({"portfolio": replace(PORTFOLIO, sides=("long",))}, decided(action=-1), "short was not deployed"),
        ({"stopped": {"A": "a revised bar"}}, decided(), "a revised bar"),
        ({"no_entry": "the clock jumped"}, decided(), "the clock jumped"),
        ({"prices": {}}, decided(), "no price"),
        ({}, decided(size=math.nan), "size nan is no share of equity"),
        ({}, decided(stop_distance=0.2), "no barriers"),
        ({}, decided(stop_distance=math.nan), "no barriers"),
        ({}, decided(stop_distance=100.0), "no barriers"),
        ({}, decided(action=-1, target_distance=100.0), "no barriers"),
    ],
)
def test_what_is_not_entered_has_its_reason(changes: dict[str, object], decision: Decision, reason: str) -> None:
    allocation = allocated(decision, **changes)
    assert not allocation.entries
    assert why(allocation) == {"A": reason}


def test_what_is_denied_takes_no_room_from_the_others() -> None:
    entries, denied = allocated(decided("A"), decided("B", size=math.nan), decided("C", size=1.0))
    assert [entry.size_base for entry in entries] == [5.0, 5.0]
    assert [one.decision.symbol for one in denied] == ["B"]


def test_decisions_of_two_closes_or_two_of_one_symbol_are_refused() -> None:
    with pytest.raises(DataError, match="decided at one close, found 2024-03-01 12:00 and 2024-03-01 13:00"):
        allocated(decided("A"), decided("B", start=CLOSE + timedelta(hours=1)))
    with pytest.raises(DataError, match="one decision a symbol, found A, A"):
        allocated(decided("A"), decided("A"))


def random_decisions(market: Mapping[str, pl.DataFrame], seed: int) -> list[Decision]:
    rng = np.random.default_rng(seed)
    return [
        decided(
            symbol,
            int(rng.choice([-1, 0, 1])),
            float(rng.choice([0.25, 0.5, 1.0])),
            start=ts + timedelta(hours=1),
            stop_distance=float(rng.uniform(0.05, 3.0)),
            target_distance=float(rng.uniform(0.05, 3.0)),
            horizon=int(rng.integers(1, 12)),
        )
        for symbol, bars in market.items()
        for ts in bars["ts"]
    ]


def test_the_same_decisions_get_the_same_sizes_as_in_the_simulation() -> None:
    """Equity, lots, the minimum, the cap and room by shares at entry: to the last bit, and each denial its count."""
    market = {name: random_bars(400, seed) for seed, name in enumerate(("A", "B", "C", "D"))}
    steps = {"A": (0.25, 0.01, 0.0), "B": (0.5, 0.1, 50.0), "C": (0.0, 1.0, 20.0), "D": (0.1, 0.0, 0.0)}
    decisions = random_decisions(market, 7)
    names = ("symbol", "start", "action", "size", "stop_distance", "target_distance", "horizon")
    frame = pl.DataFrame({name: [getattr(one, name) for one in decisions] for name in names})
    simulated = simulate(
        market,
        frame,
        costs=Costs(slippage_bps=1.0),
        instrument={name: Instrument(*step) for name, step in steps.items()},
        portfolio=PortfolioSpec(fraction=0.8, cap=1.3, cash_quote=400.0),
        start=0,
        end=400 * HOUR_MS,
    )
    rules = {
        name: MarketRules(name, tick, lot, 0.0, math.inf, least, math.inf, is_trading=True, can_short=True)
        for name, (tick, lot, least) in steps.items()
    }
    portfolio = DeployedPortfolio(0.8, 1.3, 400.0, ("long", "short"))
    opens = {name: dict(zip(bars["ts"], bars["open"], strict=True)) for name, bars in market.items()}
    trades = {(one["symbol"], one["decided"]): one for one in simulated.trades.to_dicts()}
    ends: dict[str, tuple[datetime, float]] = {}
    n_denied, n_entered = dict.fromkeys(("in position", "no room", "too small", "no barriers"), 0), 0
    for i in range(1, 400 - 12):  # decisions whose horizon passes the end are not taken
        now = from_ms(i * HOUR_MS)
        ends = {symbol: (end, share) for symbol, (end, share) in ends.items() if end > now}
        entries, denied = allocate(
            [one for one in decisions if one.start == now],
            account(simulated.equity["equity"][i - 1]),
            {symbol: share for symbol, (_, share) in ends.items()},
            rules,
            portfolio,
            prices={name: opens[name][now] for name in market},
            interval_ms=HOUR_MS,
        )
        for entry in entries:
            trade = trades[entry.symbol, now]
            assert (trade["side"], trade["size_base"], trade["entry_price"]) == (
                entry.side, entry.size_base, entry.reference_price,
            )  # fmt: skip
            ends[entry.symbol] = (trade["exit_ts"], entry.share)
            n_entered += 1
        for one in denied:
            assert (one.decision.symbol, now) not in trades
            n_denied[one.reason] += 1
    late = simulated.trades.filter(pl.col("decided") >= from_ms((400 - 12) * HOUR_MS))
    assert n_entered == simulated.n_trades - len(late) > 200
    assert min(n_denied.values()) > 5


def test_the_kernels_that_are_loaded_are_those_that_a_close_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[tuple[str, ...]] = []
    for name in ("shared_scale", "sized_order"):
        kernel = getattr(allocation, name)

        def noted(*given: object, kernel: Callable[..., object] = kernel, name: str = name) -> object:
            used.append((name, *(str(numba.typeof(one)) for one in given)))
            return kernel(*given)

        monkeypatch.setattr(allocation, name, noted)
    load_kernels()
    loaded = used.copy()
    used.clear()
    allocated(decided("A"), decided("B"), held={"C": 0.25})
    assert set(used) == set(loaded)


def test_what_is_bought_on_a_spot_market_fits_into_the_free_money_with_room_for_the_price_to_move() -> None:
    coins = {symbol: replace(RULES, symbol=symbol, lot=0.01, can_short=False, sells_lock=True) for symbol in "AB"}
    poor = replace(account(), available_quote=500.0)
    entries, denied = allocated(decided("A"), decided("B"), markets=coins, account=poor)
    assert [entry.size_base for entry in entries] == [2.48, 2.48]
    assert [entry.share for entry in entries] == pytest.approx([0.5 * 497.5 / 1_000] * 2)
    assert not denied
    free = allocated(decided("A"), markets={"A": coins["A"]})
    assert free.entries[0].size_base == 5.0


def test_where_there_is_no_money_left_a_spot_market_has_no_entry_and_says_why() -> None:
    coins = {"A": replace(RULES, can_short=False, sells_lock=True)}
    found = allocated(decided("A"), markets=coins, account=replace(account(), available_quote=4.0))
    assert found.entries == [] and why(found) == {"A": "too small"}


RESTING = replace(PORTFOLIO, entry=LimitEntry(0.25, 3))


@pytest.mark.parametrize("side", [1, -1])
def test_where_entries_rest_they_are_sized_at_the_price_that_they_rest_at(side: int) -> None:
    ((entry,), _) = allocated(decided(action=side), portfolio=RESTING)
    price = 100.0 - side * 2.5  # a quarter of the stop's 10
    assert (entry.reference_price, entry.limit_price) == (price, price)
    assert entry.size_base == math.floor(500.0 / price / 0.25) * 0.25
    assert entry.rests_until_ms == entry.close_ms + 3 * HOUR_MS
    assert allocated(decided(action=side)).entries[0].limit_price is None


def test_an_entry_rests_on_a_tick_no_nearer_to_the_market_than_was_asked() -> None:
    distance = decided(stop_distance=9.0)  # 100 - 2.25 is between two ticks of 0.5
    assert allocated(distance, portfolio=RESTING).entries[0].limit_price == 97.5
    assert allocated(replace(distance, action=-1), portfolio=RESTING).entries[0].limit_price == 102.5


def test_no_entry_rests_beyond_its_trades_time_nor_beyond_what_the_bundle_allows() -> None:
    ((short,), _) = allocated(decided(horizon=2), portfolio=RESTING)
    assert short.rests_until_ms == short.deadline_ms == short.close_ms + 2 * HOUR_MS
    ((last,), _) = allocated(decided(), portfolio=RESTING, enters_until_ms=short.close_ms + 5)
    assert last.rests_until_ms == short.close_ms + 5


def test_barriers_are_checked_from_the_price_that_an_entry_rests_at() -> None:
    far = decided(stop_distance=90.0, target_distance=20.0)
    assert not allocated(far).denied
    assert why(allocated(far, portfolio=RESTING)) == {"A": "no barriers"}, "100 - 22.5 - 90 is no price for a stop"


def test_money_on_a_spot_market_is_bound_by_the_prices_that_entries_rest_at() -> None:
    spot = {name: replace(RULES, symbol=name, lot=1e-4, min_size_base=1e-4, sells_lock=True) for name in ("A", "B")}
    entries, _ = allocated(decided("A"), decided("B"), portfolio=RESTING, markets=spot)
    assert sum(one.size_base * 97.5 for one in entries) == pytest.approx(1_000.0 * (1 - allocation.CASH_ROOM), rel=1e-4)
