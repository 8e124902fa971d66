"""Whether a bundle may be traded on an account: all that is asked before the first order, and answered by name."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from tradsys.bundle.deployment import Deployment
from tradsys.core.errors import ConfigError, NotProvenError
from tradsys.core.time import format_step, stamp
from tradsys.features.universe_ranks import LEAST
from tradsys.live.risk.entry_checks import ORDERS_PER_ENTRY
from tradsys.live.venue import AccountMode, MarketRules
from tradsys.settings.trade import SECTION, TradeSettings

_AS_GOOD_AS_EQUAL_BPS: Final = 1e-6


@dataclass(frozen=True, slots=True)
class AskedFor:
    """What somebody asks for beside the bundle: of the settings, or what the bars of a tape are; None is anything."""

    where: str
    venue: str | None = None
    symbols: Collection[str] | None = None
    interval_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Cleared:
    """A bundle that may be traded: `unproven` says why it is not proven ("": it is), `notes` what to know beside.

    `reducing` is why nothing is entered on it, while what is open is seen to its end ("": it may enter).
    """

    unproven: str
    notes: tuple[str, ...]
    reducing: str = ""

    def reduced(self, problems: Collection[str], n_open: int) -> "Cleared":
        """The same, seeing only to what is open where there are such problems; a note says so first."""
        if not problems:
            return self
        why = "; ".join((*filter(None, [self.reducing]), *problems))
        said = f"it enters nothing, and sees to the trades that are open ({n_open}): {why}"
        notes = self.notes[1:] if self.reducing else self.notes
        return replace(self, reducing=why, notes=(said, *notes))


def preflight(
    deployment: Deployment,
    mode: AccountMode | None,
    markets: Mapping[str, MarketRules],
    settings: TradeSettings,
    now_ms: int,
    *,
    wanted: Collection[AskedFor] = (),
    takes_unproven: bool = False,
    n_open: int = 0,
    most_held: int = 0,
) -> Cleared:
    """What is known of a bundle that may be traded; a ConfigError that names each field that speaks against it.

    `mode` is what the account and its key are set to, None where there is no account but paper. A bundle that is not
    proven, or whose verdict counted lower fees than this account pays, is a NotProvenError unless `takes_unproven`.
    Where trades are open (`n_open`) what changed by itself, such as time, fees or a market that is gone, is no reason
    to leave them alone: a bot enters nothing then, and sees them to their end. `most_held` is how many positions
    target weights take together, 0 of a bundle that has none: those rank what is there, while that is enough of them.
    """
    gone = tuple(_of_trading(deployment, markets))
    is_enough = most_held > 0 and len(deployment.symbols) - len(gone) >= LEAST
    passed = (*_of_time(deployment, now_ms), *(() if is_enough else gone))
    _refuse(
        *(() if n_open else passed),
        *(problem for one in wanted for problem in _of_wanted(deployment, one)),
        *_of_markets(deployment, markets),
        *_of_spot(deployment, markets),
        *_of_exposure(deployment, settings),
        *_of_weights(deployment, settings, most_held),
        *(() if mode is None else refusals_of(mode)),
    )
    unproven = _why_unproven(deployment, mode)
    if unproven and not takes_unproven:
        if not n_open:
            raise _not_proven(unproven)
        passed = (*passed, unproven)
    notes = (*_notes(deployment, mode, now_ms), *(f"{one}; the others are ranked" for one in gone if is_enough))
    return Cleared(unproven, notes).reduced(passed, n_open)


def check_wanted(deployment: Deployment, wanted: Collection[AskedFor]) -> None:
    """What of `preflight` can be said before a venue is asked: a ConfigError where the bundle is of something else."""
    _refuse(*(problem for one in wanted for problem in _of_wanted(deployment, one)))


def check_proven(deployment: Deployment, *, takes_unproven: bool) -> None:
    """A NotProvenError that an account without open trades can be told before a venue is asked."""
    unproven = _why_unproven(deployment, None)
    if unproven and not takes_unproven:
        raise _not_proven(unproven)


def _not_proven(why: str) -> NotProvenError:
    return NotProvenError(f"{why}; with --unproven it is traded all the same, and every status says so")


def check_confirmed(account: str, confirmed: str, *, is_live: bool) -> None:
    """A ConfigError where only one of the two steps to live trading was taken: `--live`, and the account's name said.

    A confirmation of another account concerns this one in nothing, but is no confirmation of it.
    """
    variable = "TRADSYS_TRADE__CONFIRM"
    if is_live and confirmed != account:
        found = f"it is {confirmed!r}" if confirmed else "it is not set"
        raise ConfigError(
            f"--live trades with money, which takes {variable}={account} in the environment or .env too, and {found}; "
            "without --live it is paper"
        )
    if not is_live and confirmed == account:
        raise ConfigError(
            f"{variable}={account} confirms trading with money, which takes --live too; give both, or neither for paper"
        )


def _refuse(*problems: str) -> None:
    if problems:
        raise ConfigError(f"this is not traded: {'; '.join(problems)}")


def refusals_of(mode: AccountMode) -> Iterator[str]:
    """Why an account or its key is not used as it is set."""
    if mode.can_withdraw:
        yield "can_withdraw: the key may withdraw, and a bot's key must not; make one that may only trade"
    if not mode.can_trade:
        yield "can_trade: the key may not trade; allow it at the venue"
    if mode.is_hedge_mode:
        yield "is_hedge_mode: the account holds long and short side by side (hedge mode), wanted one-way; change it"
    if mode.is_multi_asset:
        yield "is_multi_asset: the account's margin is of several assets, wanted single-asset mode; change it"


def _of_time(deployment: Deployment, now_ms: int) -> Iterator[str]:
    if now_ms >= deployment.expires_ms:
        yield f"expires_ms: the bundle expired at {stamp(deployment.expires_ms)}; deploy a new one (tradsys deploy)"


def _of_wanted(deployment: Deployment, wanted: AskedFor) -> Iterator[str]:
    if wanted.venue is not None and wanted.venue != deployment.venue:
        yield f"venue: {wanted.where} says {wanted.venue}, and the bundle is of {deployment.venue}"
    if wanted.symbols is not None and set(wanted.symbols) != set(deployment.symbols):
        found, own = ", ".join(sorted(wanted.symbols)), ", ".join(sorted(deployment.symbols))
        yield f"symbols: {wanted.where} says {found}, and the bundle is of {own}"
    if wanted.interval_ms is not None and wanted.interval_ms != deployment.interval_ms:
        found, own = format_step(wanted.interval_ms), format_step(deployment.interval_ms)
        yield f"interval_ms: {wanted.where} says bars of {found}, and the bundle is of bars of {own}"


def _of_trading(deployment: Deployment, markets: Mapping[str, MarketRules]) -> Iterator[str]:
    for symbol in deployment.symbols:
        rules = markets.get(symbol)
        if rules is None:
            yield f"symbols: {deployment.venue} has no {symbol}"
        elif not rules.is_trading:
            yield f"symbols: {symbol} is not traded on {deployment.venue} now"


def _of_markets(deployment: Deployment, markets: Mapping[str, MarketRules]) -> Iterator[str]:
    for symbol in deployment.symbols:
        rules = markets.get(symbol)
        if rules is not None and not rules.can_short and "short" in deployment.portfolio.sides:
            yield (
                f"portfolio.sides: the bundle goes short, and {symbol} cannot be sold short on {deployment.venue}; "
                "deploy a run with portfolio.sides=long"
            )


def _of_spot(deployment: Deployment, markets: Mapping[str, MarketRules]) -> Iterator[str]:
    """On a spot market money is of one currency, and nobody lends more of it."""
    if not any(rules.sells_lock for rules in markets.values()):
        return
    quotes = sorted({symbol.partition("/")[2] for symbol in deployment.symbols})
    if len(quotes) > 1:
        yield f"symbols: they are paid in {', '.join(quotes)}, and an account of a spot market is counted in one"
    if deployment.portfolio.cap > 1:
        yield (
            f"portfolio.cap: the bundle holds up to {deployment.portfolio.cap:g} times the equity, and "
            f"{deployment.venue} borrows nothing"
        )


def _of_exposure(deployment: Deployment, settings: TradeSettings) -> Iterator[str]:
    cap = deployment.portfolio.cap
    if settings.leverage < cap:
        yield f"{SECTION}leverage: it is {settings.leverage:g}, and the bundle holds up to {cap:g} times the equity"


def _of_weights(deployment: Deployment, settings: TradeSettings, most_held: int) -> Iterator[str]:
    """Target weights are held all together, or they are another portfolio."""
    if most_held and deployment.is_spot:
        yield f"venue: target weights are traded on perpetuals, and {deployment.venue} is a spot market"
    if settings.max_open_trades < most_held:
        yield (
            f"{SECTION}max_open_trades: it is {settings.max_open_trades}, and the bundle holds up to {most_held} "
            f"positions at once; set it to {most_held}"
        )
    if settings.orders_per_minute < ORDERS_PER_ENTRY * most_held:
        yield (
            f"{SECTION}orders_per_minute: it is {settings.orders_per_minute}, and a choice of {most_held} positions "
            f"takes {ORDERS_PER_ENTRY * most_held} with their stops; set it to that at least"
        )


def _why_unproven(deployment: Deployment, mode: AccountMode | None) -> str:
    verdict = deployment.verdict
    if not verdict.is_proven:
        return f"verdict: {verdict.profile} is {verdict.verdict} ({verdict.sentence})"
    if mode is None:
        return ""
    costs = deployment.costs
    for name, paid, counted in (
        ("taker_bps", mode.taker_bps, costs.taker_bps),
        ("maker_bps", mode.maker_bps, costs.maker_bps),
    ):
        if paid > counted + _AS_GOOD_AS_EQUAL_BPS:
            return f"costs.{name}: this account pays {paid:g} bps, and the verdict counted {counted:g}"
    return ""


def _notes(deployment: Deployment, mode: AccountMode | None, now_ms: int) -> Iterator[str]:
    if deployment.trained_to_ms > now_ms:
        yield (
            f"the bundle was trained on bars up to {stamp(deployment.trained_to_ms)}, and it is {stamp(now_ms)}: it "
            "has seen what is to come, and what it earns says nothing"
        )
    if mode is None:
        return
    costs, paid = deployment.costs, f"{mode.taker_bps:g} (taker) and {mode.maker_bps:g} (maker) bps"
    if (mode.taker_bps, mode.maker_bps) != (costs.taker_bps, costs.maker_bps):
        yield f"this account pays {paid}, the bundle counted {costs.taker_bps:g} and {costs.maker_bps:g}"
