"""The accounts in `live/`, a row each; whatever else lies there is a row that says so."""

from dataclasses import dataclass
from pathlib import Path

from tradsys.core.errors import DataError
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
    """Folders of accounts, and others that lie among them; a DataError where they cannot be listed."""
    try:
        return sorted(path.name for path in live.iterdir() if path.is_dir() and not path.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise DataError(f"{live} cannot be listed ({error.strerror}); look at who may read it") from None


def account_rows(live: Path) -> list[AccountRow]:
    """A row each, by name; where they cannot be listed, one that says why."""
    try:
        return [_row(live / name) for name in account_names(live)]
    except DataError as error:
        return [_no_account(live.name, Light("bad", "unreadable", f"{error}."))]


def _row(folder: Path) -> AccountRow:
    try:
        folder.name.encode()
        is_account = (folder / ACCOUNT).exists()
    except UnicodeEncodeError:
        return _no_account(folder.name, Light("bad", "unreadable", "Its name is no UTF-8; rename the folder."))
    except OSError as error:
        return _no_account(folder.name, Light("bad", "unreadable", f"It cannot be read ({error.strerror})."))
    if not is_account:
        sentence = f"{ACCOUNT} is not there: whatever this folder is, no bot made it."
        return _no_account(folder.name, Light("", "no account", sentence))
    seen = SeenAccount.look(folder)
    equity = seen.status.part("account_state").number("equity_quote")
    return AccountRow(
        seen.name, seen.money_text, seen.traded, light_of(seen), quote(equity), seen.status.text("unproven"), seen.news
    )


def _no_account(name: str, light: Light) -> AccountRow:
    return AccountRow(name, "", "", light, UNKNOWN, "", UNKNOWN, is_account=False)
