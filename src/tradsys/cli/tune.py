"""`tradsys tune`: which settings forecast best inside training parts, and whether that is more than luck."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tradsys.cli.loading import run_work
from tradsys.cli.options import Agent, Bars, CommonOptions, OutsideOptions, ReadingOptions, Seed, spread
from tradsys.cli.printed_json import printed_json
from tradsys.machine.plan import Work


def tune_work(n_rows: int, *, has_network: bool) -> Work:
    """One process of `tradsys tune` on this many bars before the lock-box."""
    return replace(run_work(n_rows, has_network=has_network), name=f"tuning on {n_rows:,} bars, in each process,")


@spread
def command(
    bars: Bars = ["sample"],  # noqa: B006  # typer reads the default and never changes it
    reading: ReadingOptions = ReadingOptions(),
    over: Annotated[
        list[str] | None,
        typer.Option(help="Setting to tune, e.g. labels.horizon, labels.horizon=6:48 or agent.name=logistic,xgboost."),
    ] = None,
    agent: Agent = None,
    trials: Annotated[int, typer.Option(help="Trials of the study in all.", min=1)] = 50,
    batch: Annotated[int, typer.Option(help="Trials scored side by side.", min=1)] = 4,
    seeds: Annotated[int, typer.Option(help="Seeds of every trial; their spread counts against it.", min=1)] = 2,
    time_limit: Annotated[float | None, typer.Option(help="Minutes after which no batch begins.", min=0)] = None,
    measure: Annotated[
        str | None, typer.Option(help="skill or growth (after costs); unless given, growth where barriers are tuned.")
    ] = None,
    study: Annotated[
        str | None, typer.Option(help="Name of the study; unless given, made from what it is about.")
    ] = None,
    zoom_in: Annotated[
        str | None, typer.Option("--zoom-in", help="Name of a finished study around whose best region to go on.")
    ] = None,
    storage: Annotated[
        str | None, typer.Option(help="postgresql://... or grpc://HOST:PORT for several hosts; otherwise a file.")
    ] = None,
    processes: Annotated[int | None, typer.Option(help="Processes; otherwise one a core.", min=1)] = None,
    outside: OutsideOptions = OutsideOptions(),
    seed: Seed = None,
    journal: Annotated[Path, typer.Option(help="Folder of the ledger and the studies.")] = Path("journal"),
    common: CommonOptions = CommonOptions(),
) -> int:
    """Search settings by their out-of-fold score inside the first training part, less its instability.

    No outer test block is looked at, so that a run on the same data counts no trial for it. What --set fixes is not
    searched; --agent all chooses among the agents. Stopped or killed, the same command goes on where it was. The best
    settings go to golden.toml, for tradsys run --config; where none beats those that the study began with beyond luck,
    these are the golden ones.
    """
    from tradsys.cli.loading import Needs, load, overrides, side_by_side
    from tradsys.cli.progress import reporter
    from tradsys.journal.ledger import Ledger
    from tradsys.research.tuning.space import may_be_network, requested_space
    from tradsys.research.tuning.tune import StudyBudget, tune
    from tradsys.settings.config import RunConfig

    given = overrides(
        common.settings, {"seed": seed, "agent.name": agent, "plugins": common.plugin, **outside.overrides}
    )
    base, space = requested_space(RunConfig.load(file=common.config, overrides=given), over or [], fixed=list(given))

    def work(begun: RunConfig, n_rows: int) -> Work:
        return tune_work(n_rows, has_network=may_be_network(space, begun))

    needs = Needs("tune", ("optuna",))
    loaded = load(reading.of(bars), given, needs=needs, file=common.config, work=work, config=base)
    market, plan = loaded.market, loaded.plan
    if not common.as_json:
        typer.echo(loaded.plan_text)
    budget = StudyBudget(
        n_trials=trials,
        batch=batch,
        n_seeds=seeds,
        n_processes=side_by_side(plan, work(base, len(market.bars)), processes),
        plan=plan,
        time_limit_s=None if time_limit is None else 60 * time_limit,
    )
    with reporter(quiet=common.as_json) as progress:
        tuned = tune(
            market,
            base,
            space,
            ledger=Ledger(journal / "ledger.jsonl"),
            budget=budget,
            measure=measure,
            study=study,
            zoom_in=zoom_in,
            storage=storage,
            progress=progress,
        )
    typer.echo(printed_json(tuned.to_dict(), indent=1) if common.as_json else tuned.text)
    return 0
