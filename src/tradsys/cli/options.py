"""Options that several commands share, so that they are spelled and explained once."""

from typing import Annotated

import typer

Bars = Annotated[
    list[str],
    typer.Option(help="sample, simulated:<recipe> or a file (Parquet, CSV, Feather); give it again to pool symbols."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Seed = Annotated[
    int | None, typer.Option(help="Draws the simulated market and every other random stream; 0 unless given.", min=0)
]
