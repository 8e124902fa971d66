"""What a bot says of itself: account, positions, decisions and why nothing is entered, as plain values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tradsys.live.account.equity_history import EquityPoint
from tradsys.live.account.folder import AccountFolder
from tradsys.live.bars.close import Close
from tradsys.live.clock import Clock
from tradsys.live.execution.aims import Aim
from tradsys.live.execution.wishes import FLATTEN, STOP_ENTRY
from tradsys.live.executor import OrderExecutor
from tradsys.live.risk.risk import Risk
from tradsys.live.venue import AccountState
from tradsys.predictor.predictor import Decision


class BotStatus:
    """The last that was seen and decided; `values` is what stands in `status.json`."""

    def __init__(
        self, about: Mapping[str, Any], executor: OrderExecutor, risk: Risk, folder: AccountFolder, clock: Clock
    ) -> None:
        self._about, self._executor, self._risk = dict(about), executor, risk
        self._folder, self._clock = folder, clock
        self._started_ms = clock.now_ms()
        self._account: AccountState | None = None
        self._seen_ms: int | None = None
        self._close_ms: int | None = None
        self._decisions: dict[str, dict[str, Any]] = {}
        self._outcomes: dict[str, str] = {}
        self._put_off: str | None = None

    def saw(self, account: AccountState) -> None:
        """The account as the venue told it just now."""
        self._account, self._seen_ms = account, self._clock.now_ms()

    def decided(self, close: Close, decisions: Sequence[Decision], undecided: Mapping[str, str]) -> None:
        """What came of a close, by symbol."""
        self._close_ms = close.close_ms
        self._outcomes = {}
        for decision in decisions:
            told = {
                name: getattr(decision, name) for name in ("action", "side", "probability", "expected_net", "reason")
            }
            self._decisions[decision.symbol] = {"close_ms": close.close_ms, **told}
        for symbol, why in {**close.missing, **undecided}.items():
            self._decisions[symbol] = {"close_ms": close.close_ms, "action": 0, "reason": why}

    def chosen(self, close: Close, aims: Iterable[Aim]) -> None:
        """What target weights want held from a close on."""
        self._close_ms, self._outcomes = close.close_ms, {}
        for aim in aims:
            self._decisions[aim.symbol] = {"close_ms": close.close_ms, **weighed(aim)}

    def put_off(self, close: Close, why: str | None) -> None:
        """A close without a choice, and why that was where one was due."""
        self._close_ms, self._put_off = close.close_ms, why

    def entered(self, outcomes: Mapping[str, str]) -> None:
        """What became of the entries of the last close."""
        self._outcomes = dict(outcomes)

    def equity(self) -> EquityPoint | None:
        """What the account was worth when it was looked at last; None where it never was."""
        if self._account is None or self._seen_ms is None:
            return None
        transferred = self._risk.figures().get("transferred_quote")
        return EquityPoint(self._seen_ms, self._account.equity_quote, self._account.wallet_quote, transferred)

    def values(self) -> dict[str, Any]:
        """All of it, now."""
        now_ms, journal = self._clock.now_ms(), self._executor.journal
        account = self._account
        money = {} if account is None else {**asdict(account), "equity_quote": account.equity_quote}
        return {
            **self._about,
            "is_running": True,
            "now_ms": now_ms,
            "started_ms": self._started_ms,
            "last_close_ms": self._close_ms,
            "account_age_ms": None if self._seen_ms is None else now_ms - self._seen_ms,
            "account_state": money,
            "open_trades": self._executor.trades(is_open=True),
            "decisions": self._decisions,
            "entries": self._outcomes,
            **self._resting(),
            **self._aims(),
            "no_entry": self._executor.why_no_entry() or self._folder.trouble or None,
            "stopentry": journal.flag(STOP_ENTRY),
            "leaving": journal.flag(FLATTEN),
            "risk": {**self._risk.figures(), "n_unprotected": len(self._executor.unprotected)},
            "trouble": self._folder.trouble or journal.trouble,
        }

    def _resting(self) -> dict[str, Any]:
        """Entries that rest in the book; nothing where none does."""
        rows = self._executor.resting()
        return {"resting": rows} if rows else {}

    def _aims(self) -> dict[str, Any]:
        """What is aimed at, beside what is held for it; nothing of a bundle that has no weights."""
        aims = self._executor.journal.aims()
        if not aims:
            return {}
        rows = self._executor.trades(is_open=True)
        held = {row["symbol"]: row["side"] * row["open_base"] for row in rows if row["origin"] == "target"}
        told = [{**aim.told(), "held_base": held.get(symbol, 0.0)} for symbol, aim in sorted(aims.items())]
        return {"aims": told, "put_off": self._put_off}


def weighed(aim: Aim) -> dict[str, Any]:
    """An aim as a decision is told: which way it goes, how much of the equity it wants, and why less is held."""
    return {
        "action": aim.side,
        "side": aim.side,
        "weight": aim.weight,
        "wanted_base": aim.size_base,
        "reason": aim.note or ("as chosen" if aim.weight else "not chosen"),
    }
