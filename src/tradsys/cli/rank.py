"""`tradsys rank`: long the strongest of many symbols and short the weakest, judged like a run."""

from pathlib import Path
from typing import Annotated

import typer

from tradsys.cli.options import (
    UNPROVEN,
    Bars,
    Config,
    Funding,
    HypothesisName,
    Journal,
    Json,
    OpenLockbox,
    Out,
    RequireProven,
    Seed,
    Settings,
)


def command(
    bars: Bars = ["simulated:universe:30"],  # noqa: B006  # typer reads the default and never changes it
    lookback: Annotated[int | None, typer.Option(help="Bars of momentum; 168 unless given.", min=1)] = None,
    horizon: Annotated[int | None, typer.Option(help="Bars from one choice to the next; 24.", min=1)] = None,
    k: Annotated[int | None, typer.Option("--k", help="Symbols on each side; a fifth of those ranked.", min=1)] = None,
    size: Annotated[int | None, typer.Option(help="Symbols in the universe at any time; 30.", min=2)] = None,
    listings: Annotated[str | None, typer.Option(help="Table with the columns symbol, listed, delisted.")] = None,
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
    """Market-neutral: long the strongest, short the weakest of a universe chosen by what was known at the time.

    Nothing is fitted. The first and the last fifth of the history are left alone as in `tradsys run`, and the ledger
    counts it as one trial.
    """
    from tradsys.cli.machine import plan_for
    from tradsys.cli.overrides import overrides
    from tradsys.cli.progress import reporter
    from tradsys.cli.summary import as_text, repairs_text
    from tradsys.data import load_market
    from tradsys.data.settings import DataSettings
    from tradsys.journal.ledger import Ledger
    from tradsys.machine.work import rank_work
    from tradsys.report import render
    from tradsys.research.ranking.neutral import NAME
    from tradsys.research.ranking.run import run_ranks
    from tradsys.settings.config import RunConfig
    from tradsys.settings.fundings import with_funding

    given = {
        "seed": seed,
        "rank.lookback": lookback,
        "rank.horizon": horizon,
        "rank.k": k,
        "universe.size": size,
        "universe.listings": listings,
        "funding.files": funding,
    }
    chosen = overrides(settings or [], given)
    settled = RunConfig.load(file=config, overrides=chosen)
    ledger = Ledger(journal / "ledger.jsonl")
    data = DataSettings.load(file=config, overrides=chosen)
    market = with_funding(load_market(bars, seed=settled.seed, settings=data), settled.funding, data)
    plan_for(settled.machine.plan, rank_work(len(market.bars)), has_network=False)
    if not as_json:
        typer.echo(repairs_text(market))
    with reporter(quiet=as_json) as progress:
        finished = run_ranks(
            market,
            settled,
            root=out,
            ledger=ledger,
            open_the_lockbox=open_lockbox,
            hypothesis=hypothesis,
            progress=progress,
            render=render,
        )
    typer.echo(as_text(finished, as_json=as_json))
    return UNPROVEN if require_proven and not finished.is_proven(NAME) else 0
