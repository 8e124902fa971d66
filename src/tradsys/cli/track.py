"""`tradsys track`: finished runs, and who is champion and challenger, shown in MLflow."""

import difflib
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradsys.cli.compare import Runs
from tradsys.cli.options import Json, Plugin
from tradsys.cli.printed_json import printed_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tradsys.neighbours.mlflow_server import MlflowServer
    from tradsys.neighbours.tracking import TrackingResult
    from tradsys.research.judging.rejudge import Replay

TRACKERS = ("mlflow",)


def command(
    run: Annotated[
        list[str] | None, typer.Argument(help="Names of runs, their beginnings or folders; the last one unless given.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every run below --runs.")] = False,
    to: Annotated[str, typer.Option(help="Whom to show them: mlflow.")] = "mlflow",
    uri: Annotated[
        str | None,
        typer.Option(help="A tracking server or sqlite:///FILE; else MLFLOW_TRACKING_URI, else sqlite:///mlflow.db."),
    ] = None,
    experiment: Annotated[
        str | None, typer.Option(help="One MLflow experiment for all; otherwise one a market.")
    ] = None,
    without_bundle: Annotated[
        bool, typer.Option("--without-bundle", help="Leave the models out: aliases then name what cannot be loaded.")
    ] = False,
    runs: Runs = Path("runs"),
    journal: Annotated[Path, typer.Option(help="Folder of the ledger.")] = Path("journal"),
    plugin: Plugin = None,
    as_json: Json = False,
) -> int:
    """Write finished runs to MLflow, each once, and let the aliases champion and challenger follow the journal.

    Settings, numbers with their intervals, verdicts, report and bundle come from run folders alone. What is there
    already is left as it is, but for verdicts that the journal has changed since and aliases that moved.
    """
    from tradsys.cli.loading import load_own_parts
    from tradsys.cli.progress import reporter
    from tradsys.core.errors import ConfigError, DataError
    from tradsys.journal.ledger import Ledger
    from tradsys.neighbours.mlflow_server import MlflowServer
    from tradsys.neighbours.tracking import track
    from tradsys.research.judging.run_folders import count_run_folders

    if to not in TRACKERS:
        near = difflib.get_close_matches(to, TRACKERS, n=1, cutoff=0.0)[0]
        raise ConfigError(f"no tracker is called {to!r}; did you mean {near}?")
    if every and run:
        raise ConfigError(f"--all takes every run, found {', '.join(run)} beside it; give one or the other")
    server = MlflowServer.at(uri or os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db")
    load_own_parts(plugin)
    chosen = list(_every(runs) if every else _named(runs, run or ["last"]))
    ledger = Ledger(journal / "ledger.jsonl")
    count_run_folders(runs, ledger)
    with reporter(quiet=as_json, job=f"track {len(chosen)} of the runs") as progress:
        done = track(chosen, ledger, server, experiment=experiment, with_bundle=not without_bundle, progress=progress)
    typer.echo(printed_json(asdict(done) | {"uri": server.shown}) if as_json else _told(done, server))
    return DataError.exit_code if done.failed else 0


def _named(runs: Path, names: list[str]) -> "Iterator[Replay]":
    from tradsys.research.judging.rejudge import Replay

    return (Replay.find(runs, name) for name in names)


def _every(runs: Path) -> "Iterator[Replay]":
    """Every finished run, the oldest first; a DataError where there is none."""
    from tradsys.research.judging.rejudge import Replay
    from tradsys.runs.stored import run_folders

    return map(Replay, run_folders(runs))


def _told(done: "TrackingResult", server: "MlflowServer") -> str:
    lines = [f"{server.shown}: {len(done.written):,} written, {len(done.known):,} there already"]
    lines += [f"  written: {name}" for name in done.written]
    lines += [f"  judged again, since the journal has grown: {name}" for name in done.rejudged]
    lines += [f"  {alias}: {whom or 'nobody any more'}" for alias, whom in done.moved.items()]
    lines += [
        f"  {alias} stays as it is: run {whom[:10]}, which the journal names, is not there; track it too"
        for alias, whom in done.unseated.items()
    ]
    lines += [f"  not read: {name}: {why}" for name, why in done.failed.items()]
    if server.uri.startswith("sqlite:"):
        lines.append(f"  look at them: mlflow ui --backend-store-uri {server.shown}")
    return "\n".join(lines)
