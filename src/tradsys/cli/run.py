"""`tradsys run`: the main job, from bars to a verdict, a report and a bundle; and what `tradsys rank` does alike."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradsys.cli.options import (
    Agent,
    Bars,
    Book,
    Config,
    Funding,
    HypothesisName,
    Journal,
    Json,
    Macro,
    OpenLockbox,
    Out,
    Positions,
    RequireProven,
    Seed,
    Settings,
)

if TYPE_CHECKING:
    from tradsys.cli.loading import Loaded
    from tradsys.data.market import Market
    from tradsys.journal.ledger import Ledger
    from tradsys.machine.plan import Plan
    from tradsys.research.procedures.procedure import Procedure
    from tradsys.settings.config import RunConfig


UNPROVEN = 4
"""Exit code under --require-proven where the deployed profile is not proven."""


def command(
    bars: Bars = ["sample"],  # noqa: B006  # typer reads the default and never changes it
    agent: Agent = None,
    objective: Annotated[str | None, typer.Option(help="What a network is trained on: bce, focal or supcon.")] = None,
    horizon: Annotated[int | None, typer.Option(help="Bars until a trade is closed by time.", min=1)] = None,
    profile: Annotated[str | None, typer.Option(help="Profile to deploy; otherwise STRATEGY_PROFILE.")] = None,
    macro: Macro = None,
    book: Book = None,
    positions: Positions = None,
    funding: Funding = None,
    seed: Seed = None,
    out: Out = Path("runs"),
    journal: Journal = Path("journal"),
    config: Config = None,
    settings: Settings = None,
    open_lockbox: OpenLockbox = False,
    hypothesis: HypothesisName = "",
    require_proven: RequireProven = False,
    as_json: Json = False,
) -> int:
    """From bars to a verdict: features, labels, folds, agents, profiles, simulated trades, report, bundle."""
    from tradsys.cli.loading import Needs, configured_work, load, market_text, outside_bars, overrides
    from tradsys.journal.ledger import Ledger
    from tradsys.research.procedures.experiment import ExperimentProcedure

    given = {
        "seed": seed,
        "agent.name": agent,
        "agent.objective": objective,
        "labels.horizon": horizon,
        "strategy_profile": profile,
        **outside_bars(macro, book, positions, funding),
    }
    ledger = Ledger(journal / "ledger.jsonl")
    needs = Needs("run", ("hmmlearn", "jinja2"))
    loaded = load(bars, overrides(settings or [], given), needs=needs, file=config, work=configured_work)
    if not as_json:
        typer.echo(f"{market_text(loaded.market)}\n{loaded.plan.sentence}")
    return carry_out(
        ExperimentProcedure.of,
        loaded,
        out=out,
        ledger=ledger,
        open_lockbox=open_lockbox,
        hypothesis=hypothesis,
        require_proven=require_proven,
        as_json=as_json,
    )


def carry_out(
    procedure: "Callable[[Market, RunConfig, Plan | None], Procedure]",
    loaded: "Loaded",
    *,
    out: Path,
    ledger: "Ledger",
    open_lockbox: bool,
    hypothesis: str,
    require_proven: bool,
    as_json: bool,
) -> int:
    """Run it and print its verdict; the exit code is that of the command."""
    from tradsys.cli.progress import reporter
    from tradsys.cli.summary import summary
    from tradsys.report import render
    from tradsys.research.run import run

    with reporter(quiet=as_json) as progress:
        stored = run(
            loaded.market,
            loaded.config,
            procedure=procedure,
            root=out,
            ledger=ledger,
            open_the_lockbox=open_lockbox,
            hypothesis=hypothesis,
            plan=loaded.plan,
            progress=progress,
            render=render,
        )
    if as_json:
        shown = {"run": str(stored.folder), "verdict": stored.verdict.to_json(), "report": str(stored.report)}
        typer.echo(json.dumps(shown, indent=1))
    else:
        typer.echo(f"{summary(stored)}\n  report: {stored.report}")
    return UNPROVEN if require_proven and not stored.is_proven else 0
