"""The limits together: entries of one moment, failures within a check, persons, transfers and days."""

from itertools import pairwise

import pytest
from tests.live.risk.accounts import DAY, Desk, HandClock, KeptFlags, account, entry, position

from tradsys.live.intents import IntentJournal
from tradsys.live.risk import account_checks, entry_checks, risk
from tradsys.live.risk.limits import RiskLimits
from tradsys.live.risk.risk import Risk
from tradsys.live.state import Standing, TradingState, write_standing

ACTIVE, REDUCING, HALTED = TradingState


def raises(*_):
    raise ZeroDivisionError("a fault of ours")


class TestEntries:
    def test_what_was_kept_counts_for_what_follows(self):
        desk = Desk(max_open_trades=2, max_notional=10.0)
        entries = [entry(name) for name in ("BTC", "ETH", "SOL")]
        for one in entries:
            desk.risk.on_data(one.symbol, desk.clock.ms)
        kept, denied = desk.risk.allow(entries, account(), {})
        assert kept == entries[:2]
        assert [(one.entry, one.check) for one in denied] == [(entries[2], "max_open_trades")]

    @pytest.mark.parametrize(("limits", "n_kept"), [({"max_notional": 0.25}, 2), ({"orders_per_minute": 8}, 2)])
    def test_notional_and_orders_add_up_too(self, limits, n_kept):
        desk = Desk(**limits)
        entries = [entry(name) for name in ("BTC", "ETH", "SOL")]
        for one in entries:
            desk.risk.on_data(one.symbol, desk.clock.ms)
        assert desk.risk.allow(entries, account(), {})[0] == entries[:n_kept]

    def test_a_denied_entry_is_told_with_its_reason(self):
        desk = Desk(max_notional=0.05)
        desk.reason()
        kind, fields = desk.told[-1]
        assert (kind, fields["symbol"], fields["check"]) == ("denied", "BTC", "max_notional")
        assert "max_notional is 0.05" in fields["reason"]

    def test_the_larger_of_position_and_intention_counts(self):
        desk = Desk(max_notional=1.0)
        held = account(1_000.0, position("ETH", 3.0))
        assert desk.reason(state=held, open_trades={"ETH": 900.0}) is None
        assert "max_notional" in desk.reason(state=held, open_trades={"ETH": 901.0})

    def test_orders_of_more_than_a_minute_ago_do_not_count(self):
        desk = Desk(orders_per_minute=3)
        desk.risk.on_order(3)
        desk.pass_time(59.999)
        assert "orders_per_minute" in desk.reason()
        desk.pass_time(0.001)
        assert desk.reason() is None


class TestFailedChecks:
    @pytest.mark.parametrize("check", [check.__name__ for check in entry_checks.ENTRY_CHECKS])
    def test_an_exception_in_an_entry_check_halts_and_nothing_passes(self, check, monkeypatch):
        checks = [raises if one.__name__ == check else one for one in entry_checks.ENTRY_CHECKS]
        monkeypatch.setattr(risk, "ENTRY_CHECKS", tuple(checks))
        desk = Desk()
        assert "ZeroDivisionError: a fault of ours" in desk.reason()
        assert desk.risk.state is HALTED
        desk.restart()
        assert desk.risk.state is HALTED

    @pytest.mark.parametrize("check", [check.__name__ for check in account_checks.ACCOUNT_CHECKS])
    def test_an_exception_in_an_account_check_halts(self, check, monkeypatch):
        checks = [raises if one.__name__ == check else one for one in account_checks.ACCOUNT_CHECKS]
        monkeypatch.setattr(risk, "ACCOUNT_CHECKS", tuple(checks))
        desk = Desk()
        assert "halted" in desk.reason()

    def test_entries_before_the_one_whose_check_failed_do_not_pass_either(self, monkeypatch):
        desk = Desk()
        fails = lambda one, facts: raises() if one.symbol == "ETH" else None  # noqa: E731
        monkeypatch.setattr(risk, "ENTRY_CHECKS", (fails,))
        kept, denied = desk.risk.allow([entry("BTC"), entry("ETH")], account(), {})
        assert (kept, len(denied)) == ([], 2)

    @pytest.mark.parametrize("equity", [float("nan"), float("inf"), 0.0, -5.0])
    def test_an_equity_that_means_nothing_halts(self, equity):
        desk = Desk()
        assert "halted: the check equity failed" in desk.reason(state=account(equity))

    def test_features_that_are_missing_halt(self):
        desk = Desk({"rsi": (0.0, 1.0)})
        desk.risk.on_features("BTC", 1, {})
        assert "found none of rsi" in desk.reason()

    def test_a_full_disk_halts_even_though_that_cannot_be_kept(self):
        desk = Desk()
        desk.risk.observe(account())
        desk.flags.is_full = True
        desk.risk.observe(account(940.0))
        assert desk.risk.state is HALTED
        assert any(kind == "error" and "no space left" in fields["reason"] for kind, fields in desk.told)
        desk.flags.is_full = False
        desk.risk.observe(account(940.0))
        desk.restart()
        assert desk.risk.state is HALTED, "the next look did not keep it"

    @pytest.mark.parametrize("name", ["equity", "orders", "errors", "cooldown", "drift"])
    @pytest.mark.parametrize("text", ["{", '"text"', "[[1]]", '{"a": {"b": 1}}'])
    def test_what_was_kept_and_cannot_be_read_halts(self, name, text):
        desk = Desk()
        desk.flags[f"risk.{name}"] = text
        desk.restart()
        assert desk.risk.state is HALTED
        assert f"risk.{name} cannot be read" in desk.risk.standing.reason
        desk.risk.resume("looked at it")
        assert desk.reason() is None


class TestPersons:
    def test_no_entry_after_a_stop_until_resumed_also_after_a_restart(self):
        desk = Desk()
        desk.risk.stop_entries("stopentry by alice")
        for _ in range(2):
            assert desk.reason() == "reducing: stopentry by alice"
            desk.restart()
        desk.risk.resume("alice is back")
        desk.restart()
        assert desk.reason() is None

    def test_only_a_person_ends_a_halt(self):
        desk = Desk()
        desk.risk.halt("the stop was refused three times")
        desk.risk.stop_entries("stopentry")
        desk.pass_time(3 * 86_400)
        desk.risk.on_success()
        desk.risk.observe(account(5_000.0))
        assert desk.risk.standing.reason == "the stop was refused three times"
        assert [kind for kind, _ in desk.told] == ["state", "halted"]

    def test_a_halt_that_others_wrote_is_heeded_and_not_written_over(self):
        desk = Desk()
        assert desk.reason() is None
        write_standing(desk.flags, Standing(HALTED, "executor", "the stop was refused three times", 0))
        assert desk.reason() == "halted: the stop was refused three times"
        desk.risk.stop_entries("stopentry")
        desk.restart()
        assert desk.risk.state is HALTED

    def test_whoever_resumes_takes_the_loss(self):
        desk = Desk()
        desk.risk.observe(account(1_000.0))
        desk.risk.observe(account(700.0))
        assert desk.risk.state is HALTED
        desk.risk.resume("we go on")
        desk.restart()
        desk.risk.observe(account(690.0))
        assert desk.risk.state is ACTIVE
        desk.risk.observe(account(700.0 * 0.74))
        assert desk.risk.state is HALTED


class TestDays:
    def test_a_lost_day_ends_at_midnight_utc_however_the_equity_recovers(self):
        desk = Desk()
        desk.risk.observe(account(1_000.0))
        desk.risk.observe(account(949.0))
        desk.risk.observe(account(1_000.0))
        desk.pass_time(86_400 / 2 - 0.001)
        assert "the day lost 5.10%" in desk.reason()
        desk.pass_time(0.001)
        assert desk.reason() is None

    def test_a_loss_while_nobody_looked_belongs_to_the_day_that_sees_it(self):
        desk = Desk()
        desk.risk.observe(account(1_000.0))
        desk.clock.ms += DAY
        desk.restart()
        desk.risk.observe(account(940.0))
        assert desk.risk.state is REDUCING

    def test_after_days_away_the_day_begins_with_what_is_there(self):
        desk = Desk()
        desk.risk.observe(account(1_000.0))
        desk.clock.ms += 2 * DAY
        desk.restart()
        desk.risk.observe(account(940.0))
        assert desk.risk.state is ACTIVE

    def test_a_clock_that_is_set_back_begins_no_day(self):
        desk = Desk()
        desk.risk.observe(account(1_000.0))
        desk.clock.ms -= DAY
        desk.risk.observe(account(980.0))
        desk.clock.ms += DAY
        desk.risk.observe(account(949.0))
        assert desk.risk.state is REDUCING

    def test_open_losses_count(self):
        desk = Desk()
        desk.risk.observe(account(1_000.0))
        desk.risk.observe(account(949.0, position(unrealised=-51.0)))
        assert desk.risk.state is REDUCING


class TestTransfers:
    def observe(self, desk, *looks):
        for equity, transferred in looks:
            desk.risk.observe(account(equity), transferred)
        return desk.risk.figures()

    def test_a_withdrawal_is_no_loss(self):
        desk = Desk()
        figures = self.observe(desk, (1_000.0, 0.0), (970.0, 0.0), (485.0, -485.0))
        assert figures["day_loss"] == figures["drawdown"] == pytest.approx(0.03)
        assert desk.risk.state is ACTIVE

    def test_a_deposit_hides_no_loss(self):
        desk = Desk()
        self.observe(desk, (1_000.0, 5_000.0), (1_970.0, 6_000.0))
        assert desk.risk.figures()["day_loss"] == pytest.approx(0.03)
        self.observe(desk, (1_890.0, 6_000.0))
        assert desk.risk.state is REDUCING

    def test_a_restart_takes_no_transfer_for_a_new_one(self):
        desk = Desk()
        self.observe(desk, (1_000.0, 0.0), (500.0, -500.0))
        desk.restart()
        assert self.observe(desk, (480.0, -500.0))["day_loss"] == pytest.approx(0.04)

    def test_the_first_time_that_a_venue_tells_is_no_transfer(self):
        assert self.observe(Desk(), (1_000.0, None), (960.0, 700.0))["day_loss"] == pytest.approx(0.04)

    def test_money_paid_into_an_empty_account_begins_it(self):
        desk = Desk()
        assert self.observe(desk, (10.0, 0.0), (500.0, 495.0))["drawdown"] == pytest.approx(0.5)
        assert self.observe(Desk(), (10.0, 0.0), (500.0, 500.0))["drawdown"] == 0.0


class TestDrift:
    def test_a_close_counts_once_and_a_missing_value_is_no_value(self):
        desk = Desk({"a": (0.0, 1.0), "b": (0.0, 1.0)}, drift_rows=2)
        desk.risk.on_features("BTC", 10, {"a": float("nan"), "b": 0.5})
        desk.risk.on_features("BTC", 10, {"a": 9.0, "b": 9.0})
        assert desk.risk.figures()["drift"] == {"BTC": 0.0}
        desk.risk.on_features("BTC", 11, {"a": float("nan"), "b": float("nan")})
        assert desk.risk.figures()["drift"] == {"BTC": 0.5}

    def test_it_looks_at_the_last_rows_alone(self):
        desk = Desk({"a": (0.0, 1.0)}, drift_rows=2)
        for close_ms, value in enumerate((9.0, 9.0, 0.5, 0.5)):
            desk.risk.on_features("BTC", close_ms, {"a": value})
        assert desk.risk.figures()["drift"] == {"BTC": 0.0}


def test_a_short_entry_passes_too():
    desk = Desk()
    assert desk.reason(entry(side=-1)) is None


def test_an_equity_that_only_moved_is_kept_once_a_minute():
    desk = Desk()
    desk.risk.observe(account(1_000.0))
    kept = [desk.flags["risk.equity"]]
    for seconds in (59.999, 0.001, 59.999, 0.001):
        desk.pass_time(seconds)
        desk.risk.observe(account(990.0 - len(kept)))
        kept.append(desk.flags["risk.equity"])
    assert [a == b for a, b in pairwise(kept)] == [True, False, True, False]


def test_a_new_peak_is_kept_at_once():
    desk = Desk()
    for equity in (1_000.0, 1_001.0):
        desk.risk.observe(account(equity))
        desk.restart()
    assert desk.risk.figures()["peak_quote"] == 1_001.0


def test_errors_in_a_row_are_told_once_and_end_with_a_success():
    desk = Desk(max_errors=2)
    for _ in range(3):
        desk.risk.on_error("account: no answer")
    assert [fields["check"] for kind, fields in desk.told if kind == "risk"] == ["max_errors"]
    assert "max_errors" in desk.reason()
    desk.risk.on_success()
    assert desk.reason() is None
    desk.risk.on_error("account: no answer")
    assert desk.reason() is None
    desk.risk.on_error("account: no answer")
    assert "max_errors" in desk.reason()


def test_figures_are_plain_and_say_where_the_account_stands():
    desk = Desk()
    assert "equity_quote" not in desk.risk.figures()
    desk.risk.observe(account(1_000.0))
    desk.risk.observe(account(960.0))
    figures = desk.risk.figures()
    assert (figures["state"], figures["equity_quote"], figures["peak_quote"]) == ("active", 960.0, 1_000.0)
    assert all(isinstance(value, int | float | str | dict | None) for value in figures.values())


def test_the_intent_journal_keeps_it_all_through_restarts(tmp_path):
    def begin():
        limits = RiskLimits(max_errors=2, cooldown_s=60.0)
        return Risk(limits, IntentJournal(tmp_path / "journal.sqlite"), HandClock(), lambda kind, fields: None)

    one = begin()
    one.observe(account(1_000.0))
    one.on_exit("BTC", -1.0, one._clock.now_ms())
    one.on_error("no answer")
    one.on_error("no answer")
    one.stop_entries("stopentry")
    figures = one.figures()
    one._flags.close()
    other = begin()
    assert other.figures() == figures
    assert (other.state, figures["n_errors"], figures["peak_quote"]) == (REDUCING, 2, 1_000.0)
    other._flags.close()


def test_what_a_start_finds_keeps_it_from_entering_until_one_finds_nothing():
    flags, told = KeptFlags(), []

    def begin():
        return Risk(RiskLimits(), flags, HandClock(), lambda kind, fields: told.append(kind))

    begin().start("")
    assert begin().state is ACTIVE and told == []
    begin().start("the market is gone")
    begin().start("fees have risen")
    assert (begin().state, begin().standing.reason) == (REDUCING, "fees have risen")
    begin().start("")
    assert begin().state is ACTIVE
    begin().stop_entries("a person")
    begin().start("")
    assert begin().state is REDUCING
    begin().halt("lost")
    begin().start("fees have risen")
    assert begin().state is TradingState.HALTED
