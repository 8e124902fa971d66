"""What `tradsys trade BUNDLE` does: checks that cost nothing, then the bot, in real time or in a tape's."""

import asyncio
import difflib
import gc
import signal
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tradsys.cli.moment import moment
from tradsys.cli.printed_json import printed_json
from tradsys.cli.trade_options import StartOptions
from tradsys.cli.trade_verbs import verbs
from tradsys.core.errors import ConfigError, TradsysError
from tradsys.core.time import interval_ms, parse_interval
from tradsys.live.account import AccountFolder, Scrubber
from tradsys.live.account.audit import events_of
from tradsys.live.account.folder import JOURNAL, Money, account_folder
from tradsys.live.account.guard import guard_process
from tradsys.live.bot import Bot
from tradsys.live.clock import Clock, SystemClock
from tradsys.live.companions import BotSides, accompanied
from tradsys.live.compose import BotWish, composed
from tradsys.live.control import Command, Control
from tradsys.live.lines import line
from tradsys.live.outside.pool import n_bars_needed
from tradsys.live.places import exchange, is_same_venue, market_data, on_paper, tape, tape_bars, tape_start_ms
from tradsys.live.preflight import AskedFor, check_confirmed, check_proven, check_wanted
from tradsys.live.tape_time import play
from tradsys.live.venue import Venue
from tradsys.predictor.traded import RankBundle, TradedBundle, read_traded
from tradsys.settings.trade import SECTION, TradeSettings

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Session:
    """One start of a bot: what was asked for on the command line, and what it was found to mean."""

    bundle: TradedBundle | RankBundle
    settings: TradeSettings
    path: Path
    options: StartOptions
    reread: Callable[[], TradeSettings]
    bars: "Mapping[str, pl.DataFrame] | None"
    as_json: bool
    noted: Sequence[signal.Signals]

    @property
    def money(self) -> Money:
        if self.options.live:
            return "live"
        return "paper" if self.bars is None else "tape"

    @property
    def pace(self) -> float:
        """Seconds of the clock in a real one; a tape at full speed is looked after some times a bar."""
        if self.bars is None:
            return 1.0
        return self.options.speed or max(1.0, self.bundle.deployment.interval_ms / 4_000)


def trade(
    bundle: Path,
    account: str,
    root: Path,
    options: StartOptions,
    *,
    as_json: bool,
    noted: Sequence[signal.Signals] = (),
) -> int:
    """Trade until it ends; the exit code is 0 where it was told to, and that of the error otherwise.

    `noted` are signals that came before the bot could heed them; it grows until then.
    """
    path, reread = account_folder(account, root), partial(_settings, options)
    settings = reread()
    scrub = Scrubber(settings.secrets)
    end = guard_process(scrub)
    try:
        session = _session(bundle, path, settings, options, reread, as_json=as_json, noted=noted)
        _play(session)
    except TradsysError as error:
        end()
        raise type(error)(scrub.text(str(error))) from None
    end()  # and not after anything else that is raised: the guard is there when it is printed
    return 0


def _session(
    bundle: Path,
    path: Path,
    settings: TradeSettings,
    options: StartOptions,
    reread: Callable[[], TradeSettings],
    *,
    as_json: bool,
    noted: Sequence[signal.Signals],
) -> Session:
    """Everything that can be checked without asking a venue."""
    check_confirmed(path.name, settings.confirm, is_live=options.live)
    if options.live and options.tape:
        raise ConfigError("--tape plays bars of the past, and --live trades with money: give one of them")
    if options.tape_from and not options.tape:
        raise ConfigError("--from says where a tape begins, and none is played; give --tape too, or leave it out")
    if not bundle.is_dir():
        raise ConfigError(_no_bundle(bundle))
    traded = read_traded(bundle, plugins=options.plugin or ())
    bars = tape_bars(options.tape, traded.deployment) if options.tape else None
    session = Session(traded, settings, path, options, reread, bars, as_json, noted)
    check_wanted(traded.deployment, _asked_for(session))
    if not (path / JOURNAL).exists():  # nothing is open that a bot has to see to
        check_proven(traded.deployment, takes_unproven=options.unproven)
    return session


def _play(session: Session) -> None:
    if session.bars is None:
        asyncio.run(_run(session, SystemClock()))
    else:
        play(partial(_run, session), start_ms=_start_ms(session, session.bars), speed=session.options.speed or inf)


async def _run(session: Session, clock: Clock) -> None:
    deployment, settings = session.bundle.deployment, session.settings
    wish = BotWish(
        bundle=session.bundle,
        settings=settings,
        reread=session.reread,
        asked_for=_asked_for(session),
        takes_unproven=session.options.unproven,
        pace=session.pace,
    )
    account = AccountFolder(
        session.path,
        clock,
        money=session.money,
        venue=deployment.venue,
        scrub=Scrubber(settings.secrets),
        pace=session.pace,
    )
    with account as folder:
        folder.listen(partial(_print, clock, session.as_json))
        venue, over = _venue(session, folder, clock)
        async with composed(wish, folder, venue, clock, noted=session.noted) as (bot, control):
            end = asyncio.create_task(_stop_after(over, control))
            try:
                async with _company(session, folder, bot, clock):
                    _keep_for_good()
                    await bot.run()
            finally:
                end.cancel()


def _keep_for_good() -> None:
    """What is there when trading begins stays to the end: to look it through for garbage takes tenths of a second."""
    gc.collect()
    gc.freeze()


def _company(session: Session, folder: AccountFolder, bot: Bot, clock: Clock) -> AbstractAsyncContextManager[object]:
    """Whom the bot tells and who watches it; nobody where it only plays a tape."""
    if session.bars is not None:
        return nullcontext()
    return accompanied(
        BotSides(
            account=folder.name,
            settings=session.settings,
            interval_ms=session.bundle.deployment.interval_ms,
            flags=bot.flags,
            clock=clock,
            tell=folder.tell,
            listen=folder.listen,
            status=bot.status.values,
            command=bot.command,
            scrub=folder.scrub,
        )
    )


def _venue(
    session: Session, folder: AccountFolder, clock: Clock
) -> tuple[Venue, Callable[[], Coroutine[Any, Any, None]] | None]:
    """Where it trades, and what ends when a tape does."""
    bundle, settings = session.bundle, session.settings
    if session.options.live:
        return exchange(bundle.deployment, settings, clock, folder.tell), None
    if session.bars is None:
        return on_paper(market_data(bundle.deployment, settings, clock), bundle, settings, folder), None
    played = tape(session.bars, clock, bundle.deployment)
    return on_paper(played, bundle, settings, folder), played.over


async def _stop_after(over: Callable[[], Coroutine[Any, Any, None]] | None, control: Control) -> None:
    if over is not None:
        await over()
        control.push(Command("stop", by="the tape's end"))


def _asked_for(session: Session) -> list[AskedFor]:
    """What the settings and the tape say that is traded."""
    settings, deployment, found = session.settings, session.bundle.deployment, []
    if settings.venue and not is_same_venue(settings.venue, deployment.venue):
        found.append(AskedFor(f"{SECTION}venue", venue=settings.venue))
    if settings.symbols:
        found.append(AskedFor(f"{SECTION}symbols", symbols=settings.symbols))
    if settings.interval:
        found.append(AskedFor(f"{SECTION}interval", interval_ms=interval_ms(parse_interval(settings.interval))))
    if session.bars is not None:
        from tradsys.core.time import infer_interval

        step = {interval_ms(infer_interval(frame)) for frame in session.bars.values()}
        found += [AskedFor("the tape", symbols=session.bars, interval_ms=one) for one in sorted(step)]
    return found


def _start_ms(session: Session, bars: "Mapping[str, pl.DataFrame]") -> int:
    """Where the tape begins: where the account was left, or else from --from on, as soon as the bundle can decide."""
    bundle, deployment = session.bundle, session.bundle.deployment
    n_bars = bundle.ranks.lookback if isinstance(bundle, RankBundle) else n_bars_needed(bundle.predictor, deployment)
    first_ms = tape_start_ms(bars, n_bars, deployment.interval_ms, from_ms=_from_ms(session.options))
    return max([first_ms, *(at_ms for at_ms, _ in events_of(session.path))])


def _from_ms(options: StartOptions) -> int:
    when = moment(options.tape_from, "--from")
    return 0 if when is None else int(when.timestamp() * 1_000)


def _settings(options: StartOptions) -> TradeSettings:
    from tradsys.cli.loading import overrides

    given = overrides(options.settings, {})
    if others := [key for key in given if not key.startswith(SECTION)]:
        raise ConfigError(
            f"{', '.join(others)} is no setting of section trade; a bundle has its own, and is deployed anew"
        )
    return TradeSettings.load(file=options.config, overrides=given)


def _no_bundle(bundle: Path) -> str:
    near = difflib.get_close_matches(str(bundle), verbs, n=1)
    hint = f"did you mean {near[0]}?" if near else "give a folder that tradsys deploy wrote"
    return f"{bundle} is neither a folder with a bundle nor a verb; {hint}"


def _print(clock: Clock, as_json: bool, kind: str, fields: Mapping[str, Any]) -> None:
    """A line for what happened; whoever reads may be gone, and the order that it tells of is sent all the same."""
    with suppress(OSError):
        _echo(clock, as_json, kind, fields)


def _echo(clock: Clock, as_json: bool, kind: str, fields: Mapping[str, Any]) -> None:
    if as_json:
        typer.echo(printed_json({"at_ms": clock.now_ms(), "kind": kind, **fields}))
    elif (told := line(clock.now_ms(), kind, fields)) is not None:
        typer.echo(told)
