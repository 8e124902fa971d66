"""Every limit: what is just inside passes, what is just outside does not, and after a restart it is the same."""

import pytest
from tests.live.risk.accounts import Desk, account, entry, position

from tradsys.live.risk.account_checks import ACCOUNT_CHECKS
from tradsys.live.risk.entry_checks import ENTRY_CHECKS
from tradsys.live.state import TradingState

ACTIVE, REDUCING, HALTED = TradingState


def lose(desk, share):
    """The equity falls by that share within the day; what the bot then says of an entry."""
    desk.risk.observe(account(1_000.0))
    desk.risk.observe(after := account(1_000.0 * (1 - share)))
    return lambda: desk.reason(state=after)


def fall(desk, share):
    """The same over several days, so that no day loses much."""
    desk.risk.observe(account(1_000.0))
    for step in (0.04, 0.08, share):
        desk.pass_time(86_400)
        desk.risk.observe(after := account(1_000.0 * (1 - step)))
    return lambda: desk.reason(state=after)


def near(desk, distance):
    return lambda: desk.reason(state=account(1_000.0, position("ETH", liquidation=100.0 * (1 - distance))))


def near_short(desk, distance):
    return lambda: desk.reason(state=account(1_000.0, position("ETH", -1.0, liquidation=100.0 * (1 + distance))))


def hold(desk, multiple):
    """Half of it is held at the venue, half is on its way, and the entry is 100."""
    state = account(1_000.0, position("ETH", (multiple * 1_000 - 100) / 200))
    return lambda: desk.reason(state=state, open_trades={"ETH": 1.0, "SOL": (multiple * 1_000 - 100) / 2})


def trade(desk, n_open):
    """All but one are open, one at the venue alone."""
    others = {f"S{n}": 1.0 for n in range(n_open - 2)}
    return lambda: desk.reason(state=account(1_000.0, position("ETH")), open_trades=others)


def send(desk, n_orders):
    """The entry takes three."""
    desk.risk.on_order(n_orders - 3)
    desk.risk.observe(account())
    return desk.reason


def fail(desk, n_errors):
    for _ in range(n_errors):
        desk.risk.on_error("account: no answer")
    return desk.reason


def age(desk, seconds):
    """Of the close that decided."""
    return lambda: desk.reason(entry(close_ms=desk.clock.ms - round(seconds * 1_000)))


def rest(desk, seconds):
    """Since a trade that lost."""
    desk.risk.on_exit("BTC", -0.01, desk.clock.ms)
    desk.pass_time(seconds)
    return desk.reason


def drift(desk, share):
    """Of 20 features that many are outside their band of 0 to 1, at each of two closes."""
    values = {f"f{n}": 2.0 if n < share * 20 - 1e-9 else 0.5 for n in range(20)}
    for close_ms in (1, 2):
        desk.risk.on_features("BTC", close_ms, values)
    desk.risk.observe(account())
    return desk.reason


BANDS = {f"f{n}": (0.0, 1.0) for n in range(20)}

CASES = {
    "daily_loss": (lose, 0.05, 0.0501, REDUCING, "daily_loss allows 5.00%; no entry until 2023-11-1"),
    "max_drawdown": (fall, 0.1, 0.1001, HALTED, r"10.01% below its peak of 1000.00, max_drawdown allows"),
    "liquidation_distance": (
        near,
        0.1,
        0.0999,
        HALTED,
        "ETH is 9.99% from its liquidation, liquidation_distance wants 10.00%",
    ),
    "liquidation_distance, short": (
        near_short,
        0.1,
        0.0999,
        HALTED,
        "ETH is 9.99% from its liquidation, liquidation_distance wants 10.00%",
    ),
    "max_notional": (hold, 1.1, 1.1001, ACTIVE, "1.10 x the equity, max_notional is 1.1"),
    "max_open_trades": (trade, 4, 5, ACTIVE, "5 trades would be open, max_open_trades is 4"),
    "orders_per_minute": (send, 12, 13, ACTIVE, "13 orders within a minute, orders_per_minute is 12"),
    "max_errors": (fail, 2, 3, ACTIVE, "3 calls to the venue failed in a row, max_errors is 3"),
    "stale_data_s": (age, 60.0, 60.001, ACTIVE, "the deciding close is 60.0 s old, stale_data_s is 60"),
    "cooldown_s": (rest, 300.0, 299.0, ACTIVE, "BTC lost lately and rests for another 1 s"),
    "drift_share": (drift, 0.25, 0.3, ACTIVE, "30% of the features are outside, drift_share is 25%"),
}
"""Check: what leads to a value, one that passes, one that does not, the state then, and the reason."""

LIMITS = {
    "max_notional": 1.1,
    "stale_data_s": 60.0,
    "drift_share": 0.25,
    "max_drawdown": 0.1,
    "max_open_trades": 4,
    "orders_per_minute": 12,
    "max_errors": 3,
    "cooldown_s": 300.0,
}


def desk():
    return Desk(BANDS, drift_rows=2, **LIMITS)


@pytest.mark.parametrize("restarts", [False, True], ids=["", "after a restart"])
@pytest.mark.parametrize("case", CASES)
def test_what_is_at_its_limit_passes(case, restarts):
    lead_to, inside, *_ = CASES[case]
    one = desk()
    ask = lead_to(one, inside)
    if restarts:
        one.restart()
    assert ask() is None
    assert one.risk.state is ACTIVE


@pytest.mark.parametrize("restarts", [False, True], ids=["", "after a restart"])
@pytest.mark.parametrize("case", CASES)
def test_what_is_beyond_its_limit_does_not(case, restarts):
    lead_to, _, outside, state, reason = CASES[case]
    one = desk()
    ask = lead_to(one, outside)
    if restarts:
        one.restart()
    assert reason in ask()
    assert one.risk.state is state
    one.restart()
    assert one.risk.state is state, "a restart forgot it"


def test_every_check_is_among_the_cases():
    names = {check.__name__ for check in (*ACCOUNT_CHECKS, *ENTRY_CHECKS)}
    assert names - {"state", "size"} == {case.partition(",")[0] for case in CASES}


@pytest.mark.parametrize(
    "changes",
    [
        {"side": 0},
        *({"size_base": value} for value in (0.0, -1.0, float("nan"), float("inf"))),
        *({"reference_price": value} for value in (0.0, float("nan"))),
    ],
)
def test_an_entry_that_cannot_be_placed_is_denied(changes):
    assert "cannot be placed" in desk().reason(entry(**changes))


def test_a_close_of_the_future_is_a_wrong_clock():
    one = desk()
    assert one.reason(entry(close_ms=one.clock.ms + 1_000)) is None
    assert "in the future; one of the clocks is wrong" in one.reason(entry(close_ms=one.clock.ms + 1_001))


def test_a_symbol_without_a_known_close_is_not_entered():
    one = desk()
    _, denied = one.risk.allow([entry()], account(), {})
    assert denied[0].reason == "no close of BTC is known yet"


def test_a_known_close_that_is_old_is_stale_though_the_entry_is_not():
    one = desk()
    one.risk.on_data("BTC", one.clock.ms - 60_001)
    _, denied = one.risk.allow([entry()], account(), {})
    assert "the last known close is 60.0 s old" in denied[0].reason
