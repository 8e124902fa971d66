"""`tradsys compare`: the profiles of a run side by side."""

import json
from pathlib import Path
from typing import Annotated

import typer

from tradsys.cli.options import Json

RunName = Annotated[str, typer.Option("--run", help="Name of a run, the beginning of one, or last.")]
Runs = Annotated[Path, typer.Option("--runs", help="Folder that holds the runs.")]


def command(
    run: RunName = "last",
    runs: Runs = Path("runs"),
    journal: Annotated[Path, typer.Option(help="Folder of the ledger.")] = Path("journal"),
    as_json: Json = False,
) -> int:
    """Verdicts and metrics of every profile of a run; says so where the ledger has grown since."""
    from tradsys.cli.summary import profiles_table
    from tradsys.journal.ledger import Ledger
    from tradsys.journal.runs import find_run
    from tradsys.research.replay import StoredRun

    stored = StoredRun(find_run(runs, run))
    has_grown = Ledger(journal / "ledger.jsonl").head_for(stored.manifest["blocks"]) != stored.verdict["ledger_head"]
    if as_json:
        shown = {"run": stored.folder.name, "ledger_has_grown": has_grown}
        typer.echo(json.dumps(shown | {"verdict": stored.verdict, "metrics": stored.metrics["profiles"]}, indent=1))
        return 0
    lines = [stored.folder.name, *profiles_table(stored.verdict, stored.metrics), ""]
    lines += [f"  {name:<9} {judged['sentence']}" for name, judged in stored.verdict["profiles"].items()]
    if has_grown:
        lines += ["", "  More has been tried on this data since: run it again for a verdict that counts everything."]
    typer.echo("\n".join(lines))
    return 0
