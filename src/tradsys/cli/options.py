"""Options that several commands share, so that they are spelled and explained once."""

from pathlib import Path
from typing import Annotated

import typer

Bars = Annotated[
    list[str],
    typer.Option(help="sample, simulated:<recipe>, a file or VENUE:SYMBOL:INTERVAL; give it again to pool symbols."),
]
Macro = Annotated[
    list[str] | None,
    typer.Option(
        help="A macro series, NAME=SOURCE: dxy=FILE, vix=fred:VIXCLS, gold=yahoo:GC=F, gold=bars:PAXG-1h.parquet; "
        "give it again for more."
    ),
]
Book = Annotated[
    list[str] | None,
    typer.Option(help="A recorded order book, FILE or SYMBOL=FILE (snapshots or updates); give it again for more."),
]
Positions = Annotated[
    list[str] | None,
    typer.Option(
        "--positions",
        "--flow",
        help="Open interest, basis or liquidations, FILE?lag_s=300, SYMBOL=FILE or a market of the store such as "
        "binance:BTC/USDT:USDT; give it again for more.",
    ),
]
Funding = Annotated[
    list[str] | None,
    typer.Option(
        help="What the exchange settled: FILE (funding_time, rate, interval_hours) or a stored VENUE:SYMBOL:funding, "
        "with SYMBOL= before it for one of several; SYMBOL=none pays none."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Agent = Annotated[
    str | None,
    typer.Option(
        help="Who challenges the ridge logistic: transformer, resnet, volatility, xgboost, symmetric, ensemble or all; "
        "logistic is nobody."
    ),
]
Config = Annotated[Path | None, typer.Option(help="Settings file; otherwise tradsys.toml where there is one.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Any setting, e.g. --set labels.horizon=6; give it again for more."),
]
Seed = Annotated[
    int | None, typer.Option(help="Draws the simulated market and every other random stream; 0 unless given.", min=0)
]
Out = Annotated[Path, typer.Option(help="Folder in which the run gets a folder of its own.")]
Journal = Annotated[Path, typer.Option(help="Folder of the ledger of everything tried.")]
OpenLockbox = Annotated[
    bool,
    typer.Option("--open-lockbox", help="Judge the deployed profile on the last fifth too; recorded for good."),
]
HypothesisName = Annotated[
    str, typer.Option("--hypothesis", help="Name of a hypothesis (tradsys journal add) that this run looks at.")
]
RequireProven = Annotated[
    bool, typer.Option("--require-proven", help="Exit with 4 unless the deployed profile is proven.")
]
