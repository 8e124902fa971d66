"""How a bot goes, in a word and a sentence: dead and silent ones first, then what keeps it from trading."""

import time
from dataclasses import dataclass
from typing import Final, Literal

from tradsys.report.numbers import duration
from tradsys.web.bot.plain import interval_ms
from tradsys.web.bot.seen import SeenAccount

type Tone = Literal["good", "careful", "bad", ""]

STARTS_WITHIN_S: Final = 60.0
"""A bot that has said nothing for longer since its start is not starting any more: its venue does not answer it."""

OVERDUE_S: Final = 90.0
"""A bar whose close is not known so long after it was due is overdue: venues are given seconds."""

UNSEEN_S: Final = 30.0
"""An account that was not looked at for so long is not looked at: it is every four seconds."""


@dataclass(frozen=True, slots=True)
class Light:
    """How a bot goes: a colour, a word, and a sentence for whoever wants to know what to make of it."""

    tone: Tone
    word: str
    sentence: str


def light_of(seen: SeenAccount) -> Light:
    """What matters most of it."""
    return _broken(seen) or _nobody(seen) or _silent(seen) or _running(seen)


def duration_text(seconds: float) -> str:
    """A time that has passed, as people say it.

    >>> duration_text(4.2), duration_text(90), duration_text(7200)
    ('4 s', '90 s', '2.0 h')
    """
    return f"{seconds:.0f} s" if seconds < 120 else duration(seconds)


def _broken(seen: SeenAccount) -> Light | None:
    return Light("bad", "unreadable", f"{seen.trouble}.") if seen.trouble else None


def _nobody(seen: SeenAccount) -> Light | None:
    if seen.holder is not None:
        return None
    if not seen.status:
        return Light("", "never ran", "No bot has said anything of this account yet.")
    stay = "Stops and targets stay at the venue, and nobody keeps the time of what is open."
    if seen.status.flag("is_running"):
        died = "Its process ended without a word: killed, or the machine failed."
        return Light("bad", "gone", f"{died} Last news {seen.news}. {stay} The same tradsys trade command goes on.")
    return Light("", "stopped", f"It was stopped in good order, {seen.news}. {stay}")


def _silent(seen: SeenAccount) -> Light | None:
    if not seen.is_silent:
        return None
    if seen.written_s < seen.started_s:
        return _starting(seen)
    what = f"No news since {seen.news}, for {duration_text(seen.age_s)}"
    return Light("bad", "silent", f"{what}: {seen.holder} holds the account and does not get on.")


def _starting(seen: SeenAccount) -> Light:
    since_s = max(0.0, time.time() - seen.started_s)
    if since_s < STARTS_WITHIN_S:
        return Light("careful", "starting", f"It was started {duration_text(since_s)} ago and has said nothing yet.")
    return Light(
        "bad",
        "silent",
        f"It has said nothing since its start, {duration_text(since_s)} ago: its venue may not answer; look at its "
        "terminal.",
    )


def _running(seen: SeenAccount) -> Light:
    status, risk = seen.status, seen.status.part("risk")
    if risk.text("state") == "halted":
        return Light("bad", "halted", f"It leaves everything and stops: {risk.text('reason')}.")
    if n := risk.number("n_unprotected"):
        return Light("bad", "unprotected", f"{n:.0f} positions are without their stop at the venue.")
    if (n := risk.number("n_errors")) and n >= (risk.part("limits").number("max_errors") or 5):
        failed = f"{n:.0f} calls to the venue failed in a row; nothing is entered until one succeeds."
        return Light("bad", "no answers", failed)
    if why := status.text("leaving"):
        return Light("careful", "leaving", f"Everything is being left: {why}.")
    if why := status.text("no_entry"):
        return Light("careful", "no entries", f"Nothing is entered: {why}. Exits go on.")
    return _late(seen) or _good(seen)


def _late(seen: SeenAccount) -> Light | None:
    bar_s, look_s = seen.bar_age_s, seen.look_age_s
    step_ms = interval_ms(seen.status.text("interval"))
    if look_s is not None and look_s > UNSEEN_S and seen.money != "tape":
        return Light("careful", "venue unseen", f"The account was last seen {duration_text(look_s)} ago.")
    if bar_s is not None and step_ms and bar_s > step_ms / 1_000 + max(OVERDUE_S, step_ms / 2_000):
        return Light("careful", "no bars", f"The last bar closed {duration_text(bar_s)} ago; the next is overdue.")
    return None


def _good(seen: SeenAccount) -> Light:
    if seen.status.number("last_close_ms") is None:
        return Light("good", "waiting", "It runs, and waits for the first close that it lives through.")
    return Light("good", "trading", "Bars come, the account is looked at, and entries are allowed.")
