"""Fees and slippage of an account's fills, as lines of settings."""

import pytest
from tests.live.replay.test_gap import lived

from tradsys.live.replay.learned import learned_costs
from tradsys.live.replay.lived import LivedFill
from tradsys.settings.config import RunConfig


def fill(side: int, price: float, expected: float | None, fee_bps: float, *, is_maker: bool = False, slip: float = 0.0):
    return LivedFill(side, 2.0, price, expected, fee_bps / 1e4 * 2 * price, slip, is_maker)


def test_costs_are_the_means_of_the_fills_with_their_interval():
    entries = [fill(1, 100.0 + 0.01 * n, 100.0, 4.0) for n in range(10)]
    stops = [fill(-1, 96.0, 96.0, 6.0, slip=0.0192) for _ in range(10)]
    exits = [fill(-1, 96.0, None, 5.0) for _ in range(10)]
    targets = [fill(-1, 104.0, 104.0, 1.0, is_maker=True) for _ in range(11)]
    taker, maker, slippage = learned_costs([lived(fills=(*entries, *stops, *exits, *targets))])
    assert (taker.bps, taker.n, maker.bps, maker.n) == (pytest.approx(5.0), 30, pytest.approx(1.0), 11)
    assert slippage.n == 20  # nobody knows what an exit at the market was expected at
    assert slippage.bps == pytest.approx((4.5 + 1.0) / 2)
    assert slippage.low < slippage.bps < slippage.high
    assert taker.line == "costs.taker_bps=5"
    assert "n = 30 fills, 95% interval 4.69 to 5.31" in taker.sentence


def test_what_is_offered_is_what_settings_take():
    gained = [fill(1, 99.0, 100.0, 5.0) for _ in range(12)]
    rebated = [fill(-1, 104.0, 104.0, -7.0, is_maker=True) for _ in range(12)]
    learned = learned_costs([lived(fills=(*gained, *rebated))])
    assert [one.line for one in learned] == ["costs.taker_bps=5", "costs.maker_bps=-5", "costs.slippage_bps=0"]
    for one in learned:
        section, name = one.setting.split(".")
        assert getattr(getattr(RunConfig(**{section: {name: one.offered}}), section), name) == one.offered


def test_a_handful_of_fills_teaches_nothing():
    assert learned_costs([lived(fills=tuple(fill(1, 100.0, 100.0, 5.0) for _ in range(9)))]) == []
