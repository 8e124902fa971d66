"""The gap between an account and its simulation is split into parts that add up to it, each to what caused it."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from tradsys.live.replay.gap import ResultGap, SimulatedTrade, gap_lines, summed, trade_gap
from tradsys.live.replay.lived import LivedTrade
from tradsys.live.replay.parity import paired

BATCH = SimulatedTrade(
    "A", 1_000, 1, 100.0, 104.0, 5_000, "target", False, 2.0, 97.0, 104.0, 0.3, 0.1, 0.05, 7.55, 103.5
)


def lived(batch: SimulatedTrade = BATCH, **changes) -> LivedTrade:
    """What the account would have lived if everything had gone as simulated, but for the changes."""
    values = {
        "symbol": batch.symbol,
        "side": batch.side,
        "decided_ms": batch.decided_ms,
        "planned_base": batch.size_base,
        "size_base": batch.size_base,
        "reference_price": batch.entry_price,
        "entry_price": batch.entry_price,
        "entry_ms": batch.decided_ms,
        "exit_price": batch.exit_price,
        "exit_ms": batch.exit_ms,
        "exit_reason": batch.reason,
        "stop_distance": 3.0,
        "target_distance": 4.0,
        "fees_quote": batch.fees_quote,
        "slippage_quote": batch.slippage_quote,
        "funding_quote": batch.carry_quote,
        "bar_hash": "",
        "fills": (),
    } | changes
    gross = values["side"] * values["size_base"] * (values["exit_price"] - values["entry_price"])
    costs = values["fees_quote"] + values["slippage_quote"] + values["funding_quote"]
    return LivedTrade(**{"closed_base": values["size_base"]} | values | {"result_quote": gross - costs})


def nonzero(gap: ResultGap) -> dict[str, float]:
    return {name: pytest.approx(amount) for name, amount in gap.parts.items() if abs(amount) > 1e-12}


ALONE = [
    ({}, {}),
    ({"fees_quote": 0.8}, {"fee": -0.5}),
    ({"funding_quote": -0.15}, {"funding": 0.2}),
    ({"slippage_quote": 0.4}, {"slippage": -0.3}),
    ({"exit_price": 103.0}, {"slippage": -2.0}),
    # the barriers move with the entry: what it was late or slipped by comes back at the exit
    ({"entry_price": 101.0, "exit_price": 105.0}, {}),
    ({"entry_price": 101.0, "reference_price": 101.0, "exit_price": 105.0}, {}),
    ({"exit_reason": "stop", "exit_price": 97.0}, {"signal": -14.0}),
]


@pytest.mark.parametrize(("changes", "parts"), ALONE)
def test_each_cause_falls_on_its_own_part(changes, parts):
    assert nonzero(trade_gap(BATCH, lived(**changes), "same")) == parts


def test_half_a_fill_earns_half_and_a_smaller_order_is_the_signals():
    half = lived(size_base=1.0, fees_quote=0.15, slippage_quote=0.05, funding_quote=0.025)
    assert nonzero(trade_gap(BATCH, half, "same")) == {"partial_fills": pytest.approx(-7.55 / 2)}
    assert nonzero(trade_gap(BATCH, replace(half, planned_base=1.0), "same")) == {"signal": pytest.approx(-7.55 / 2)}


def test_a_time_exit_is_late_by_the_open_that_came_and_slips_from_there():
    batch = replace(BATCH, reason="time", exit_price=103.0, pnl_quote=5.55)
    gap = trade_gap(batch, lived(batch, exit_price=103.25), "time_exit")
    assert nonzero(gap) == {"latency": pytest.approx(1.0), "slippage": pytest.approx(-0.5)}


def test_an_entry_that_was_late_costs_what_a_time_exit_does_not_give_back():
    batch = replace(BATCH, reason="time", exit_price=103.5, pnl_quote=6.55)
    gap = trade_gap(batch, lived(batch, reference_price=100.5, entry_price=100.75), "time_exit")
    assert nonzero(gap) == {"latency": pytest.approx(-1.0), "slippage": pytest.approx(-0.5)}


def test_what_only_one_of_them_did_is_the_signals():
    assert nonzero(trade_gap(BATCH, None, "not_entered")) == {"signal": pytest.approx(-7.55)}
    assert nonzero(trade_gap(None, lived(), "not_decided")) == {"signal": pytest.approx(7.55)}
    turned = lived(side=-1)
    assert nonzero(trade_gap(BATCH, turned, "other_side")) == {"signal": pytest.approx(turned.result_quote - 7.55)}


def test_a_fee_taken_in_the_coin_is_a_fee_and_takes_what_the_coin_would_have_gained():
    whole = lived(entry_price=100.0, exit_price=104.0)
    kept = replace(whole, closed_base=whole.size_base - 0.01, result_quote=whole.result_quote - 0.01 * 4.0)
    gap, without = trade_gap(BATCH, kept, "same"), trade_gap(BATCH, whole, "same")
    assert gap.fee - without.fee == pytest.approx(-0.04)
    assert gap.total == pytest.approx(kept.result_quote - BATCH.pnl_quote)


def test_the_parts_of_any_trades_sum_to_the_gap():
    rng = np.random.default_rng(4)
    batches, accounts = [], []
    for n in range(300):
        side, size = int(rng.choice([-1, 1])), float(rng.uniform(0.5, 3))
        entry, left = rng.uniform(90, 110, 2)
        fees, slipped, carry = rng.uniform(-0.1, 0.5, 3)
        reason = str(rng.choice(["stop", "target", "time"]))
        pnl = side * size * (left - entry) - fees - slipped - carry
        exit_open = float(rng.uniform(90, 110)) if n % 3 else None
        batch = SimulatedTrade(
            "A", n * 10_000, side, entry, left, n * 10_000 + 5_000, reason, bool(n % 2), size, 90.0, 110.0, fees,
            slipped, carry, pnl, exit_open,
        )  # fmt: skip
        changes = {
            "side": int(rng.choice([side, side, side, -side])),
            "planned_base": size * rng.uniform(0.5, 1.5),
            "size_base": size * rng.uniform(0.2, 1.0),
            "reference_price": rng.uniform(90, 110),
            "entry_price": rng.uniform(90, 110),
            "exit_price": rng.uniform(90, 110),
            "exit_reason": str(rng.choice(["stop", "target", "time", "forced"])),
            "exit_ms": batch.exit_ms + int(rng.integers(-2_000, 2_000)),
            "fees_quote": rng.uniform(0, 1),
            "slippage_quote": rng.uniform(0, 1),
            "funding_quote": rng.uniform(-1, 1),
        }
        batches += [batch] if n % 7 else []
        accounts += [lived(batch, **changes)] if n % 5 else []
    at_batch, at_account = ({one.decided_ms: one for one in side} for side in (batches, accounts))
    pairs = paired([_of(one) for one in batches], [one.compared for one in accounts])
    assert len({one.cause for one in pairs}) >= 5
    gap = summed(trade_gap(at_batch.get(one.decided_ms), at_account.get(one.decided_ms), one.cause) for one in pairs)
    expected = sum(one.result_quote for one in accounts) - sum(one.pnl_quote for one in batches)
    assert gap.total == pytest.approx(expected, abs=1e-9)
    assert all(abs(amount) > 1 for amount in gap.parts.values())


def _of(one: SimulatedTrade):
    return replace(lived(one)).compared


def test_a_person_reads_the_parts_and_the_causes_in_words_the_commonest_first():
    meanings = {"late": "it came late", "same": "as the batch"}
    assert gap_lines(ResultGap(fee=-1.5, partial_fills=2_000.25), Counter({"late": 2, "same": 1_040}), meanings) == [
        "  signal +0.00, fee -1.50, slippage +0.00, latency +0.00, funding +0.00, partial fills +2,000.25",
        "  1,040 same: as the batch",
        "  2 late: it came late",
    ]
