"""Weights as sizes: by the batch's arithmetic, within the venue's steps and the account's limits."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.live.trading import NOW_MS, SYMBOLS, markets

from tradsys.live.aiming import TOO_SMALL, aims_of, allowed
from tradsys.live.entry import Entry
from tradsys.live.execution.aims import Aim
from tradsys.live.risk.risk import Denied
from tradsys.live.weighing import ChosenWeights
from tradsys.predictor.rank_decider import TargetWeights

A, B = SYMBOLS
PRICES = {A: 100.0, B: 50.0}


def aims(weights: Mapping[str, float], held: Mapping[str, float] | None = None, **changes: Any) -> dict[str, Aim]:
    choice = ChosenWeights(TargetWeights(datetime(2023, 11, 14, tzinfo=UTC), weights, "h" * 64), NOW_MS, 0)
    values: dict[str, Any] = dict(foreign={}, markets=markets(), prices=PRICES, equity_quote=1_000.0)
    values |= changes
    found = aims_of(
        choice, SYMBOLS, held or {}, values.pop("foreign"), values.pop("markets"), values.pop("prices"),
        close_ms=NOW_MS, until_ms=NOW_MS + 30_000, stop_fraction=0.25, **values,
    )  # fmt: skip
    return {aim.symbol: aim for aim in found}


def test_sizes_are_shares_of_the_equity_in_whole_lots_with_their_side() -> None:
    found = aims({A: 0.5, B: -0.50007})
    assert (found[A].size_base, found[B].size_base) == (5.0, -10.001)
    assert (found[A].note, found[A].until_ms, found[A].weight) == ("", NOW_MS + 30_000, 0.5)


def test_a_change_that_is_worth_less_than_an_order_leaves_what_is_held() -> None:
    found = aims({A: 0.5}, {A: 4.97, B: 0.002})
    assert (found[A].size_base, found[A].note) == (4.97, TOO_SMALL)
    assert (found[B].size_base, found[B].note) == (0.0, "")  # what is left whole may be of any size
    assert aims({A: 0.5}, {A: 4.9})[A].size_base == 5.0
    assert (aims({A: 0.004})[A].size_base, aims({A: 0.004})[A].note) == (0.0, TOO_SMALL)
    assert (aims({A: -0.004}, {A: 5.0})[A].size_base) == 0.0


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        (dict(markets=markets(is_trading=False)), "the symbol is not trading"),
        (dict(foreign={A: 0.3}), "0.3 of it are held that no choice explains"),
        (dict(prices={B: 50.0}), "it has no price at this close"),
    ],
)
def test_who_cannot_be_traded_is_not_made_larger_and_still_left(changes: dict[str, Any], note: str) -> None:
    assert (aims({A: 0.5}, **changes)[A].size_base, aims({A: 0.5}, **changes)[A].note) == (0.0, note)
    kept = aims({A: 0.5}, {A: 3.0}, **changes)[A]
    assert (kept.size_base, kept.until_ms, kept.note) == (3.0, 0, note)
    assert aims({A: 0.0}, {A: 3.0}, **changes)[A].size_base == 0.0


def test_a_short_where_there_are_none_is_none() -> None:
    assert aims({A: -0.5}, {A: 3.0}, markets=markets(can_short=False))[A].size_base == 0.0


def judged(found: Mapping[str, Aim], held: Mapping[str, float], *checks: tuple[str, str]) -> dict[str, Aim]:
    """After limits that deny these symbols by these checks."""

    def allow(entries: Sequence[Entry], worth: Mapping[str, float]) -> list[Denied]:
        assert all(entry.size_base > 0 for entry in entries)
        of = {entry.symbol: entry for entry in entries}
        return [Denied(of[symbol], check, "a test") for symbol, check in checks]

    return {aim.symbol: aim for aim in allowed(list(found.values()), held, allow, None)}


def test_a_limit_of_one_symbol_keeps_that_one_from_growing() -> None:
    held = {A: 2.0}
    found = judged(aims({A: 0.5, B: -0.5}, held), held, (A, "cooldown_s"))
    assert (found[A].size_base, found[A].note) == (2.0, "cooldown_s: a test")
    assert found[B].size_base == -10.0


def test_a_limit_of_all_together_keeps_every_one_from_growing_and_none_from_shrinking() -> None:
    held = {A: 7.0}
    found = judged(aims({A: 0.5, B: -0.5}, held), held, (B, "max_open_trades"))
    assert (found[A].size_base, found[B].size_base) == (5.0, 0.0)
    held = {A: 2.0}
    found = judged(aims({A: 0.5, B: -0.5}, held), held, (B, "max_notional"))
    assert (found[A].size_base, found[B].size_base) == (2.0, 0.0)
    assert "lopsided" in found[A].note


def test_limits_hear_what_is_kept_and_what_is_added() -> None:
    heard: list[Any] = []

    def allow(entries: Sequence[Entry], worth: Mapping[str, float]) -> list[Denied]:
        heard.append(({entry.symbol: (entry.side, entry.size_base) for entry in entries}, dict(worth)))
        return []

    held = {A: 2.0, B: 4.0}
    allowed(list(aims({A: 0.5, B: -0.5}, held).values()), held, allow, None)
    assert heard == [({A: (1, 3.0), B: (-1, 10.0)}, {A: 200.0})]


def test_with_a_reason_nothing_grows() -> None:
    held = {A: 7.0, B: 3.0}
    found = {one.symbol: one for one in allowed(list(aims({A: 0.5, B: -0.5}, held).values()), held, None, "late")}
    assert (found[A].size_base, found[A].note, found[B].size_base, found[B].note) == (5.0, "", 0.0, "late")
