"""`tradsys train`: one agent and objective fitted on all but the lock-box, written as a bundle."""

from pathlib import Path
from typing import Annotated, Any

import typer

from tradsys.cli.options import Bars, CommonOptions, OutsideOptions, ReadingOptions, Seed, spread
from tradsys.cli.printed_json import printed_json


@spread
def command(
    bars: Bars = ["sample"],  # noqa: B006  # typer reads the default and never changes it
    reading: ReadingOptions = ReadingOptions(),
    agent: Annotated[
        str, typer.Option(help="logistic, transformer, resnet, volatility, xgboost, symmetric or ensemble.")
    ] = "logistic",
    objective: Annotated[str | None, typer.Option(help="What a network is trained on: bce, focal or supcon.")] = None,
    profile: Annotated[str | None, typer.Option(help="Profile to deploy; otherwise STRATEGY_PROFILE.")] = None,
    outside: OutsideOptions = OutsideOptions(),
    seed: Seed = None,
    out: Annotated[Path, typer.Option(help="Folder for the bundle; it must hold none yet.")] = Path("trained"),
    journal: Annotated[Path, typer.Option(help="Folder of the ledger of everything tried.")] = Path("journal"),
    common: CommonOptions = CommonOptions(),
) -> int:
    """Fit one agent on all but the lock-box, say what its forecasts were worth, and write a bundle that decides."""
    from dataclasses import asdict

    from tradsys.cli.loading import Needs, configured_work, load, overrides
    from tradsys.cli.progress import in_brief, reporter
    from tradsys.journal.ledger import Ledger
    from tradsys.research.train import train_bundle
    from tradsys.research.walk.experiment_spec import experiment_on

    given: dict[str, Any] = {
        "seed": seed,
        "agent.name": agent,
        "agent.objective": objective,
        "strategy_profile": profile,
        "plugins": common.plugin,
    }
    given |= outside.overrides
    needs = Needs("train")
    loaded = load(
        reading.of(bars), overrides(common.settings, given), needs=needs, file=common.config, work=configured_work
    )
    market, plan = loaded.market, loaded.plan
    if not common.as_json:
        typer.echo(f"{loaded.deployed_text}\n{loaded.plan_text}")
    spec = experiment_on(market, loaded.config, plan)
    with reporter(quiet=common.as_json, job=f"train {agent} on {in_brief(market.symbols)}") as progress:
        trained = train_bundle(
            market,
            spec,
            out,
            Ledger(journal / "ledger.jsonl"),
            progress,
            allow_lead=loaded.config.alignment.allow_lead,
        )
    typer.echo(printed_json(asdict(trained)) if common.as_json else _text(asdict(trained)))
    return 0


def _text(trained: dict[str, Any]) -> str:
    baselines = {"over_base": "base rate", "over_volatility": "volatility only", "over_logistic": "logistic"}
    gains = [
        f"  over the {name}: {_gain(trained['skill'][key])}"
        for key, name in baselines.items()
        if trained["skill"].get(key)
    ]
    ended = [f"  training: {trained['training']}"] if trained["training"] else []
    head = f"{trained['agent']}, fitted on {trained['n_train']:,} labels; out of fold it gained, in millinats,"
    k = trained["n_trials"]
    counted = f"  the ledger counts this look as a trial: {k:,} {'is' if k == 1 else 'are'} on these test blocks now"
    stamps = [f"  {line}" for line in trained["stamps"]]
    shown = [*gains, *ended, counted, _decider(trained), *stamps, f"  bundle: {trained['bundle']}"]
    return "\n".join(["", head, *shown])


def _decider(trained: dict[str, Any]) -> str:
    """Which profile the bundle deploys and who decides in it: a network, or what is left where none was kept."""
    agent = trained["agent"]
    who = {
        None: f"{agent} decides in the bundle",
        True: f"{agent} decides in the bundle, with its network",
        False: f"the bundle holds no network: what decides as {agent} is the linear model alone (see training)",
    }[trained["has_network"]]
    return f"  {trained['profile']} is deployed; {who}"


def _gain(one: dict[str, Any]) -> str:
    if one["low"] is None:
        return f"{one['value']:+.2f}, of too few labels for an interval (n = {one['n']:,})"
    return f"{one['value']:+.2f} [{one['low']:+.2f}, {one['high']:+.2f}], n = {one['n']:,}"
