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
    as_stored: Annotated[
        bool, typer.Option("--as-stored", help="The verdict as it was when the run ended; reads no ledger.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Verdicts and metrics of every profile of a run, as of now: where the ledger has grown, judged again."""
    from tradsys.cli.beside import beside_lines
    from tradsys.cli.summary import profiles_table
    from tradsys.journal.ledger import Ledger
    from tradsys.journal.runs import find_run
    from tradsys.research.rejudge import Rejudged, rejudge
    from tradsys.research.replay import StoredRun

    stored = StoredRun(find_run(runs, run))
    if as_stored:
        judged = Rejudged(stored.verdict, stored.verdict)
    else:
        judged = rejudge(stored, Ledger(journal / "ledger.jsonl"))
    if as_json:
        shown = {
            "run": stored.folder.name,
            "ledger_has_grown": judged.has_grown,
            "lapsed": judged.lapsed,
            "verdict": judged.now,
            "verdict_then": judged.then,
            "metrics": stored.metrics["profiles"],
            "chosen": stored.metrics.get("chosen"),
            "paths": stored.metrics.get("paths"),
        }
        typer.echo(json.dumps(shown, indent=1))
        return 0
    lines = [stored.folder.name, *profiles_table(dict(judged.now), stored.metrics), ""]
    lines += [f"  {name:<9} {one['sentence']}" for name, one in judged.now["profiles"].items()]
    lines += ["", *beside] if (beside := beside_lines(stored.metrics)) else []
    lines += ["", *(f"  {sentence}" for sentence in judged.sentences)] if judged.sentences else []
    typer.echo("\n".join(lines))
    return 0
