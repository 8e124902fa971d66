"""Runs shown to MLflow: each written once, its verdict kept current, and aliases where the journal seats its runs.

Folders and the journal are the source of truth, and MLflow a view of them: nothing is read back from it but what it
holds already.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from tradsys.core.errors import LedgerError, SourceError, TradsysError
from tradsys.journal.book import MarketBook, read_book
from tradsys.journal.ledger import Ledger
from tradsys.neighbours.mlflow_server import MlflowServer
from tradsys.neighbours.seats import ALIASES, RunFacts, seats
from tradsys.neighbours.tracked_run import as_tracked
from tradsys.research.judging.rejudge import Replay, rejudge

if TYPE_CHECKING:
    from mlflow.entities import Run

JUDGED_AGAINST: Final = "judged_against"
"""Tag with the digest of all trials that the verdict as of now counts."""

VERDICT_NOW: Final = "verdict_now."
_LONGEST: Final = 200


@dataclass(slots=True)
class TrackingResult:
    """What was done: names of the runs that were written, were known, got another verdict, or could not be read.

    `moved` has the aliases that were set anew, as `model@alias`, and whom they name, nobody where they were taken
    away; `unseated` are champions of which MLflow holds no run.
    """

    written: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    rejudged: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    unseated: dict[str, str] = field(default_factory=dict)


def track(
    runs: Sequence[Replay],
    ledger: Ledger,
    server: MlflowServer,
    *,
    experiment: str | None = None,
    with_bundle: bool = True,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> TrackingResult:
    """Write what the server lacks of these runs, and let its aliases agree with the journal.

    `experiment` is one for all of them; otherwise each market has its own, of the name of its registered model. Where
    the journal lacks a run's trials there is no verdict as of now, and those tags are left out.
    """
    result = TrackingResult()
    there: dict[str, dict[str, Run]] = {}
    for done, run in enumerate(runs, 1):
        try:
            place = experiment or market_name(run.manifest.market)
            if place not in there:
                there[place] = server.runs_in(place)
            _track_one(run, ledger, server, place, there[place], result, with_bundle=with_bundle)
        except SourceError:
            raise  # the server is gone for all of them
        except TradsysError as error:
            result.failed[run.name] = str(error)
        progress("tracked", done, len(runs))
    everyone = {run.data.tags["tradsys_run"]: run for held in there.values() for run in held.values()}
    for market in read_book(ledger):
        _seat(market, server, everyone, result)
    return result


def market_name(market: str) -> str:
    """What experiments and registered models of a market are called; MLflow takes neither slash nor colon.

    >>> market_name("BTC/USDT 1h")
    'tradsys BTC-USDT 1h'
    """
    name = "tradsys " + re.sub(r"[/:%'\"]", "-", market)
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 9]} {sha256(name.encode()).hexdigest()[:8]}"


def _track_one(
    run: Replay,
    ledger: Ledger,
    server: MlflowServer,
    place: str,
    there: dict[str, "Run"],
    result: TrackingResult,
    *,
    with_bundle: bool,
) -> None:
    told = as_tracked(run)
    known = there.get(told.digest)
    now = _verdicts_now(run, ledger, {} if known is None else known.data.tags)
    if known is None:
        there[told.digest] = server.write(replace(told, tags={**told.tags, **now}), place, with_bundle=with_bundle)
        result.written.append(run.name)
        return
    result.known.append(run.name)
    if server.retag(known, now):
        result.rejudged.append(run.name)


def _verdicts_now(run: Replay, ledger: Ledger, tags: Mapping[str, str]) -> dict[str, str]:
    """The verdicts against all that the journal holds today, as tags; none where it holds what these tags counted."""
    head = ledger.head_for(run.manifest.blocks)
    if tags.get(JUDGED_AGAINST) == head:
        return {}
    try:
        now = rejudge(run, ledger).now
    except LedgerError:
        return {}
    return {JUDGED_AGAINST: head, **{VERDICT_NOW + name: one.standing for name, one in now.profiles.items()}}


def _seat(market: MarketBook, server: MlflowServer, runs: Mapping[str, "Run"], result: TrackingResult) -> None:
    facts = {
        name: RunFacts(run.data.tags["configuration"], run.data.tags["deployed"])
        for name, run in runs.items()
        if any(idea.name == name for idea in market.ideas)
    }
    if not facts:
        return
    model, taken = market_name(market.name), {one.alias: one for one in seats(market, facts)}
    for alias in ALIASES:
        seat = taken.get(alias)
        if seat is None:
            if server.vacate(model, alias):
                result.moved[f"{model}@{alias}"] = ""
        elif seat.run not in runs:
            result.unseated[f"{model}@{alias}"] = seat.run
        elif server.seat(model, alias, runs[seat.run], seat.profile, seat.why):
            name = runs[seat.run].data.tags.get("mlflow.runName", seat.run)
            result.moved[f"{model}@{alias}"] = f"{seat.profile} of {name}"
