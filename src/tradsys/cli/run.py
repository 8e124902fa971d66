"""`tradsys run`: the main job, from bars to a verdict, a report and a bundle."""

from pathlib import Path
from typing import Annotated

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
    from tradsys.cli.extras import Needs
    from tradsys.cli.loading import configured_work, load, market_text, outside_bars, overrides
    from tradsys.cli.running import carry_out
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
