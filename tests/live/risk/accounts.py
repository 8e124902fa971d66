"""A journal's flags, a clock, accounts and entries for tests of the limits."""

from dataclasses import replace

from tradsys.live.entry import Entry
from tradsys.live.risk.limits import RiskLimits
from tradsys.live.risk.risk import Risk
from tradsys.live.venue import AccountState, Position

DAY = 86_400_000
NOON = 1_700_006_400_000 - 1_700_006_400_000 % DAY + DAY // 2


class HandClock:
    """Stands still until it is moved."""

    def __init__(self, ms=NOON):
        self.ms = ms

    def now_ms(self):
        return self.ms


class KeptFlags(dict):
    """Flags as the intent journal keeps them; a disk that is full raises."""

    is_full = False

    def flag(self, name):
        return self.get(name)

    def set_flag(self, name, value):
        if self.is_full:
            raise OSError("no space left")
        if value is None:
            self.pop(name, None)
        else:
            self[name] = value


def account(equity=1_000.0, *positions):
    unrealised = sum(position.unrealised_quote for position in positions)
    return AccountState(equity - unrealised, unrealised, equity, positions)


def position(symbol="BTC", size=1.0, mark=100.0, liquidation=None, unrealised=0.0):
    return Position(symbol, size, mark, mark, unrealised, liquidation)


def entry(symbol="BTC", notional=100.0, close_ms=NOON, **changes):
    made = Entry(
        symbol=symbol,
        side=1,
        size_base=notional / 100.0,
        reference_price=100.0,
        share=0.1,
        close_ms=close_ms,
        deadline_ms=close_ms + DAY,
        stop_distance=1.0,
        target_distance=2.0,
        probability=0.6,
        expected_net=0.001,
        reason="edge",
        bar_hash="b",
        bundle_hash="c",
    )
    return replace(made, **changes)


class Desk:
    """Risk with everything around it, and restarts."""

    def __init__(self, bands=None, **limits):
        self.limits, self.bands = RiskLimits(**limits), bands
        self.flags, self.clock, self.told = KeptFlags(), HandClock(), []
        self.restart()

    def restart(self):
        tell = lambda kind, fields: self.told.append((kind, dict(fields)))  # noqa: E731
        self.risk = Risk(self.limits, self.flags, self.clock, tell, bands=self.bands)

    def pass_time(self, seconds):
        self.clock.ms += round(seconds * 1_000)

    def reason(self, one=None, state=None, open_trades=None):
        """Why one entry is denied now, with fresh data; None where it passes."""
        one = entry(close_ms=self.clock.ms) if one is None else one
        self.risk.on_data(one.symbol, self.clock.ms)
        kept, denied = self.risk.allow([one], account() if state is None else state, open_trades or {})
        assert len(kept) + len(denied) == 1
        return denied[0].reason if denied else None
