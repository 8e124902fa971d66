"""One run of the story: the exchange in one process, the bot in another that is killed and started again till the end.

Lives are forked from this process, which has imported everything and has no threads.
"""

import importlib
import json
import os
import random
import signal
import sys
import time
import traceback
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from tests.exchange.faults import FAULTS, rough
from tests.fire import served
from tests.fire.life import ACCOUNT, Fate, Place, live
from tests.fire.shared_time import BOT, EXCHANGE, RUNNER, SharedTime
from tests.fire.story import BAR_MS, FIRST_MS, HALT_BAR, HAND, N_BARS, PRICES, Market, name_of

from tradsys.core.errors import ConfigError, TradsysError
from tradsys.live.control import ask
from tradsys.live.execution.rules import ExecutionRules
from tradsys.live.execution.trade_rows import trade_rows
from tradsys.live.intents import IntentJournal

DOWN_FROM_MS: Final = FIRST_MS + 6 * BAR_MS
DOWN_TO_MS: Final = DOWN_FROM_MS + 6 * BAR_MS // 10
"""In the first part of bar 6 the bot of a run with kills is down: what ends then must appear all the same."""

LAST_S: Final = 120.0
"""Real seconds that a bot is given to end when it was told to: more than any machine is busy."""

START_S: Final = 0.08
"""About what a start takes of the processor."""

END_MS: Final = FIRST_MS + N_BARS * BAR_MS
DUST_QUOTE: Final = 3.0
"""What a symbol's trades may leave of coins that are less than a lot each."""

QUIET: Final = dict.fromkeys(FAULTS, 0.0)
FAULTY: Final = {
    name: rate for name in FAULTS if (rate := getattr(rough(0.2), name)) and name not in ("limited", "banned")
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kills:
    """What a run does to its bot: at random, `every_s` seconds of its processor apart on average, or at steps."""

    every_s: float = 0.0
    steps: tuple[str, ...] = ()
    faults: bool = False

    @property
    def any(self) -> bool:
        return self.every_s > 0 or bool(self.steps)


@dataclass(slots=True)
class Burnt:
    """What was left of a run, and what happened in it."""

    seed: int
    market: Market = "usdm"
    wallet: float = 0.0
    positions: dict[str, float] = field(default_factory=dict)
    open_orders: list[str] = field(default_factory=list)
    trades: list[list[Any]] = field(default_factory=list)
    explained: float = 0.0
    dust: float = 0.0
    state: str = ""
    n_random: int = 0
    died_at: dict[str, int] = field(default_factory=dict)
    passed: list[str] = field(default_factory=list)
    n_ended_while_down: int = 0
    duplicates: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    unprotected_ms: int = 0
    n_faults: int = 0
    n_orders: int = 0
    starts_ms: list[int] = field(default_factory=list)
    processor_s: float = 0.0
    failures: list[str] = field(default_factory=list)


class Run:
    """Plays the story once, in `folder`."""

    def __init__(self, folder: Path, seed: int, kills: Kills, market: Market = "usdm") -> None:
        self.seed, self.kills, self.market = seed, kills, market
        self.draw = random.Random(f"fire:{seed}")
        self.time = SharedTime(FIRST_MS - 20_000)
        self.time.join(RUNNER)
        self.exchange, url = self._serve()
        folder.mkdir(parents=True, exist_ok=True)
        self.place = Place(folder, url, self.time, market)
        self.burnt = Burnt(seed, market)
        self.bot = self.asker = 0
        self.short_lives = 0
        self.down = list[tuple[int, int]]()
        self._down_since = self._n_read = 0
        self._is_up = self._is_over = self._was_asked = False
        self._by_hand = self._up_s = 0.0
        self.deaths = Counter[int]()
        self.deeds = self._deeds()

    def play(self) -> Burnt:
        """Until the last bar is over; then everything is looked at."""
        try:
            while self._now() < END_MS:
                self._life()
            self._control(faults=QUIET)
            self._look_at_the_end()
        finally:
            for process in (self.bot, self.asker, self.exchange):
                if process:
                    with suppress(ProcessLookupError):
                        os.kill(process, signal.SIGKILL)
                    self._reaped(process)
        self.burnt.processor_s = round(sum(os.times()[:4]), 1)
        return self.burnt

    def _life(self) -> None:
        """From a start to a kill, by whoever does it, or to the end of the story."""
        self._begin(self._points() if self.kills.steps else frozenset())
        fate = self._fate()
        while True:
            self._do_deeds()
            self.time.wait(self._next_ms(), lambda: self._something_happened(fate))
            self._see_whether_up()
            if self._has_ended():
                self._ended()
                break
            if self._must_be_down() or self._is_its_end(fate):
                self._kill()
                break
            if self._now() >= END_MS:
                return
        self._down_for_a_while()

    def _points(self) -> frozenset[str]:
        return frozenset(self.kills.steps) - self.burnt.died_at.keys()

    def _something_happened(self, fate: tuple[bool, float]) -> bool:
        is_news = not self._is_up and self.place.notes.exists() and self.place.notes.stat().st_size > self._n_read
        return is_news or self._has_ended() or self._is_its_end(fate) or self._must_hold()

    def _has_ended(self) -> bool:
        self._is_over = self._is_over or os.waitpid(self.bot, os.WNOHANG)[0] != 0
        return self._is_over

    def _next_ms(self) -> int:
        """When something is due next that is done from here."""
        now = self._now()
        due = [ms for ms, _ in self.deeds[:1]] + [END_MS] + ([DOWN_FROM_MS] if self.kills.any else [])
        return min((ms for ms in due if ms > now), default=now)

    def _begin(self, points: frozenset[str]) -> None:
        if self.bot:
            return
        fate = Fate(points, dict(self.deaths))
        self._is_up = self._is_over = self._was_asked = False
        self.place.up.unlink(missing_ok=True)
        if self._down_since:
            self.down.append((self._down_since, self._now()))
        self.time.join(BOT)
        self.bot = _forked(lambda: live(self.place, fate))

    def _see_whether_up(self) -> None:
        """From where it trades on, all that is amiss is held against it."""
        if self._is_up or not self.place.notes.exists():
            return
        with self.place.notes.open("rb") as notes:
            notes.seek(self._n_read)
            new = notes.read()
        if started := [line for line in new.splitlines() if b'"started"' in line]:
            self._is_up = True
            self._n_read += len(new)
            self._control(up=True)
            self._up_s = worked_s(self.bot)
            self.burnt.starts_ms.append(json.loads(started[-1])["worked_ms"])
            self.place.up.touch()

    def _fate(self) -> tuple[bool, float]:
        """Whether a life ends before it is up, and how many seconds its processor works until then, or from then on.

        Of three in a row one is long enough to enter, or nothing would ever happen.
        """
        if not self.kills.every_s:
            return False, float("inf")
        if self.short_lives < 2 and self.draw.random() < 0.25:
            self.short_lives += 1
            return True, self.draw.uniform(0.005, START_S)
        length = self.draw.uniform(0.0, 2 * self.kills.every_s)
        if self.short_lives >= 2:
            length = max(length, self.kills.every_s * 1.6)
        self.short_lives = self.short_lives + 1 if length < self.kills.every_s else 0
        return False, length

    def _is_its_end(self, fate: tuple[bool, float]) -> bool:
        dies_early, length_s = fate
        if dies_early or not self._is_up:
            return dies_early and worked_s(self.bot) > length_s
        return worked_s(self.bot) - self._up_s > length_s

    def _kill(self) -> None:
        os.kill(self.bot, signal.SIGKILL)
        os.waitpid(self.bot, 0)
        self.burnt.n_random += 1
        self._gone()

    def _ended(self) -> None:
        """By its own hand: at a marked step, or there is something wrong."""
        last = self._notes()[-1]
        if point := last.get("died_at"):
            self.burnt.died_at[point] = self.burnt.died_at.get(point, 0) + 1
            self.deaths[last["at_ms"] // BAR_MS] += 1
        else:
            self.burnt.failures.append(f"the bot ended by itself; its last words: {last}")
            if len(self.burnt.failures) > 20:
                raise RuntimeError("; ".join(self.burnt.failures))
        self._gone()

    def _gone(self) -> None:
        self.time.leave(BOT)
        self.bot, self._down_since = 0, self._now()
        self._n_read = self.place.notes.stat().st_size if self.place.notes.exists() else 0
        if self._is_up:
            self._control(up=False)

    def _must_be_down(self) -> bool:
        """Over the moments in which the stops of the second scene are reached."""
        return self.kills.any and DOWN_FROM_MS <= self._now() < DOWN_TO_MS

    def _down_for_a_while(self) -> None:
        until_ms = self._now() + self.draw.randrange(600)
        if self._must_be_down():
            until_ms = DOWN_TO_MS
        while self._now() < until_ms:
            self._do_deeds()
            self.time.wait(min(until_ms, self._next_ms() if self._now() < END_MS else until_ms), lambda: False)
        self._do_deeds()

    def _deeds(self) -> list[tuple[int, dict[str, Any]]]:
        """What happens beside the bot, by the time at which it does."""

        def at(bar: float) -> int:
            return FIRST_MS + round(bar * BAR_MS)

        deeds: list[tuple[int, dict[str, Any]]] = [
            (at(8.95), {"deaf": ["SOLUSDT"]}),
            (at(9.05), {"deaf": []}),
            (at(14.3), {"forceexit": "BTCUSDT"}),
            (at(HALT_BAR + 0.8), {"faults": {"refuse_stop": 1.0}}),
            (at(HALT_BAR + 3.5), {"faults": {"refuse_stop": 0.0}}),
        ]  # fmt: skip
        if self.market == "usdm":
            deeds += [(at(2.3), {"hand": {HAND: 200.0}}), (at(3.5), {"hand": {HAND: -200.0}})]
        if self.kills.faults:
            deeds.append((at(0.0), {"faults": FAULTY}))
        return sorted(deeds, key=lambda deed: deed[0])

    def _do_deeds(self) -> None:
        while self.deeds and self._now() >= self.deeds[0][0]:
            deed = self.deeds.pop(0)[1]
            if "forceexit" in deed:
                self.asker = _forked(partial(self._force_exit, name_of(deed["forceexit"], self.market)))
            else:
                self._control(**deed)

    def _must_hold(self) -> bool:
        """No time goes on while somebody is about to ask a bot that is up: he would come ever later."""
        if not self.asker or self._was_asked or not self._is_up:
            return False
        until_s = time.monotonic() + 2.0
        while time.monotonic() < until_s and not self._was_asked:
            self._was_asked = any((self.place.folder / ACCOUNT / "control").glob("*.question"))
            time.sleep(0.001)
        self._was_asked = True
        return True

    def _force_exit(self, symbol: str) -> None:
        """Ask for it until it is answered, as a person would whose bot keeps dying."""
        while True:
            try:
                ask(self.place.folder / ACCOUNT, "forceexit", symbol)
                return
            except ConfigError:  # nothing is open any more
                return
            except TradsysError:
                time.sleep(0.02)

    def _look_at_the_end(self) -> None:
        """A last life in quiet, ended in good order; then exchange and journal are compared."""
        self._begin(frozenset())
        until_ms = self._now() + 20_000
        while self._now() < until_ms and not self._has_ended():
            self.time.wait(until_ms, lambda: self._something_happened((False, float("inf"))))
            self._see_whether_up()
        status = list[int]()

        def is_over() -> bool:
            process, code = os.waitpid(self.bot, os.WNOHANG)
            status.extend([code] if process else [])
            return bool(status)

        os.kill(self.bot, signal.SIGTERM)
        until_s = time.monotonic() + LAST_S
        while not status and time.monotonic() < until_s:
            self.time.wait(self._now() + 1_000, is_over)
        if status != [0]:
            self.burnt.failures.append(f"told to stop, it ended with {status}")
        self.bot = self.bot if not status else 0
        self.time.leave(BOT)
        self._read_exchange()
        self._read_journal()
        notes = self._notes()
        self.burnt.passed = sorted({note["passed"] for note in notes if "passed" in note})

    def _read_exchange(self) -> None:
        told, burnt = self._control(), self.burnt
        self._by_hand = sum(e["realised"] - e["fee"] for e in told["executions"] if e["symbol"] == HAND)
        burnt.wallet, burnt.positions, burnt.open_orders = told["wallet"], told["positions"], told["open"]
        burnt.duplicates, burnt.orphans = told["duplicates"], told["orphans"]
        burnt.unprotected_ms = max(ms for name, ms in told["unprotected_ms"].items() if name != HAND)
        if self.market == "spot":  # what is less than a lot stays, and is worth what it is worth
            burnt.dust = sum(size * PRICES[name] for name, size in burnt.positions.items())
            burnt.positions = {name: size for name, size in burnt.positions.items() if size * PRICES[name] > DUST_QUOTE}
        burnt.n_faults = sum(told["faults"].values())
        burnt.n_orders = sum(n for name, n in told["counts"].items() if name.startswith("POST") and "rder" in name)

    def _read_journal(self) -> None:
        burnt, path = self.burnt, self.place.folder / ACCOUNT / "journal.sqlite"
        with closing(IntentJournal(path)) as journal:
            rows = trade_rows(journal, journal.trades(), ExecutionRules(ACCOUNT).liquidation_prefixes, self._now())
            burnt.state = str(journal.flag("state"))
        names = ("symbol", "side", "origin", "size_base", "entry_price", "exit_price", "exit_reason", "is_open")
        burnt.trades = [[row[name] for name in names] + [round(row["result_quote"], 6)] for row in rows]
        own = sum(row["result_quote"] for row in rows if row["symbol"] != name_of(HAND, self.market))
        burnt.explained = served.WALLET + own + self._by_hand
        ends = [row["exit_ms"] for row in rows if row["exit_ms"] is not None]
        burnt.n_ended_while_down = sum(any(first <= ms < last for first, last in self.down) for ms in ends)

    def _now(self) -> int:
        return self.time.now_ms()

    def _notes(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.place.notes.read_text().splitlines()]

    def _control(self, **wanted: Any) -> dict[str, Any]:
        body = json.dumps(wanted).encode() if wanted else None
        with urllib.request.urlopen(f"{self.place.url}/_ctl", body, timeout=20) as answer:
            found: dict[str, Any] = json.loads(answer.read())
        return found

    def _serve(self) -> tuple[int, str]:
        port_from, port_to = os.pipe()
        self.time.join(EXCHANGE)
        process = _forked(lambda: served.serve(self.time, self.seed, self.market, port_to))
        os.close(port_to)
        with os.fdopen(port_from) as pipe:
            return process, f"http://127.0.0.1:{pipe.readline().strip()}"

    def _reaped(self, process: int) -> None:
        with suppress(ChildProcessError):
            os.waitpid(process, 0)


def worked_s(process: int) -> float:
    """How long the processor has worked for it; of one that is gone no more than it did."""
    try:
        return time.clock_gettime(~process << 3 | 2)  # as clock_getcpuclockid of the C library makes it
    except OSError:
        return 0.0


def _forked(work: Callable[[], None]) -> int:
    """Do it in a child; its process."""
    sys.stdout.flush()
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        work()
        code = 0
    finally:
        if code:
            traceback.print_exc()
        os._exit(code)


def warm_up(market: Market = "usdm") -> None:
    """Import what lives need, so that none pays for it."""
    from tradsys.live.allocation import load_kernels
    from tradsys.live.venues.ccxt_import import exchange_class

    exchange_class("binanceusdm" if market == "usdm" else "binance")
    importlib.import_module("tradsys.live.venues.binance" + ("" if market == "usdm" else "_spot"))
    load_kernels()
