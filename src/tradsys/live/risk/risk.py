"""The account's limits at work: every entry passes through here, and nothing passes a check that failed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from tradsys.live.clock import Clock
from tradsys.live.entry import Entry
from tradsys.live.risk.account_checks import ACCOUNT_CHECKS, AccountCheck, AccountLook
from tradsys.live.risk.counters import COOLDOWN, ERRORS, ORDERS, Cooldowns, ErrorRow, OrderRate
from tradsys.live.risk.drift import DRIFT, FeatureDrift
from tradsys.live.risk.entry_checks import ENTRY_CHECKS, EntryFacts
from tradsys.live.risk.equity import EQUITY, EquityRecord
from tradsys.live.risk.limits import RiskLimits
from tradsys.live.state import PERSON, START, Flags, KeepsSoon, Standing, TradingState, read_standing, write_standing
from tradsys.live.telling import Tell
from tradsys.live.venue import AccountState


@dataclass(frozen=True, slots=True)
class Denied:
    """An entry that does not pass, the check that held it back, and why."""

    entry: Entry
    check: str
    reason: str


class Risk:
    """Limits on one account. `flags` keep what a restart may not forget; an exception within a check halts.

    `observe` looks at the account, at least once a cycle; `allow` is asked before anything is entered. What happens is
    said by `on_order`, `on_error`, `on_success`, `on_data`, `on_features` and `on_exit`. `state` says whether the bot
    trades; whoever runs it exits everything and ends with a HaltError where that is HALTED.
    """

    def __init__(
        self,
        limits: RiskLimits,
        flags: Flags,
        clock: Clock,
        tell: Tell,
        *,
        bands: Mapping[str, tuple[float, float]] | None = None,
    ) -> None:
        self.limits = limits
        self._flags, self._clock, self._tell = flags, clock, tell
        self._standing = read_standing(flags)
        self._is_written = True
        self._equity = self._part(EQUITY, lambda: EquityRecord(flags))
        self._orders = self._part(ORDERS, lambda: OrderRate(flags))
        self._errors = self._part(ERRORS, lambda: ErrorRow(flags))
        self._cooldowns = self._part(COOLDOWN, lambda: Cooldowns(flags))
        self._drift = self._part(DRIFT, lambda: FeatureDrift(flags, bands or {}, limits.drift_rows))
        self._closes: dict[str, int] = {}
        self._seen: AccountState | None = None

    @property
    def state(self) -> TradingState:
        """ACTIVE, REDUCING or HALTED."""
        return self.standing.state

    @property
    def standing(self) -> Standing:
        """The state with its cause, as the flag has it, whoever wrote it; one whose time is over has ended."""
        if self._is_written:
            self._standing = read_standing(self._flags)
        until_ms = self._standing.until_ms
        now_ms = self._clock.now_ms()
        if until_ms is not None and until_ms <= now_ms:
            ended = f"{self._standing.cause} ended with its time"
            self._stand(Standing(TradingState.ACTIVE, self._standing.cause, ended, now_ms))
        return self._standing

    def observe(self, account: AccountState, transferred_quote: float | None = None) -> None:
        """Measure the account, and stand as its checks ask for.

        `transferred_quote` is the sum of all deposits less withdrawals that the venue has told of, as of the moment of
        `account`; None where it does not tell.
        """
        if not self._is_written:
            self._write()
        self._guarded("equity", lambda: self._look(account, transferred_quote))
        self._guarded("counters", self._keep)
        self._seen = account

    def keep(self) -> None:
        """What was measured is on disk when this returns; until then it goes with whatever is committed next."""
        if isinstance(self._flags, KeepsSoon):
            self._guarded("disk", self._flags.keep_soon)

    def allow(
        self,
        entries: Sequence[Entry],
        account: AccountState,
        open_trades: Mapping[str, float],
        *,
        shrinks: bool = False,
    ) -> tuple[list[Entry], list[Denied]]:
        """Those that may be placed, in their order, and the others with reasons.

        `open_trades` has every symbol with a trade that is not known to be over, with the gross notional that was
        intended; the larger of it and of the position at the venue counts. If one check fails, none passes. With
        `shrinks` what is held is brought to `open_trades` before anything is entered, and that alone counts.
        """
        if account is not self._seen:
            self.observe(account)
        try:
            kept, denied = self._judge(entries, self._facts(account, open_trades, shrinks=shrinks))
        except Exception as error:  # noqa: BLE001 - whatever a check does, nothing passes it
            self._halt_after("allow", error)
            kept, denied = [], [Denied(entry, "allow", self._standing.reason) for entry in entries]
        for one in denied:
            fields = {"symbol": one.entry.symbol, "close_ms": one.entry.close_ms, "side": one.entry.side}
            self._tell("denied", {**fields, "check": one.check, "reason": one.reason})
        return kept, denied

    def on_order(self, n_orders: int = 1) -> None:
        """That many orders leave, whatever for."""
        self._orders.add(self._clock.now_ms(), n_orders)

    def on_error(self, what: str) -> None:
        """A call to the venue failed: what was asked, and what came of it."""
        self._guarded("max_errors", self._errors.add)
        if self._errors.count == self.limits.max_errors:
            failed = f"{self._errors.count} calls to the venue failed in a row, the last: {what}"
            reason = f"{failed}; no entry until one succeeds"
            self._tell("risk", {"check": "max_errors", "reason": reason})

    def on_success(self) -> None:
        """A call to the venue was answered."""
        self._guarded("max_errors", self._errors.end)

    def on_data(self, symbol: str, close_ms: int) -> None:
        """The close of a symbol's bar is known for sure."""
        self._closes[symbol] = max(close_ms, self._closes.get(symbol, close_ms))

    def on_features(self, symbol: str, close_ms: int, values: Mapping[str, float]) -> None:
        """What was computed at a close, by feature."""
        self._guarded("drift_share", lambda: self._drift.add(symbol, close_ms, values))

    def on_exit(self, symbol: str, net_quote: float, exit_ms: int) -> None:
        """The last trade of a symbol was over then, and earned that after fees; to say it twice changes nothing."""
        now_ms, until_ms = self._clock.now_ms(), exit_ms + round(self.limits.cooldown_s * 1_000)
        if net_quote < 0 and until_ms > now_ms:
            self._guarded("cooldown_s", lambda: self._cooldowns.rest(symbol, until_ms, now_ms))

    def start(self, why: str) -> None:
        """What a start found that keeps it from entering ("": nothing): REDUCING until one finds nothing, or resume."""
        before, now_ms = self.standing, self._clock.now_ms()
        is_from_start = before.state is TradingState.REDUCING and before.cause == START
        found = Standing(TradingState.REDUCING, START, why, now_ms)
        if why and (is_from_start or found.outranks(before)):
            self._stand(found)
        elif is_from_start and not why:
            self._stand(Standing(TradingState.ACTIVE, START, "what kept the last start from entering is gone", now_ms))

    def stop_entries(self, reason: str) -> None:
        """A person wants no entry; exits go on."""
        self._ask(Standing(TradingState.REDUCING, PERSON, reason, self._clock.now_ms()))

    def halt(self, reason: str, cause: str = "halt") -> None:
        """Exit and stop, for a person to look."""
        self._ask(Standing(TradingState.HALTED, cause, reason, self._clock.now_ms()))

    def resume(self, reason: str) -> None:
        """A person has looked: trading is active again, and losses are measured from the equity of now."""
        now_ms = self._clock.now_ms()
        self._equity.begin_again(now_ms)
        self._errors.end()
        self._stand(Standing(TradingState.ACTIVE, PERSON, reason, now_ms))

    def figures(self) -> dict[str, Any]:
        """Where the account stands against its limits, as plain values."""
        marks, standing = self._equity.marks, self.standing
        names = {"equity_quote": "last", "peak_quote": "peak", "transferred_quote": "transferred_quote"}
        measured = {} if marks is None else {name: getattr(marks, own) for name, own in names.items()}
        losses = {} if marks is None else {"day_loss": marks.day_loss, "drawdown": marks.drawdown}
        return {
            "state": standing.state.value,
            "cause": standing.cause,
            "reason": standing.reason,
            "since_ms": standing.since_ms,
            "until_ms": standing.until_ms,
            **measured,
            **losses,
            "n_orders_minute": self._orders.count(self._clock.now_ms()),
            "n_errors": self._errors.count,
            "drift": self._drift.shares(),
            "limits": asdict(self.limits),
        }

    def _look(self, account: AccountState, transferred_quote: float | None) -> None:
        now_ms = self._clock.now_ms()
        marks = self._equity.observe(account.equity_quote, now_ms, transferred_quote)
        look = AccountLook(self.limits, account, marks, now_ms)
        for check in ACCOUNT_CHECKS:
            self._guarded(check.__name__, partial(self._apply, check, look))

    def _apply(self, check: AccountCheck, look: AccountLook) -> None:
        self._ask(check(look))

    def _keep(self) -> None:
        self._orders.count(self._clock.now_ms())
        self._orders.keep()
        self._drift.keep()

    def _facts(self, account: AccountState, open_trades: Mapping[str, float], *, shrinks: bool) -> EntryFacts:
        held = (
            {}
            if shrinks
            else {position.symbol: abs(position.size_base) * position.mark_price for position in account.positions}
        )
        now_ms = self._clock.now_ms()
        return EntryFacts(
            limits=self.limits,
            now_ms=now_ms,
            standing=self.standing,
            equity_quote=account.equity_quote,
            open_trades={s: max(held.get(s, 0.0), open_trades.get(s, 0.0)) for s in {**held, **open_trades}},
            n_orders=self._orders.count(now_ms),
            n_errors=self._errors.count,
            closes=self._closes,
            cooling=self._cooldowns.until_ms,
            drift=self._drift.shares(),
        )

    def _judge(self, entries: Sequence[Entry], facts: EntryFacts) -> tuple[list[Entry], list[Denied]]:
        kept: list[Entry] = []
        denied: list[Denied] = []
        for entry in entries:
            found = next(((c.__name__, why) for c in ENTRY_CHECKS if (why := c(entry, facts)) is not None), None)
            if found is None:
                kept.append(entry)
                facts = facts.with_kept(entry)
            else:
                denied.append(Denied(entry, *found))
        return kept, denied

    def _guarded(self, check: str, do: Callable[[], None]) -> None:
        try:
            do()
        except Exception as error:  # noqa: BLE001 - a check that failed is a limit that was reached
            self._halt_after(check, error)

    def _halt_after(self, check: str, error: Exception) -> None:
        self.halt(f"the check {check} failed: {type(error).__name__}: {error}", cause=check)

    def _ask(self, standing: Standing | None) -> None:
        if standing is not None and standing.outranks(self.standing):
            self._stand(standing)

    def _stand(self, standing: Standing) -> None:
        self._standing = standing
        self._write()
        standing = self._standing
        fields = {"state": standing.state.value, "cause": standing.cause, "reason": standing.reason}
        self._tell("state", {**fields, "until_ms": standing.until_ms})
        if standing.state is TradingState.HALTED:
            self._tell("halted", fields)

    def _write(self) -> None:
        """Keep the standing; where that fails nothing is entered any more, and the next look tries again."""
        try:
            write_standing(self._flags, self._standing)
            self._is_written = True
        except Exception as error:  # noqa: BLE001 - whatever the disk has, the bot must still exit
            reason = f"{self._standing.state} ({self._standing.reason}) could not be kept: {error!r}"
            if self._standing.state is not TradingState.HALTED:
                self._standing = Standing(TradingState.HALTED, "disk", reason, self._clock.now_ms())
            self._is_written = False
            self._tell("error", {"what": "risk", "reason": reason})

    def _part[T](self, name: str, make: Callable[[], T]) -> T:
        """What was kept of it; where that cannot be read, it begins anew and the bot halts."""
        try:
            return make()
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            kept = self._flags.flag(name)
            self._flags.set_flag(name, None)
            self.halt(f"what was kept as {name} cannot be read ({error!r}): {kept!r:.200}; compare with the account")
            return make()
