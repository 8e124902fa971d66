"""`tradsys trade`: a bundle traded on paper or live, and the verbs that ask and command its bot."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tradsys.cli.options import spread
from tradsys.cli.stopping import noting
from tradsys.cli.trade_options import StartOptions
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
    with noting() as noted:
        from tradsys.cli.trading import trade

        return trade(bundle, account, root, options, as_json=as_json, noted=noted)


START = "start"
commands = {START: start, **verbs}
group = BundleOrVerb
