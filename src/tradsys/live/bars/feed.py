"""Closes of several symbols as they happen: asked for at each interval's end, confirmed, and complete or told."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final

import polars as pl

from tradsys.core.bar_hash import bar_hash
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.time import format_step, stamp
from tradsys.features.stream.bar import Bar
from tradsys.live.bars.asking import GRACE_MS, Wakes, ask_until_confirmed, sleep_until
from tradsys.live.bars.close import Close
from tradsys.live.bars.confirmation import Confirmation
from tradsys.live.bars.hint_stream import HintStream
from tradsys.live.bars.history import read_history
from tradsys.live.bars.klines import read_klines
from tradsys.live.bars.known_bars import Broken, KnownBars
from tradsys.live.bars.server_clock import ServerClock
from tradsys.live.clock import Clock
from tradsys.live.telling import Tell
from tradsys.live.venue import Hint, MarketData, VenueRefused, VenueUnknown

LEAD_S: Final = 10.0
"""Before each close, to measure the clock and to read what must be read anew; a quarter of the interval at most."""

LEAST_LEAD_S: Final = 2.0
"""What that may take where the close has come already."""

USUALLY_WITHIN_S: Final = 60.0

type Preparation = Callable[[int], Awaitable[None]]
"""Called before each close with its time, such as to ask for columns from outside; handles its own failures."""


class BarFeed:
    """Bars of `symbols` from a venue's market data: `history` first, then `closes`.

    A close is handed out when every symbol's bar is confirmed, or `wait_s` after it: those that did not come are
    missing, with a reason, and come with the next close, before it and marked so that nothing is entered on them. Where
    the venue's bars have a hole, or one that was handed out has been revised, the symbol is missing until its history
    was read anew. `on_hint` is handed every hint of the stream, `on_bar` each symbol's bar as soon as it is confirmed,
    where none was missed before it.

    A close that is looked at later than `enter_within_s` after it, by default a minute or half the interval, is marked
    too. A history ends before closes that may still be entered: who is started again after one decides on it.
    """

    def __init__(
        self,
        data: MarketData,
        symbols: Sequence[str],
        interval_ms: int,
        clock: Clock,
        *,
        tell: Tell,
        wait_s: float = 10.0,
        enter_within_s: float | None = None,
        on_hint: Callable[[Hint], None] | None = None,
        on_bar: Callable[[str, Bar], None] | None = None,
        preparations: Sequence[Preparation] = (),
    ) -> None:
        if not 0 < wait_s * 1_000 < interval_ms:
            raise ConfigError(
                f"bars are waited for less long than the interval of {format_step(interval_ms)}, found {wait_s:g} s; "
                "10 s are usual"
            )
        self.symbols, self.interval_ms, self.wait_s = tuple(symbols), interval_ms, wait_s
        self.enter_within_s = min(USUALLY_WITHIN_S, interval_ms / 2_000) if enter_within_s is None else enter_within_s
        self.server_clock = ServerClock(data, clock, tell=tell)
        self._data, self._clock, self._tell = data, clock, tell
        self._preparations = tuple(preparations)
        self._wakes, self._on_hint, self._on_bar = Wakes(self.symbols), on_hint, on_bar
        self._known: dict[str, KnownBars] = {}
        self._broken: dict[str, str] = {}
        self._read_anew: dict[str, pl.DataFrame] = {}
        self._n_bars, self._handed_ms = 0, 0

    async def history(self, n_bars: int) -> dict[str, pl.DataFrame]:
        """The last `n_bars` closed bars of each symbol, checked; gaps stay gaps and are told.

        A symbol whose bars cannot be read or are refused is left out, and tried again before each close; only where
        there is none at all its error is raised.
        """
        self._n_bars = n_bars
        await self.server_clock.measure()
        self._handed_ms = self._clock.now_ms() - round(1_000 * self.enter_within_s)
        failed = await asyncio.gather(*(self._first_history(symbol) for symbol in self.symbols))
        frames, self._read_anew = self._read_anew, {}
        if not frames:
            raise next(error for error in failed if error is not None)
        self._handed_ms = max(known.last_ts for known in self._known.values()) + self.interval_ms
        return {symbol: frames[symbol] for symbol in self.symbols if symbol in frames}

    def read_anew(self, symbol: str, why: str) -> None:
        """Hand out nothing more of a symbol until its history has been read anew."""
        self._broken.setdefault(symbol, why)

    async def closes(self) -> AsyncGenerator[Close]:
        """One close after the other, late ones first; for ever."""
        if not self._known:
            raise ConfigError("closes follow a history; call history(n_bars) first")
        stream = HintStream(self._data, self.symbols, self.interval_ms, self._hear, tell=self._tell)
        listening = asyncio.create_task(stream.run())
        try:
            while True:
                close_ms = self._next_close()
                await sleep_until(self._clock, close_ms - round(1_000 * self._lead_s))
                await self._prepare(close_ms)
                for close in await self._collect(close_ms):
                    yield close
                if listening.done():
                    listening.result()  # a fault of ours in it is one of the feed
        finally:
            listening.cancel()
            await asyncio.wait([listening])

    @property
    def _lead_s(self) -> float:
        return min(LEAD_S, self.interval_ms / 4_000)

    def _hear(self, hint: Hint) -> None:
        self._wakes.hear(hint)
        if self._on_hint is not None:
            self._on_hint(hint)

    def _next_close(self) -> int:
        """The close after the last one, or the last that there was, where several have passed meanwhile."""
        passed = (self._clock.now_ms() - self._handed_ms) // self.interval_ms
        return self._handed_ms + max(passed, 1) * self.interval_ms

    async def _history(self, symbol: str) -> pl.DataFrame:
        read = await read_history(
            self._data,
            symbol,
            self.interval_ms,
            self._n_bars,
            until_ms=self._handed_ms,
            now_ms=self._clock.now_ms(),
            doubt_ms=self.server_clock.doubt_ms,
            tell=self._tell,
        )
        self._known[symbol] = KnownBars(read.bars, self.interval_ms)
        return read.frame

    async def _prepare(self, close_ms: int) -> None:
        """Measure the clock, read anew what must be, and whatever else has to come before a close."""
        left_s = max((close_ms - self._clock.now_ms()) / 1_000, LEAST_LEAD_S)
        again = (self._read_again(symbol) for symbol in tuple(self._broken))
        others = (prepare(close_ms) for prepare in self._preparations)
        try:
            async with asyncio.timeout(left_s):
                await asyncio.gather(self.server_clock.measure(), *again, *others)
        except TimeoutError:
            self._tell("error", {"what": "bars", "reason": f"not all was ready {left_s:.0f} s after it was asked for"})

    async def _first_history(self, symbol: str) -> Exception | None:
        self._broken[symbol] = "it has no history yet"
        error = await self._read_again(symbol)
        if error is not None:
            self._broken[symbol] = f"its history could not be read: {error}"
        return error

    async def _read_again(self, symbol: str) -> Exception | None:
        """Read a symbol's history, which goes with the next close; the error that kept it from being read."""
        try:
            self._read_anew[symbol] = await self._history(symbol)
        except (VenueUnknown, VenueRefused, DataError) as error:
            self._tell("error", {"what": "history", "symbol": symbol, "reason": str(error)})
            return error
        del self._broken[symbol]
        return None

    async def _collect(self, close_ms: int) -> list[Close]:
        """All that is new up to this close: first what was missed, then the close itself."""
        behind_s = (self._clock.now_ms() - close_ms) / 1_000
        left_s = max(self.wait_s - behind_s, min(self.wait_s, LEAST_LEAD_S))
        asked = [symbol for symbol in self.symbols if symbol not in self._broken]
        why = {
            symbol: Confirmation(close_ms - self.interval_ms, self.interval_ms, self.server_clock.doubt_ms)
            for symbol in asked
        }
        tasks = {symbol: asyncio.create_task(self._ask(symbol, why[symbol])) for symbol in asked}
        try:
            if tasks:
                await asyncio.wait(tasks.values(), timeout=left_s)
            came = {symbol: task.result() for symbol, task in tasks.items() if task.done()}
        finally:
            await _cancelled(tasks.values())
        missing, new = dict(self._broken), defaultdict[int, dict[str, Bar]](dict)
        for symbol in asked:
            bars = came.get(symbol)
            if not isinstance(bars, list):
                missing[symbol] = self._lacking(symbol, bars, why[symbol])
                continue
            self._known[symbol].take(bars)
            for bar in bars:
                new[bar.ts + self.interval_ms][symbol] = bar
        self._handed_ms = close_ms
        return self._closes(close_ms, new, missing, is_late=behind_s > self.enter_within_s)

    async def _ask(self, symbol: str, confirmation: Confirmation) -> list[Bar] | Broken | None:
        """The bars that follow once an answer confirms the last of them, None where no answer will."""
        known, end_ms = self._known[symbol], confirmation.ts_ms + self.interval_ms
        await self._wakes.hinted_or(self._clock, end_ms + GRACE_MS, symbol, confirmation.ts_ms)

        async def ask() -> list[Bar]:
            return await read_klines(self._data, symbol, self.interval_ms, known.ask_from_ms, end_ms)

        answered = await ask_until_confirmed(ask, confirmation, self._clock, answer_s=max(self.wait_s / 3, 1.0))
        if answered is None:
            return None
        bars = known.next_bars(answered, end_ms)
        if self._on_bar is not None and isinstance(bars, list) and len(bars) == 1:
            self._on_bar(symbol, bars[0])
        return bars

    def _lacking(self, symbol: str, answered: Broken | None, confirmation: Confirmation) -> str:
        """Why a symbol has no bar; one whose bars do not continue what was handed out stops."""
        if answered is None:
            return confirmation.why
        self._broken[symbol] = answered.reason
        return answered.reason

    def _closes(
        self, close_ms: int, new: Mapping[int, Mapping[str, Bar]], missing: dict[str, str], *, is_late: bool
    ) -> list[Close]:
        """What was missed, oldest first, then the close itself; histories read anew go with the first of them."""
        whole = {when: new[when] for when in sorted(new) if when < close_ms} | {close_ms: new.get(close_ms, {})}
        closes: list[Close] = []
        for when, bars in whole.items():
            no_entry = self.server_clock.problem
            if when < close_ms:
                no_entry = f"the bars of {stamp(when)} came one close later or more"
            elif is_late:
                no_entry = f"the close of {stamp(when)} was looked at too late"
            lacking = missing if when == close_ms else {}
            closes.append(Close(when, bars, lacking, self._read_anew if not closes else {}, no_entry))
            self._tell_bars(closes[-1])
        self._read_anew = {}
        return closes

    def _tell_bars(self, close: Close) -> None:
        now_ms, told = self._clock.now_ms(), {"close_ms": close.close_ms, "no_entry": close.no_entry}
        for symbol, bar in close.bars.items():
            hashed = bar_hash(symbol, bar.ts, bar[1:6])
            came = {"symbol": symbol, "close": bar.close, "hash": hashed, "lag_ms": now_ms - close.close_ms}
            whole = {"ts_ms": bar.ts, "ohlcv": list(bar[1:6]), "extra": dict(bar.outside)}
            self._tell("bar", {**came, **told, **whole})
        for symbol, reason in close.missing.items():
            self._tell("bar", {"symbol": symbol, "missing": reason, **told})


async def _cancelled(tasks: Collection[asyncio.Task[list[Bar] | Broken | None]]) -> None:
    """Cancel those that are not done, and wait for their end."""
    left = [task for task in tasks if not task.done()]
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)
