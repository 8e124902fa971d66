"""`tradsys lookahead`: everything that a run computes, computed again without the future."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from tradsys.cli.options import Agent, Bars, Book, Config, Flow, Funding, Json, Macro, Seed, Settings

if TYPE_CHECKING:
    from tradsys.data.market import Market
    from tradsys.research.lookahead.findings import Lookahead
    from tradsys.research.walk.experiment import Progress
    from tradsys.settings.config import RunConfig

SAW_THE_FUTURE = 1
"""Exit code where anything changed."""


def command(
    bars: Bars = ["sample"],  # noqa: B006  # typer reads the default and never changes it
    agent: Agent = None,
    points: Annotated[int, typer.Option(help="Random times at which the future is taken away.", min=1)] = 20,
    macro: Macro = None,
    book: Book = None,
    flow: Flow = None,
    funding: Funding = None,
    rank: Annotated[bool, typer.Option("--rank", help="Check what tradsys rank computes instead.")] = False,
    seed: Seed = None,
    config: Config = None,
    settings: Settings = None,
    as_json: Json = False,
) -> int:
    """Recompute a run on bars cut at random times and on a future replaced by noise: any change is an error.

    Features, scales, labels, regimes, forecasts, decisions, fits and fills are compared bit for bit (probabilities to
    1e-6), and each difference names its column, the first row and how many bars ahead it saw. Ranks and the universe
    are made again as if nobody listed later. Nothing is judged, so that the ledger has nothing to count.
    """
    from tradsys.cli.overrides import beside_bars, overrides
    from tradsys.cli.progress import reporter
    from tradsys.data.settings import DataSettings
    from tradsys.settings.config import RunConfig
    from tradsys.settings.markets import configured_market

    outside = beside_bars(macro, book, flow, funding)
    given = {"seed": seed, "agent.name": agent, **outside}
    chosen = overrides(settings or [], given)
    settled = RunConfig.load(file=config, overrides=chosen)
    market = configured_market(bars, settled, DataSettings.load(file=config, overrides=chosen))
    with reporter(quiet=as_json) as progress:
        looked = _of_ranks(market, settled, points) if rank else _of_run(market, settled, points, progress)
    lines = [looked.sentence, *(f"  {finding.sentence}" for finding in looked.findings)]
    typer.echo(json.dumps(looked.to_dict(), indent=1) if as_json else "\n".join(lines))
    return SAW_THE_FUTURE if looked.findings else 0


def _of_ranks(market: "Market", config: "RunConfig", n_points: int) -> "Lookahead":
    """Universe, signal, sides and trades again."""
    from tradsys.cli.machine import plan_for
    from tradsys.machine.work import rank_work
    from tradsys.research.ranking.run import look_ahead_as_ranked

    plan_for(config.machine.plan, rank_work(len(market.bars)), has_network=False)
    return look_ahead_as_ranked(market, config, n_points)


def _of_run(market: "Market", config: "RunConfig", n_points: int, progress: "Progress") -> "Lookahead":
    """A whole experiment, then everything in it again."""
    from tradsys.cli.machine import planned
    from tradsys.research.lookahead.lookahead import look_ahead
    from tradsys.research.walk.experiment import run_experiment
    from tradsys.research.walk.spec import experiment_on
    from tradsys.settings.ranks import ranks_of

    spec = experiment_on(market, config, planned(config, n_rows=len(market.bars)))
    outcome = run_experiment(market, spec, progress)
    return look_ahead(outcome, spec, n_points=n_points, ranks=ranks_of(config), progress=progress)
