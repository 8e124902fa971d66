"""A seeded schedule of faults: how often each one happens, when, and how often it did."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields


@dataclass(frozen=True, slots=True)
class FaultRates:
    """Probabilities, of a call, an order, an event or a bar, whatever the fault is about.

    Calls: `lose_answer` (done, but the answer is cut off), `hang` (done, and nothing comes for ever), `lose_request`
    (never arrives), `late_arrival` (the caller has given up when an order arrives), `busy` (5xx, nothing happened),
    `busy_after` (5xx with -1007 although it was done), `limited` (429), `banned` (418), `unseen` (an order accepted but
    not yet shown by queries, for a moment).
    Orders: `partial` (fills in parts, some tenths of a second apart), `slow_match` (a market order rests first),
    `refuse_stop` (-4045), `stuck_trigger` (a stop that is reached stays TRIGGERING and fills nothing). Events:
    `late_event`, `duplicate_event`, `lost_event`, `drop_stream` (the connection ends), `silence` (the stream is half
    open: it stays, and says nothing any more). Late ones are reordered by it.
    Bars: `early_close` (told closed before its time, with a wrong close), `revised_bar` (the answer when asked is
    another at first), `missing_bar` (not there yet when asked).
    `maintenance` at 1: signed calls get 503. `skew_ms`: what the exchange's clock is ahead of the client's.
    """

    lose_answer: float = 0.0
    hang: float = 0.0
    lose_request: float = 0.0
    late_arrival: float = 0.0
    busy: float = 0.0
    busy_after: float = 0.0
    limited: float = 0.0
    banned: float = 0.0
    unseen: float = 0.0
    partial: float = 0.0
    slow_match: float = 0.0
    refuse_stop: float = 0.0
    stuck_trigger: float = 0.0
    late_event: float = 0.0
    duplicate_event: float = 0.0
    lost_event: float = 0.0
    drop_stream: float = 0.0
    silence: float = 0.0
    early_close: float = 0.0
    revised_bar: float = 0.0
    missing_bar: float = 0.0
    maintenance: float = 0.0
    skew_ms: float = 0.0

    def __post_init__(self) -> None:
        for name in (spec.name for spec in fields(self)):
            value = getattr(self, name)
            if name != "skew_ms" and not 0.0 <= value <= 1.0:
                raise ValueError(f"{name} is a probability and must be between 0 and 1, was {value}")


FAULTS = tuple(spec.name for spec in fields(FaultRates))


def rough(rate: float = 0.2) -> FaultRates:
    """Everything at once: about `rate` of the submits are lost, late or unknown; other calls and events too."""
    part = rate / 4
    calls = dict(lose_answer=part, lose_request=part / 2, late_arrival=part / 2, busy=part, busy_after=part)
    orders = dict(partial=rate, slow_match=rate, refuse_stop=part, unseen=part, limited=part / 4)
    events = dict(late_event=rate, duplicate_event=rate, lost_event=rate, drop_stream=0.002, silence=0.001)
    return FaultRates(**calls, **orders, **events, early_close=part, revised_bar=part, missing_bar=part / 2)


@dataclass(frozen=True, slots=True)
class FaultWindow:
    """Other rates from `start_ms` to before `end_ms`: of each fault the higher rate counts."""

    start_ms: int
    end_ms: int
    rates: FaultRates


@dataclass(slots=True)
class FaultSchedule:
    """Draws each fault from a stream of its own, so that turning one on moves no other; `happened` counts.

    `once` holds faults that are certain for the next so many occasions, whatever the rates say.

    >>> faults = FaultSchedule(seed=1, rates=FaultRates(busy=1.0))
    >>> faults.hits("busy", 0), faults.hits("limited", 0), faults.happened["busy"]
    (True, False, 1)
    """

    seed: int = 0
    rates: FaultRates = FaultRates()
    windows: Sequence[FaultWindow] = ()
    once: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)
    _streams: dict[str, random.Random] = field(default_factory=dict)

    def rate(self, name: str, now_ms: int) -> float:
        """The rate at a moment; of skew its milliseconds."""
        if not self.windows:
            return float(getattr(self.rates, name))
        now = [window.rates for window in self.windows if window.start_ms <= now_ms < window.end_ms]
        return max((getattr(rates, name) for rates in (self.rates, *now)), key=abs)

    def hits(self, name: str, now_ms: int) -> bool:
        """Whether the fault happens on this occasion."""
        is_hit = self._draw(name, now_ms)
        if is_hit:
            self.happened[name] += 1
        return is_hit

    def _draw(self, name: str, now_ms: int) -> bool:
        if self.once and self.once[name] > 0:
            self.once[name] -= 1
            return True
        rate = self.rate(name, now_ms)
        return rate > 0 and self.stream(name).random() < rate

    def between(self, name: str, low: float, high: float) -> float:
        """How long or how much, drawn from the fault's own stream."""
        return self.stream(name).uniform(low, high)

    def stream(self, name: str) -> random.Random:
        if name not in self._streams:
            self._streams[name] = random.Random(f"{self.seed}:{name}")
        return self._streams[name]

    def certain(self, times: Mapping[str, int]) -> None:
        """The next so many occasions of each fault are hit."""
        _check_names(times)
        self.once.update(times)

    def set(self, changes: Mapping[str, float]) -> None:
        """Change base rates by name, and leave the others."""
        _check_names(changes)
        now = {name: getattr(self.rates, name) for name in FAULTS}
        self.rates = FaultRates(**now | dict(changes))


def _check_names(given: Mapping[str, float]) -> None:
    unknown = set(given) - set(FAULTS)
    if unknown:
        raise ValueError(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(FAULTS)}")
