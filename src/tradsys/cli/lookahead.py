"""`tradsys lookahead`: everything that a run computes, computed again without the future."""

import json
from typing import Annotated

import typer

from tradsys.cli.options import Agent, Bars, Book, Config, Flow, Funding, Json, Macro, Seed, Settings

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
    seed: Seed = None,
    config: Config = None,
    settings: Settings = None,
    as_json: Json = False,
) -> int:
    """Recompute a run on bars cut at random times and on a future replaced by noise: any change is an error.

    Features, scales, labels, regimes, forecasts, decisions, fits and fills are compared bit for bit (probabilities to
    1e-6), and each difference names its column, the first row and how many bars ahead it saw. Nothing is judged, so
    that the ledger has nothing to count.
    """
    from tradsys.cli.overrides import overrides
    from tradsys.cli.progress import reporter
    from tradsys.data.settings import DataSettings
    from tradsys.profiles.forecast import SIDES
    from tradsys.research.config import RunConfig
    from tradsys.research.experiment import run_experiment
    from tradsys.research.lookahead import look_ahead
    from tradsys.research.markets import configured_market
    from tradsys.research.spec import experiment_from

    outside = {"macro.series": macro, "book.files": book, "flow.sources": flow, "funding.files": funding}
    given = {"seed": seed, "agent.name": agent, **outside}
    chosen = overrides(settings or [], given)
    settled = RunConfig.load(file=config, overrides=chosen)
    market = configured_market(bars, settled, DataSettings.load(file=config, overrides=chosen))
    sides = SIDES[:1] if market.is_long_only else SIDES
    spec = experiment_from(settled, n_symbols=len(market.symbols), sides=sides)
    with reporter(quiet=as_json) as progress:
        outcome = run_experiment(market, spec, progress)
        looked = look_ahead(outcome, spec, n_points=points, progress=progress)
    lines = [looked.sentence, *(f"  {finding.sentence}" for finding in looked.findings)]
    typer.echo(json.dumps(looked.to_dict(), indent=1) if as_json else "\n".join(lines))
    return SAW_THE_FUTURE if looked.findings else 0
