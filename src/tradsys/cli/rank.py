"""`tradsys rank`: long the strongest of many symbols and short the weakest, judged like a run."""

import json
from pathlib import Path
from typing import Annotated

import typer

from tradsys.cli.options import Bars, Config, Funding, Json, Seed, Settings

UNPROVEN = 4
"""Exit code under --require-proven where the profile is not proven."""


def command(
    bars: Bars = ["simulated:universe:30"],  # noqa: B006  # typer reads the default and never changes it
    lookback: Annotated[int | None, typer.Option(help="Bars of momentum; 168 unless given.", min=1)] = None,
    horizon: Annotated[int | None, typer.Option(help="Bars from one choice to the next; 24.", min=1)] = None,
    k: Annotated[int | None, typer.Option("--k", help="Symbols on each side; a fifth of those ranked.", min=1)] = None,
    size: Annotated[int | None, typer.Option(help="Symbols in the universe at any time; 30.", min=2)] = None,
    listings: Annotated[str | None, typer.Option(help="Table with the columns symbol, listed, delisted.")] = None,
    funding: Funding = None,
    seed: Seed = None,
    out: Annotated[Path, typer.Option(help="Folder in which the run gets a folder of its own.")] = Path("ranks"),
    journal: Annotated[Path, typer.Option(help="Folder of the ledger of everything tried.")] = Path("journal"),
    config: Config = None,
    settings: Settings = None,
    open_lockbox: Annotated[
        bool, typer.Option("--open-lockbox", help="Judge it on the last fifth too; recorded for good.")
    ] = False,
    require_proven: Annotated[bool, typer.Option("--require-proven", help="Exit with 4 unless it is proven.")] = False,
    as_json: Json = False,
) -> int:
    """Market-neutral: long the strongest, short the weakest of a universe chosen by what was known at the time.

    Nothing is fitted. The first and the last fifth of the history are left alone as in `tradsys run`, and the ledger
    counts it as one trial.
    """
    import polars as pl

    from tradsys.backtest.paid import paid
    from tradsys.cli.overrides import overrides
    from tradsys.cli.summary import profiles_table, repairs_text
    from tradsys.core.costs import Costs
    from tradsys.data import load_market
    from tradsys.data.settings import DataSettings
    from tradsys.journal.ledger import Ledger
    from tradsys.research.config import RunConfig
    from tradsys.research.fundings import with_funding
    from tradsys.research.neutral import NAME
    from tradsys.research.rank_run import run_ranks

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
    finished = run_ranks(market, settled, root=out, ledger=ledger, open_the_lockbox=open_lockbox)
    judged, measured = finished.verdict["profiles"][NAME], finished.metrics["profiles"][NAME]
    if as_json:
        shown = {"run": str(finished.folder), "verdict": finished.verdict, "metrics": finished.metrics}
        typer.echo(json.dumps(shown, indent=1))
    else:
        spread, universe = measured["metrics"]["spread_gross"], finished.metrics["universe"]
        costs = Costs(**settled.costs.model_dump())
        around = "" if spread["low"] is None else f" [{1e4 * spread['low']:.0f}, {1e4 * spread['high']:.0f}]"
        lines = [
            repairs_text(market),
            f"  {measured['description']}",
            f"  universe: {universe['n_members_mean']:.1f} of {universe['n_symbols']} symbols on average",
            "",
            *profiles_table(finished.verdict, finished.metrics),
            "",
            f"  {judged['sentence']}",
            f"  before costs, long less short: {1e4 * spread['value']:.0f}{around} bp each of {spread['n']:,} times",
            f"  costs: {paid(pl.read_parquet(finished.folder / 'trades.parquet'), costs).sentence}",
            f"  {finished.verdict['power']}",
        ]
        if "lockbox" in finished.verdict:
            lines.append(f"  lock-box: {finished.verdict['lockbox']['sentence']}")
        typer.echo("\n".join([*lines, "", f"  run: {finished.folder}"]))
    return UNPROVEN if require_proven and judged["verdict"] != "proven" else 0
