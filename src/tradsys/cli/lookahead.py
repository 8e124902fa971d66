"""`tradsys lookahead`: everything that a run computes, computed again without the future."""

from typing import Annotated

import typer

from tradsys.cli.options import Agent, Bars, CommonOptions, OutsideOptions, Processes, ReadingOptions, Seed, spread
from tradsys.cli.printed_json import printed_json

SAW_THE_FUTURE = 1
"""Exit code where anything changed."""


@spread
def command(
    bars: Bars = ["sample"],  # noqa: B006  # typer reads the default and never changes it
    reading: ReadingOptions = ReadingOptions(),
    agent: Agent = None,
    points: Annotated[int, typer.Option(help="Random times at which the future is taken away.", min=1)] = 20,
    outside: OutsideOptions = OutsideOptions(),
    rank: Annotated[bool, typer.Option("--rank", help="Check what tradsys rank computes instead.")] = False,
    processes: Processes = None,
    seed: Seed = None,
    common: CommonOptions = CommonOptions(),
) -> int:
    """Recompute a run on bars cut at random times and on a future replaced by noise: any change is an error.

    Features, scales, labels, regimes, forecasts, decisions, fits and fills are compared bit for bit (probabilities to
    1e-6), and each difference names its column, the first row and how many bars ahead it saw. Ranks and the universe
    are made again as if nobody listed later. Nothing is judged, so that the ledger has nothing to count.
    """
    from tradsys.cli.loading import Needs, configured_work, load, overrides
    from tradsys.cli.progress import in_brief, reporter
    from tradsys.cli.rank import rank_work
    from tradsys.research.procedures.experiment import ExperimentProcedure
    from tradsys.research.procedures.ranks import RankProcedure

    given = {"seed": seed, "agent.name": agent, "plugins": common.plugin, "machine.processes": processes}
    given |= outside.overrides
    work = rank_work if rank else configured_work
    needs = Needs("lookahead")
    loaded = load(
        reading.of(bars), overrides(common.settings, given), needs=needs, file=common.config, work=work, ranks=rank
    )
    n_processes = loaded.n_processes
    plan = loaded.plan.shared(n_processes)
    config = loaded.config if rank else loaded.config.with_settings({"folds.path_groups": 0})  # nobody looks at paths
    procedure = (RankProcedure if rank else ExperimentProcedure).of(loaded.market, config, plan)
    stamps = procedure.check_stamps(loaded.market)
    job = f"lookahead on {in_brief(loaded.market.symbols)}"
    with loaded.working() as executor, reporter(quiet=common.as_json, job=job) as progress:
        looked = procedure.simulate(loaded.market, progress, executor).look_ahead(points, progress)
    lines = [looked.sentence, *(f"  {finding.sentence}" for finding in looked.findings), *stamps.lines]
    content = looked.to_dict() | {"alignment": stamps.to_dict()}
    typer.echo(printed_json(content, indent=1) if common.as_json else "\n".join(lines))
    return SAW_THE_FUTURE if looked.findings else 0
