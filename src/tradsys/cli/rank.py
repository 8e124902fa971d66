"""`tradsys rank`: long the strongest of many symbols and short the weakest, judged like a run."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from tradsys.cli.loading import RESEARCH_BYTES
from tradsys.cli.options import Bars, Funding, JudgedOptions, ReadingOptions, Seed, spread
from tradsys.machine.plan import Work

if TYPE_CHECKING:
    from tradsys.settings.config import RunConfig

_ROW: Final = 300
"""A bar of a symbol, nothing being fitted; 925,000 bars of 30 symbols took 597 MB in all."""


def rank_work(_: "RunConfig", n_rows: int) -> Work:
    """`tradsys rank` on this many bars of all symbols together."""
    return Work(f"ranking {n_rows:,} bars", RESEARCH_BYTES + n_rows * _ROW, "take fewer bars or symbols")


@spread
def command(
    bars: Bars = ["simulated:universe:30"],  # noqa: B006  # typer reads the default and never changes it
    reading: ReadingOptions = ReadingOptions(),
    lookback: Annotated[int | None, typer.Option(help="Bars of momentum; 168 unless given.", min=1)] = None,
    horizon: Annotated[int | None, typer.Option(help="Bars from one choice to the next; 24.", min=1)] = None,
    k: Annotated[int | None, typer.Option("--k", help="Symbols on each side; a fifth of those ranked.", min=1)] = None,
    size: Annotated[int | None, typer.Option(help="Symbols in the universe at any time; 30.", min=2)] = None,
    listings: Annotated[str | None, typer.Option(help="Table with the columns symbol, listed, delisted.")] = None,
    funding: Funding = None,
    seed: Seed = None,
    judged: JudgedOptions = JudgedOptions(),
) -> int:
    """Market-neutral: long the strongest, short the weakest of a universe chosen by what was known at the time.

    Nothing is fitted. The first and the last fifth of the history are left alone as in `tradsys run`, and the ledger
    counts it as one trial.
    """
    from tradsys.cli.loading import Needs, load, market_text, overrides
    from tradsys.cli.run import carry_out
    from tradsys.journal.ledger import Ledger
    from tradsys.research.procedures.ranks import RankProcedure

    given = {
        "seed": seed,
        "rank.lookback": lookback,
        "rank.horizon": horizon,
        "rank.k": k,
        "universe.size": size,
        "universe.listings": listings,
        "funding.files": funding,
        "plugins": judged.plugin,
        "machine.processes": judged.processes,
    }
    ledger = Ledger(judged.journal / "ledger.jsonl")
    needs = Needs("rank", ("jinja2",))
    loaded = load(
        reading.of(bars), overrides(judged.settings, given), needs=needs, file=judged.config, work=rank_work, ranks=True
    )
    if not judged.as_json:
        typer.echo(market_text(loaded.market))
    return carry_out(RankProcedure.of, loaded, judged, ledger)
