"""`tradsys train`: one agent and objective fitted on all but the lock-box, written as a bundle."""

from pathlib import Path
from typing import Annotated, Any

import typer

from tradsys.cli.options import Bars, Book, Config, Flow, Funding, Json, Macro, Seed, Settings


def command(
    bars: Bars = ["sample"],  # noqa: B006  # typer reads the default and never changes it
    agent: Annotated[
        str, typer.Option(help="transformer, resnet, volatility, xgboost, symmetric, ensemble or logistic.")
    ] = "transformer",
    objective: Annotated[str | None, typer.Option(help="What a network is trained on: bce, focal or supcon.")] = None,
    profile: Annotated[str | None, typer.Option(help="Profile to deploy; otherwise STRATEGY_PROFILE.")] = None,
    macro: Macro = None,
    book: Book = None,
    flow: Flow = None,
    funding: Funding = None,
    seed: Seed = None,
    out: Annotated[Path, typer.Option(help="Folder for the bundle; it must hold none yet.")] = Path("trained"),
    journal: Annotated[Path, typer.Option(help="Folder of the ledger of everything tried.")] = Path("journal"),
    config: Config = None,
    settings: Settings = None,
    as_json: Json = False,
) -> int:
    """Fit one agent on all but the lock-box, say what its forecasts were worth, and write a bundle that decides."""
    import json
    from dataclasses import asdict

    from tradsys.cli.machine import planned
    from tradsys.cli.overrides import beside_bars, overrides
    from tradsys.cli.progress import reporter
    from tradsys.data.settings import DataSettings
    from tradsys.journal.ledger import Ledger
    from tradsys.research.train import train_bundle
    from tradsys.research.walk.spec import experiment_on
    from tradsys.settings.config import RunConfig
    from tradsys.settings.markets import configured_market

    given = {"seed": seed, "agent.name": agent, "agent.objective": objective, "strategy_profile": profile}
    outside = beside_bars(macro, book, flow, funding)
    chosen = overrides(settings or [], given | outside)
    settled = RunConfig.load(file=config, overrides=chosen)
    market = configured_market(bars, settled, DataSettings.load(file=config, overrides=chosen))
    plan = planned(settled, n_rows=len(market.bars))
    if not as_json:
        typer.echo(plan.sentence)
    spec = experiment_on(market, settled, plan)
    with reporter(quiet=as_json) as progress:
        trained = train_bundle(market, spec, out, Ledger(journal / "ledger.jsonl"), progress)
    typer.echo(json.dumps(asdict(trained), default=str) if as_json else _text(asdict(trained)))
    return 0


def _text(trained: dict[str, Any]) -> str:
    said = {"over_base": "base rate", "over_volatility": "volatility only", "over_logistic": "logistic"}
    gains = [
        f"  over the {name}: {_gain(trained['skill'][key])}" for key, name in said.items() if trained["skill"].get(key)
    ]
    ended = [f"  training: {trained['training']}"] if trained["training"] else []
    head = f"{trained['agent']}, fitted on {trained['n_train']:,} labels; out of fold it gained, in millinats,"
    return "\n".join(["", head, *gains, *ended, f"  bundle: {trained['bundle']}"])


def _gain(one: dict[str, Any]) -> str:
    if one["low"] is None:
        return f"{one['value']:+.2f}, of too few labels for an interval (n = {one['n']:,})"
    return f"{one['value']:+.2f} [{one['low']:+.2f}, {one['high']:+.2f}], n = {one['n']:,}"
