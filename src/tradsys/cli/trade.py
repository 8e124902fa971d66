"""`tradsys trade`: a bundle traded on paper or live, and the verbs that ask and command its bot."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tradsys.cli.options import Config, Plugin, Settings, spread
from tradsys.cli.trade_verbs import Account, Root, verbs

Bundle = Annotated[Path, typer.Argument(help="A bundle that tradsys deploy wrote.")]


Lines = Annotated[bool, typer.Option("--json", help="Print a JSON object a line, for all that happens.")]


class BundleOrVerb(TyperGroup):
    """A first word that is no verb is a bundle to trade: `tradsys trade B` is `tradsys trade start B`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"subcommand_metavar": "BUNDLE --account NAME | VERB --account NAME"})

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [START, *args]
        return super().parse_args(ctx, args)


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
    speed: Annotated[
        float | None,
        typer.Option(help="How many times faster than time a tape is played; at once unless given.", min=0.001),
    ] = None
    plugin: Plugin = None
    config: Config = None
    settings: Settings = None


@spread
def start(
    bundle: Bundle,
    account: Account,
    root: Root = Path("live"),
    options: StartOptions = StartOptions(),
    as_json: Lines = False,
) -> int:
    """Trade a bundle; the word start may be left out.

    What happens is a line each, until Ctrl-C or SIGTERM. Stops and targets stay at the venue when the bot ends; the
    same command goes on.
    """
    from tradsys.cli.trading import trade

    return trade(bundle, account, root, options, as_json=as_json)


START = "start"
commands = {START: start, **verbs}
group = BundleOrVerb
