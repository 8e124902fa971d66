"""What `tradsys run` and `tradsys rank` do alike: run a procedure, show how it goes, end with a table and a code."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from tradsys.cli.loading import Loaded
    from tradsys.data.market import Market
    from tradsys.journal.ledger import Ledger
    from tradsys.machine.plan import Plan
    from tradsys.research.procedures.procedure import Procedure
    from tradsys.settings.config import RunConfig

UNPROVEN = 4
"""Exit code under --require-proven where the deployed profile is not proven."""


def carry_out(
    procedure: "Callable[[Market, RunConfig, Plan | None], Procedure]",
    loaded: "Loaded",
    *,
    out: Path,
    ledger: "Ledger",
    open_lockbox: bool,
    hypothesis: str,
    require_proven: bool,
    as_json: bool,
) -> int:
    """Run it and print its verdict; the exit code is that of the command."""
    from tradsys.cli.progress import reporter
    from tradsys.cli.summary import summary
    from tradsys.report import render
    from tradsys.research.run import run

    with reporter(quiet=as_json) as progress:
        stored = run(
            loaded.market,
            loaded.config,
            procedure=procedure,
            root=out,
            ledger=ledger,
            open_the_lockbox=open_lockbox,
            hypothesis=hypothesis,
            plan=loaded.plan,
            progress=progress,
            render=render,
        )
    if as_json:
        shown = {"run": str(stored.folder), "verdict": stored.verdict.to_json(), "report": str(stored.report)}
        typer.echo(json.dumps(shown, indent=1))
    else:
        typer.echo(f"{summary(stored)}\n  report: {stored.report}")
    return UNPROVEN if require_proven and not stored.is_proven else 0
