"""Money that was paid in or out is asked of the venue, counted once, and is neither profit nor loss."""

import asyncio

import pytest
from tests.live.risk.accounts import Desk, account

from tradsys.live.risk.transfers import OVERLAP_MS, TransferRecord, look
from tradsys.live.state import TradingState
from tradsys.live.venue import CashTransfer, VenueUnknown


class Silent:
    """A venue that tells nothing of transfers."""

    def __init__(self, desk):
        self.desk, self.wallet, self.paid, self.n_asked, self.is_away = desk, 1_000.0, [], 0, False

    async def account(self):
        return account(self.wallet)

    def pay(self, amount):
        self.wallet += amount
        self.paid.append(CashTransfer(str(len(self.paid)), amount, self.desk.clock.ms))


class Telling(Silent):
    async def transfers(self, start_ms):
        self.n_asked += 1
        if self.is_away:
            raise VenueUnknown("no answer")
        return [one for one in self.paid if one.ts_ms >= start_ms]


class Watch:
    """Looks at an account, through restarts."""

    def __init__(self, venue=Telling):
        self.desk = Desk()
        self.venue = venue(self.desk)
        self.restart()

    def restart(self):
        self.desk.restart()
        self.record = TransferRecord(self.desk.flags, self.desk.clock)

    def look(self):
        self.desk.pass_time(1)
        asyncio.run(look(self.desk.risk, self.record, self.venue))
        return self.desk.risk.figures()


@pytest.mark.parametrize("restarts", [False, True])
def test_a_withdrawal_is_no_loss_and_a_deposit_no_profit(restarts):
    watch = Watch()
    watch.look()
    for amount in (-600.0, 2_000.0, 30.0):
        watch.venue.pay(amount)
        if restarts:
            watch.restart()
        figures = watch.look()
        assert figures["drawdown"] == figures["day_loss"] == pytest.approx(0.0)
    watch.venue.wallet *= 0.94
    assert watch.look()["day_loss"] == pytest.approx(0.06)
    assert watch.desk.risk.state is TradingState.REDUCING


def test_without_a_venue_that_tells_a_withdrawal_is_a_loss():
    watch = Watch(Silent)
    watch.look()
    watch.venue.pay(-60.0)
    assert watch.look()["day_loss"] == pytest.approx(0.06)


def test_what_was_paid_before_the_first_look_is_no_transfer_of_ours():
    watch = Watch()
    watch.venue.paid.append(CashTransfer("old", 500.0, watch.desk.clock.ms - 1))
    watch.look()
    assert watch.record.sum_quote == 0.0


def test_the_venue_is_asked_only_where_the_wallet_has_changed():
    watch = Watch()
    for _ in range(3):
        watch.look()
    assert watch.venue.n_asked == 1
    watch.venue.wallet -= 1.0
    watch.look()
    assert watch.venue.n_asked == 2


def test_a_transfer_that_the_history_shows_late_still_counts_and_once():
    watch = Watch()
    watch.look()
    late = CashTransfer("late", -10.0, watch.desk.clock.ms + 1)
    for n in range(4):
        watch.desk.pass_time(OVERLAP_MS / 4_000)
        watch.venue.wallet -= 0.001
        if n == 2:
            watch.venue.paid.append(late)
        watch.look()
    assert watch.record.sum_quote == -10.0
    watch.desk.pass_time(OVERLAP_MS / 1_000)
    watch.venue.wallet -= 0.001
    watch.restart()
    watch.look()
    assert watch.record.sum_quote == -10.0
    assert watch.record._seen == {}


def test_an_answer_that_is_missing_measures_nothing():
    watch = Watch()
    watch.look()
    watch.venue.pay(-600.0)
    watch.venue.is_away = True
    with pytest.raises(VenueUnknown):
        watch.look()
    watch.venue.is_away = False
    assert watch.look()["drawdown"] == pytest.approx(0.0)
    assert watch.desk.risk.state is TradingState.ACTIVE


def test_a_deposit_that_comes_while_the_venue_is_asked_is_seen_in_the_account_too():
    watch = Watch()
    watch.look()

    class Between(Telling):
        async def transfers(self, start_ms):
            if not self.paid:
                self.pay(400.0)
            return await super().transfers(start_ms)

    watch.venue = Between(watch.desk)
    watch.venue.wallet = 999.0
    figures = watch.look()
    assert figures["equity_quote"] == 1_399.0
    assert figures["drawdown"] == pytest.approx(0.001)
