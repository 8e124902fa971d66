"""All parts of an account's page at one moment, each of its own: what cannot be read is a sentence in its place."""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tradsys.core.errors import TradsysError
from tradsys.core.time import DAY_MS
from tradsys.live.account.audit import AUDIT, last_events
from tradsys.live.account.equity_history import HISTORY, read_equity
from tradsys.live.account.folder import JOURNAL
from tradsys.live.account.replay_file import REPLAY, kept_replay
from tradsys.report.numbers import UNKNOWN, percent
from tradsys.web.bot.decisions import Events, decision_rows, event_rows, last_decisions
from tradsys.web.bot.equity_curve import equity_picture
from tradsys.web.bot.holdings import order_rows, position_cards
from tradsys.web.bot.journal import JournalRead, read_journal
from tradsys.web.bot.light import duration_text, light_of
from tradsys.web.bot.limits import limit_rows, standing_card
from tradsys.web.bot.plain import quote, second
from tradsys.web.bot.results import closed_trades, replay_card, sums_rows
from tradsys.web.bot.seen import SeenAccount

PARTS: Final = ("news", "why", "curve", "held", "standing", "decided", "closed", "replayed", "lately")
"""Names of the parts, which are those of their templates and of the elements that show them."""


@dataclass(slots=True)
class AccountReader:
    """Reads one account again and again; what has not changed on disk is not read again."""

    folder: Path
    _kept: dict[str, tuple[object, Any]] = field(default_factory=dict)

    def parts(self, span: str = "all") -> dict[str, Mapping[str, Any]]:
        """What each template is given, by the part's name; one that is the same object as before has not changed."""
        seen = SeenAccount.look(self.folder)
        makers: dict[str, Callable[[], Mapping[str, Any]]] = {
            "news": lambda: _news(seen),
            "why": lambda: _why(seen),
            "curve": lambda: self._curve(seen, span),
            "held": lambda: self._held(seen),
            "standing": lambda: {"standing": standing_card(seen.status), "limits": limit_rows(seen.status)},
            "decided": lambda: self._decided(seen),
            "closed": lambda: self._closed(seen),
            "replayed": lambda: {"replay": replay_card(self._once(REPLAY, kept_replay)), "seen": seen},
            "lately": self._lately,
        }
        return {name: _tried(make) for name, make in makers.items()}

    def _curve(self, seen: SeenAccount, span: str) -> Mapping[str, Any]:
        points = self._once(HISTORY, read_equity)
        signature = (self._stamp(HISTORY), seen.status.part("account_state").number("equity_quote"))
        return self._made(
            f"curve {span}", signature, lambda: {"picture": equity_picture(points, seen.status, span), "span": span}
        )

    def _held(self, seen: SeenAccount) -> Mapping[str, Any]:
        has_news = bool(seen.status.part("account_state"))
        orders = order_rows(self._journal().orders)
        return {"positions": position_cards(seen.status), "orders": orders, "has_news": has_news}

    def _decided(self, seen: SeenAccount) -> Mapping[str, Any]:
        rows = self._made("decided", self._stamp(AUDIT), lambda: decision_rows(self._events()))
        return {"last": last_decisions(seen.status), "rows": rows}

    def _lately(self) -> Mapping[str, Any]:
        return self._made("lately", self._stamp(AUDIT), lambda: {"events": event_rows(self._events())})

    def _closed(self, seen: SeenAccount) -> Mapping[str, Any]:
        trades = self._journal().trades
        day = int(seen.status.number("now_ms") or 0) // DAY_MS

        def made() -> Mapping[str, Any]:
            n_over = sum(not one["is_open"] for one in trades)
            return {"trades": closed_trades(trades), "sums": sums_rows(trades, seen.status), "n_over": n_over}

        return self._made("closed", (id(trades), day), made)

    def _journal(self) -> JournalRead:
        _, before = self._kept.get(JOURNAL, (None, None))
        signature = (self._stamp(JOURNAL), self._stamp(f"{JOURNAL}-wal"))
        return self._made(JOURNAL, signature, lambda: read_journal(self.folder, before))

    def _events(self) -> Events:
        return self._once(AUDIT, last_events)

    def _once[T](self, name: str, read: Callable[[Path], T]) -> T:
        return self._made(name, self._stamp(name), lambda: read(self.folder))

    def _stamp(self, name: str) -> tuple[int, int] | None:
        try:
            found = (self.folder / name).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size

    def _made[T](self, name: str, signature: object, make: Callable[[], T]) -> T:
        known, value = self._kept.get(name, (None, None))
        if known != signature or name not in self._kept:
            value = make()
            self._kept[name] = (signature, value)
        made: T = value
        return made


def _tried(make: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    try:
        return make()
    except TradsysError as error:
        return {"trouble": str(error)}
    except sqlite3.Error as error:
        return {"trouble": f"the account's journal cannot be read now ({error})"}
    except OSError as error:
        return {"trouble": f"a file of the account cannot be read ({error})"}
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        return {"trouble": f"a file of the account is not what a bot of this release writes ({error!r})"}


def _news(seen: SeenAccount) -> Mapping[str, Any]:
    status, risk = seen.status, seen.status.part("risk")
    account = status.part("account_state")
    equity, wallet = account.number("equity_quote"), account.number("wallet_quote")
    day, fall = risk.number("day_loss"), risk.number("drawdown")
    facts = [
        ("Equity", quote(equity), f"wallet {quote(wallet)}" if wallet is not None else ""),
        ("Unrealised", quote(account.number("unrealised_quote"), signed=True), f"{_n_open(seen)} open"),
        ("Today", UNKNOWN if day is None else percent(-day, signed=True), "since midnight UTC"),
        ("Below its peak", percent(fall), f"peak {quote(risk.number('peak_quote'))}"),
        ("Last bar", *_bar(seen)),
        ("Account seen", *_looked(seen)),
    ]
    return {"seen": seen, "light": light_of(seen), "facts": facts}


def _n_open(seen: SeenAccount) -> int:
    return len(seen.status.parts("open_trades"))


def _bar(seen: SeenAccount) -> tuple[str, str]:
    age, close = seen.bar_age_s, seen.status.number("last_close_ms")
    if age is None:
        return "none yet", "since this start"
    on = "on the tape's clock" if seen.money == "tape" else ""
    return f"{duration_text(age)} ago", f"{second(close)} {on}".strip()


def _looked(seen: SeenAccount) -> tuple[str, str]:
    age = seen.look_age_s
    told = f"status of {seen.news}" if seen.written_s else seen.news
    if age is None:
        return "not yet", told
    return f"{duration_text(age)} ago", "on the tape's clock" if seen.money == "tape" else told


def _why(seen: SeenAccount) -> Mapping[str, Any]:
    """Why nothing is entered, each reason once, and what whoever trades it should know."""
    status = seen.status
    stopped = [status.text(name) for name in ("no_entry", "trouble")]
    reasons = list(dict.fromkeys(one for one in stopped if one))
    if seen.is_kill_file_there:
        reasons.append("the file KILL is there, and nothing can be resumed while it is")
    cautions = [status.text("unproven"), *status.texts("notes"), status.text("broken_audit")]
    return {"reasons": reasons, "cautions": [one for one in cautions if one], "leaving": status.text("leaving")}
