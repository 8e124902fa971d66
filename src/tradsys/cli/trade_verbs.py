"""The verbs of `tradsys trade`: what an account holds and earned, and what its running bot is told to do."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tradsys.cli.options import Json, Plugin
from tradsys.cli.printed_json import printed_json
from tradsys.core.errors import ConfigError

if TYPE_CHECKING:
    from polars import DataFrame

    from tradsys.bundle.deployment import Deployment

Account = Annotated[str, typer.Option("--account", help="Name of the account: its folder is live/NAME.")]
Root = Annotated[Path, typer.Option("--root", help="Folder of the accounts.")]
Symbol = Annotated[str, typer.Argument(metavar="SYMBOL|all", help="Which position to leave, or all of them.")]

_PATIENCE_S: Final = 10.0
_FLATTEN_S: Final = 60.0
"""Longer than a bot tries before it says that something is left."""


def status(account: Account, root: Root = Path("live"), as_json: Json = False) -> int:
    """How the account stands, and who trades it.

    Of one that nobody trades: how it stood last.
    """
    from tradsys.cli.trade_text import status_text
    from tradsys.live.account.looked import look

    seen = look(_folder(account, root))
    _print(seen, as_json, status_text)
    return 0


def trades(account: Account, root: Root = Path("live"), as_json: Json = False) -> int:
    """Open and closed trades, each with its result.

    A result is after fees and funding; with --json both stand beside it.
    """
    from tradsys.cli.trade_text import trades_text
    from tradsys.live.account.looked import trades_of, unfilled_of

    folder = _folder(account, root)
    unfilled = unfilled_of(folder)
    more = {"unfilled": unfilled} if unfilled else {}
    _print({"account": account, "trades": trades_of(folder), **more}, as_json, trades_text)
    return 0


def profit(account: Account, root: Root = Path("live"), as_json: Json = False) -> int:
    """What closed trades earned: in all, today, by symbol."""
    from tradsys.cli.trade_text import profit_text
    from tradsys.core.time import now_ms
    from tradsys.live.account.looked import profit_of, trades_of

    found = profit_of(trades_of(_folder(account, root)), now_ms())
    _print({"account": account, **found}, as_json, profit_text)
    return 0


def export(
    account: Account,
    root: Root = Path("live"),
    out: Annotated[Path | None, typer.Option(help="File to write; otherwise it is printed.")] = None,
    as_json: Json = False,
) -> int:
    """Lots as CSV: first in, first out, fees, funding."""
    from dataclasses import asdict

    from tradsys.core.files import write_atomically
    from tradsys.live.account.looked import lots_of
    from tradsys.live.lots import lots_csv

    lots = lots_of(_folder(account, root))
    if out is not None:
        write_atomically(out, lots_csv(lots).encode())
    if as_json:
        rows = [asdict(lot) | {"gross_quote": lot.gross_quote, "net_quote": lot.net_quote} for lot in lots]
        typer.echo(printed_json({"account": account, "lots": rows}))
    elif out is None:
        typer.echo(lots_csv(lots), nl=False)
    else:
        typer.echo(f"{len(lots)} lots in {out}")
    return 0


def replay(
    bundle: Annotated[Path, typer.Argument(help="The bundle that the account was traded with.")],
    account: Account,
    bars: Annotated[
        list[str] | None,
        typer.Option(
            help="Bars of that time: what --bars of a run takes, or SYMBOL=it of one; again for more. "
            "Otherwise those that the bot kept, or the store's."
        ),
    ] = None,
    root: Root = Path("live"),
    plugin: Plugin = None,
    as_json: Json = False,
) -> int:
    """Hold the account against a simulation of its bars.

    The gap between both results is split into signal, fee, slippage, latency, funding and partial fills, and each
    difference has a cause; what the account paid is offered as costs to set. Columns from outside that the bundle needs
    are read as a bot reads them. Of target weights the choices are made again, and each stretch on one side is held
    against the batch's. What was found is kept in the account's folder, for its page in the browser.
    """
    from dataclasses import asdict

    from tradsys.live.account.replay_file import keep_replay
    from tradsys.live.account.replayed import lacking_columns, own_bars, replay_of
    from tradsys.live.places import tape_bars
    from tradsys.predictor.traded import read_traded

    folder, traded = _folder(account, root), read_traded(bundle, plugins=plugin or ())
    market = tape_bars(bars, traded.deployment) if bars else own_bars(folder, traded.deployment)
    if lacking_columns(market, traded.deployment):
        market = asyncio.run(_with_outside(market, traded.deployment))
    found = replay_of(folder, traded, market)
    values = {
        "account": account,
        "lived_quote": found.lived_quote,
        "simulated_quote": found.simulated_quote,
        "gap": found.gap.parts,
        "causes": dict(found.causes),
        "learned": [asdict(one) for one in found.learned],
        **found.counts,
        "missing": dict(found.missing),
    }
    keep_replay(folder, {**values, "lines": found.lines, "bars": bars or [], "bundle_hash": traded.bundle_hash})
    _print(values, as_json, lambda _: "\n".join(found.lines))
    return 0


async def _with_outside(market: "Mapping[str, DataFrame]", deployment: "Deployment") -> "dict[str, DataFrame]":
    """Funding from the venue, which takes no key, and macro series from where the settings say."""
    from tradsys.live.account.replayed import with_outside
    from tradsys.live.clock import SystemClock
    from tradsys.live.places import market_data
    from tradsys.settings.trade import TradeSettings

    data = market_data(deployment, TradeSettings.load(), SystemClock())
    try:
        return await with_outside(market, deployment, data, tell=lambda kind, fields: None)
    finally:
        await data.close()


def balance(account: Account, root: Root = Path("live"), as_json: Json = False) -> int:
    """What the account has, asked of the venue now.

    It takes a running bot, as resume, forceexit, flatten, kill and reload do.
    """
    return _ask(account, root, "balance", as_json)


def stopentry(account: Account, root: Root = Path("live"), as_json: Json = False) -> int:
    """No entry until resume, also after a restart.

    Exits go on. An account that nobody trades takes it too.
    """
    from tradsys.core.errors import NotRunningError
    from tradsys.live.account.looked import stop_entries

    try:
        return _ask(account, root, "stopentry", as_json)
    except NotRunningError:
        _print({"account": account, **stop_entries(_folder(account, root))}, as_json, _sentence)
        return 0


def resume(account: Account, root: Root = Path("live"), as_json: Json = False) -> int:
    """Enter again: a person has looked.

    It ends stopentry, flatten, kill and whatever a limit stopped; losses are measured from the equity of now on.
    """
    return _ask(account, root, "resume", as_json)


def forceexit(symbol: Symbol, account: Account, root: Root = Path("live"), as_json: Json = False) -> int:
    """Leave one symbol, or all; entries go on."""
    return _ask(account, root, "forceexit", as_json, symbol)


def flatten(account: Account, root: Root = Path("live"), as_json: Json = False) -> int:
    """Leave everything; no entry until resume.

    The bot tries until the venue says that no position and no order of its is left.
    """
    return _ask(account, root, "flatten", as_json, wait_s=_FLATTEN_S)


def kill(account: Account, root: Root = Path("live"), as_json: Json = False) -> int:
    """The kill switch: flatten, and halt.

    The file live/NAME/KILL and the signal SIGUSR1 do the same.
    """
    return _ask(account, root, "kill", as_json, wait_s=_FLATTEN_S)


def reload(account: Account, root: Root = Path("live"), as_json: Json = False) -> int:
    """Read the limits from the settings anew.

    What else has changed since the start is told: it takes another one.
    """
    return _ask(account, root, "reload", as_json)


verbs: Final[dict[str, Callable[..., int]]] = {
    "status": status,
    "profit": profit,
    "balance": balance,
    "trades": trades,
    "stopentry": stopentry,
    "resume": resume,
    "forceexit": forceexit,
    "flatten": flatten,
    "kill": kill,
    "reload": reload,
    "export": export,
    "replay": replay,
}


def _ask(account: str, root: Path, verb: str, as_json: bool, argument: str = "", *, wait_s: float = _PATIENCE_S) -> int:
    """Have the running bot do it, and print what it answers; the exit code is 0 where it was done."""
    from tradsys.live.control import ask

    answer = ask(_folder(account, root), verb, argument, wait_s=wait_s)
    _print({"account": account, **answer}, as_json, _sentence)
    return 0 if answer.get("is_done", True) else 1


def _folder(account: str, root: Path) -> Path:
    """The account's folder; a ConfigError where there is none, which names those that there are."""
    from tradsys.live.account.folder import ACCOUNT, account_folder

    folder = account_folder(account, root)
    if not (folder / ACCOUNT).is_file():
        known = sorted(path.parent.name for path in root.glob(f"*/{ACCOUNT}"))
        there = f"there are {', '.join(known)}" if known else "there is none yet"
        raise ConfigError(
            f"no account {account} in {root}/: {there}; tradsys trade BUNDLE --account {account} makes it"
        )
    return folder


def _print(values: Mapping[str, Any], as_json: bool, text: Callable[[Mapping[str, Any]], str]) -> None:
    from tradsys.core.json_text import canonical_json

    typer.echo(canonical_json(values) if as_json else text(values))


def _sentence(values: Mapping[str, Any]) -> str:
    """What the bot says it did, or else all that it answered."""
    from tradsys.cli.trade_text import rows_text

    return str(values["said"]) if "said" in values else rows_text(values)
