"""The accounts in `live/`, a row each; whatever else lies there is a row that says so."""

from dataclasses import dataclass
from pathlib import Path

from tradsys.live.account.folder import ACCOUNT
from tradsys.report.numbers import UNKNOWN
from tradsys.web.bot.light import Light, light_of
from tradsys.web.bot.plain import quote
from tradsys.web.bot.seen import SeenAccount


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One line of the list."""

    name: str
    money: str
    traded: str
    light: Light
    equity: str
    unproven: str
    news: str
    is_account: bool = True


def account_names(live: Path) -> list[str]:
    """Folders of accounts, and others that lie among them."""
    try:
        return sorted(path.name for path in live.iterdir() if path.is_dir() and not path.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []


def account_rows(live: Path) -> list[AccountRow]:
    """A row each, by name."""
    return [_row(live / name) for name in account_names(live)]


def _row(folder: Path) -> AccountRow:
    if not (folder / ACCOUNT).exists():
        light = Light("", "no account", f"{ACCOUNT} is not there: whatever this folder is, no bot made it.")
        return AccountRow(folder.name, "", "", light, UNKNOWN, "", UNKNOWN, is_account=False)
    seen = SeenAccount.look(folder)
    equity = seen.status.part("account_state").number("equity_quote")
    return AccountRow(
        seen.name, seen.money_text, seen.traded, light_of(seen), quote(equity), seen.status.text("unproven"), seen.news
    )
