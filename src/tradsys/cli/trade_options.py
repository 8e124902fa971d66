"""The options of `tradsys trade BUNDLE`."""

from dataclasses import dataclass
from typing import Annotated

import typer

from tradsys.cli.options import Config, Plugin, Settings


@dataclass(frozen=True, slots=True)
class StartOptions:
    """How a bundle is traded."""

    live: Annotated[
        bool, typer.Option("--live", help="With money: takes TRADSYS_TRADE__CONFIRM=NAME in .env too. Else on paper.")
    ] = False
    unproven: Annotated[
        bool, typer.Option("--unproven", help="Trade a bundle that is not proven; every status says so.")
    ] = False
    tape: Annotated[
        list[str] | None,
        typer.Option(
            help="On paper, play these bars instead of the market: what --bars of a run takes, or SYMBOL=it of one; "
            "give it again for more."
        ),
    ] = None
    tape_from: Annotated[
        str | None,
        typer.Option("--from", help="Play the tape from that day on (UTC); otherwise as soon as it can decide."),
    ] = None
    speed: Annotated[
        float | None,
        typer.Option(help="How many times faster than time a tape is played; at once unless given.", min=0.001),
    ] = None
    plugin: Plugin = None
    config: Config = None
    settings: Settings = None
