"""`tradsys compare`: the profiles of a run side by side, or the research journal's claims run again."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tradsys.cli.loading import run_work
from tradsys.cli.options import Bars, CommonOptions, OutsideOptions, ReadingOptions, spread
from tradsys.cli.printed_json import printed_json
from tradsys.machine.plan import Work

if TYPE_CHECKING:
    from tradsys.cli.loading import Loaded
    from tradsys.research.claims.variants import Agents
    from tradsys.research.parts.part import Part
    from tradsys.settings.config import RunConfig

RunName = Annotated[str, typer.Option("--run", help="Name of a run, the beginning of one, or last.")]
Runs = Annotated[Path, typer.Option("--runs", help="Folder that holds the runs.")]


_SEED: Final = 120 * 10**6
"""A seed more of the journal's largest network trained side by side; two of them took 230 MB beyond a run's."""


def claims_work(n_rows: int, n_seeds: int) -> Work:
    """`tradsys compare --objectives` on this many bars, so many seeds trained side by side."""
    n_bytes = run_work(n_rows, has_network=True).n_bytes + n_seeds * _SEED
    name = f"comparing objectives on {n_rows:,} bars, {n_seeds} seeds at once,"
    return Work(name, n_bytes, "take fewer bars, or a smaller --group", trains_network=True)


@dataclass(frozen=True, slots=True)
class ClaimsOptions:
    """How far --objectives goes, and where its results go."""

    seeds: Annotated[int, typer.Option(help="With --objectives: seeds of each.", min=1)] = 10
    folds: Annotated[int | None, typer.Option(help="With --objectives: test blocks.", min=1)] = None
    minutes: Annotated[
        float | None, typer.Option(help="With --objectives: begin nothing new after so long; the next call goes on.")
    ] = None
    group: Annotated[int, typer.Option(help="With --objectives: seeds trained side by side.", min=1)] = 2
    part: Annotated[
        str | None,
        typer.Option(help="With --objectives: K/N, fit part K of N alone, on any machine; tradsys merge joins them."),
    ] = None
    out: Annotated[Path, typer.Option(help="With --objectives: folder of what was computed.")] = Path("claims")
    quick: Annotated[bool, typer.Option("--quick", help="With --objectives: toy networks, to see that it works.")] = (
        False
    )
    publish: Annotated[
        Path | None, typer.Option(help="With --objectives: root of the source tree whose page is to be written.")
    ] = None


@spread
def command(
    context: typer.Context,
    run: RunName = "last",
    runs: Runs = Path("runs"),
    journal: Annotated[Path, typer.Option(help="Folder of the ledger.")] = Path("journal"),
    as_stored: Annotated[
        bool, typer.Option("--as-stored", help="The verdict as it was when the run ended; reads no ledger.")
    ] = False,
    objectives: Annotated[
        bool, typer.Option("--objectives", help="Compare objectives, shapes and profiles on --bars, with many seeds.")
    ] = False,
    bars: Bars = ["sample"],  # noqa: B006  # typer reads the default and never changes it
    reading: ReadingOptions = ReadingOptions(),
    claims: ClaimsOptions = ClaimsOptions(),
    outside: OutsideOptions = OutsideOptions(),
    common: CommonOptions = CommonOptions(),
) -> int:
    """Verdicts and metrics of every profile of a run, as of now: where the ledger has grown, judged again.

    With --objectives: the research journal's claims on real bars, with intervals and a model confidence set.
    """
    if objectives:
        return _objectives(context, reading.of(bars), claims, outside, common, journal)
    _refuse_unread(
        bars=bars != ["sample"],
        reading=reading != ReadingOptions(),
        claims=claims != ClaimsOptions(),
        outside=outside != OutsideOptions(),
        settings=bool(common.settings),
    )
    from tradsys.cli.loading import load_own_parts, replayable
    from tradsys.cli.summary import decided_lines, profiles_table, unjudged_lines
    from tradsys.journal.ledger import Ledger
    from tradsys.research.judging.rejudge import Rejudged, Replay, rejudge
    from tradsys.research.judging.run_folders import count_run_folders

    load_own_parts(common.plugin, common.config)
    stored = Replay.find(runs, run)
    if as_stored:
        judged = Rejudged(stored.verdict, stored.verdict)
    else:
        ledger = Ledger(journal / "ledger.jsonl")
        count_run_folders(runs, ledger)
        judged = rejudge(replayable(stored), ledger)
    if common.as_json:
        metrics = stored.metrics.to_json()
        shown = {
            "run": stored.name,
            "ledger_has_grown": judged.has_grown,
            "lapsed": judged.lapsed,
            "verdict": judged.now.to_json(),
            "verdict_then": judged.then.to_json(),
            "metrics": metrics["profiles"],
            "chosen": metrics.get("chosen"),
            "paths": metrics.get("paths"),
        }
        typer.echo(printed_json(shown, indent=1))
        return 0
    changes = [f"  {sentence}" for sentence in judged.sentences]
    table = [stored.name, *profiles_table(judged.now, stored.metrics)]
    parts = (table, decided_lines(stored), unjudged_lines(stored.metrics), changes)
    typer.echo("\n\n".join("\n".join(part) for part in parts if part))
    return 0


def _refuse_unread(**is_given: bool) -> None:
    """A ConfigError for options of --objectives where a stored run is compared, which they would not change."""
    from tradsys.core.errors import ConfigError

    names = {
        "bars": "--bars",
        "reading": "--tz, --symbol or --columns",
        "claims": "--seeds, --folds and the like",
        "outside": "--macro, --book, --positions or --funding",
        "settings": "--set",
    }
    found = [names[name] for name, given in is_given.items() if given]
    if found:
        raise ConfigError(
            f"compare takes a stored run as it is, found {', '.join(found)}; add --objectives to compare objectives on "
            "bars, or leave them out"
        )


def _objectives(
    context: typer.Context,
    bars: list[str],
    claims: ClaimsOptions,
    outside: OutsideOptions,
    common: CommonOptions,
    journal: Path,
) -> int:
    from datetime import UTC, datetime

    from tradsys.cli.loading import Needs, load, overrides
    from tradsys.cli.progress import in_brief, reporter
    from tradsys.core.errors import ConfigError
    from tradsys.journal.ledger import Ledger
    from tradsys.research.parts.part import Part

    part = Part.of(claims.part) if claims.part else None
    if part and claims.publish:
        raise ConfigError("a part is no whole to be published, found --part and --publish; publish after tradsys merge")
    given = overrides(common.settings, {"folds.n_folds": claims.folds, "plugins": common.plugin, **outside.overrides})

    def work(_: "RunConfig", n_rows: int) -> Work:
        return claims_work(n_rows, min(claims.group, claims.seeds))

    needs = Needs("compare --objectives", option="")
    loaded = load(bars, given, needs=needs, file=common.config, work=work)

    # these import torch
    from tradsys.research.claims.page import publish, render
    from tradsys.research.claims.run import run_claims
    from tradsys.research.claims.variants import journal_agents, quick_agents

    if not common.as_json:
        typer.echo(loaded.plan_text)
    agents = quick_agents() if claims.quick else journal_agents()
    if part:
        return _fit_part(context, part, loaded, agents, claims, as_json=common.as_json)
    job = f"claims on {in_brief(loaded.market.symbols)}"
    with reporter(quiet=common.as_json, job=job) as progress:
        results = run_claims(
            loaded.market,
            loaded.config,
            agents,
            root=claims.out,
            ledger=Ledger(journal / "ledger.jsonl"),
            seeds=claims.seeds,
            group=claims.group,
            minutes=claims.minutes,
            plan=loaded.plan,
            is_quick=claims.quick,
            progress=progress,
        )
    if claims.publish is not None:
        publish(results, claims.publish, today=datetime.now(UTC).date())
    typer.echo(printed_json(results, indent=1) if common.as_json else render(results))
    return 0


def _fit_part(
    context: typer.Context,
    part: "Part",
    loaded: "Loaded",
    agents: "Agents",
    claims: ClaimsOptions,
    *,
    as_json: bool,
) -> int:
    from tradsys.cli.progress import in_brief, reporter
    from tradsys.cli.typed import typed
    from tradsys.research.claims.parts import fit_part
    from tradsys.research.parts.stated import TypedCommand

    command = typed(context, without=("part", "out", "minutes", "as_json"))
    job = f"part {part} of the claims on {in_brief(loaded.market.symbols)}"
    with reporter(quiet=as_json, job=job) as progress:
        n_there, n_own = fit_part(
            loaded.market,
            loaded.config,
            agents,
            part=part,
            typed=TypedCommand(command, str(claims.out)),
            seeds=claims.seeds,
            group=claims.group,
            minutes=claims.minutes,
            plan=loaded.plan,
            progress=progress,
        )
    if as_json:
        typer.echo(
            printed_json({"part": str(part), "n_fits": n_there, "of": n_own, "folder": str(claims.out)}, indent=1)
        )
        return 0
    rest = (
        f"when the other parts are done too: tradsys merge {claims.out} and their folders"
        if n_there == n_own
        else "the same command goes on"
    )
    typer.echo(f"part {part}: {n_there} of its {n_own} fits are in {claims.out}; {rest}")
    return 0
