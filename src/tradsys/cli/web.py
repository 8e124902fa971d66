"""`tradsys web`: runs, journal and bot in the browser."""

from pathlib import Path
from typing import Annotated

import typer

from tradsys.cli.compare import Runs


def command(
    port: Annotated[
        int, typer.Option(help="Port of this machine's loopback; 0 takes a free one.", min=0, max=65535)
    ] = 8787,
    allow_control: Annotated[
        bool,
        typer.Option(
            "--allow-control", help="Let the bot's page stop entries, resume and flatten; else pages only read."
        ),
    ] = False,
    runs: Runs = Path("runs"),
    journal: Annotated[Path, typer.Option(help="Folder of the ledger and the studies.")] = Path("journal"),
    live: Annotated[Path, typer.Option(help="Folder of the accounts that bots trade.")] = Path("live"),
    store: Annotated[
        str | None, typer.Option(help="Folder or URL of the stored bars; otherwise the setting data.root.")
    ] = None,
    calibration: Annotated[Path, typer.Option(help="Folder that `tradsys calibrate` wrote.")] = Path("calibration"),
) -> int:
    """Show runs, journal, data and bot in the browser of this machine; a link that works once is printed.

    It listens on 127.0.0.1 alone and shows nothing without that link. On another machine, forward the port by ssh.
    """
    from tradsys.core.errors import MissingExtraError
    from tradsys.core.extras import absent, to_install

    if missing := absent(("jinja2", "starlette", "uvicorn")):
        raise MissingExtraError(f"tradsys web needs {', '.join(missing)}; {to_install(missing)}")
    from tradsys.data.settings import DataSettings
    from tradsys.web.serve import serve
    from tradsys.web.site import Site

    root = DataSettings.load(overrides={}).root if store is None else str(store)
    site = Site(runs, journal, live, root, calibration, is_control_allowed=allow_control)
    serve(site, port, lambda text: typer.echo(text))
    return 0
