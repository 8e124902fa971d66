"""`tradsys export`: a run or a bundle as something that another program trades."""

import difflib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradsys.cli.compare import Runs
from tradsys.cli.options import Json, Plugin
from tradsys.cli.printed_json import printed_json

if TYPE_CHECKING:
    from tradsys.neighbours.freqtrade import ExportedBundle

TARGETS = ("freqtrade",)


def command(
    what: Annotated[
        str, typer.Argument(help="A run's name or folder, or a bundle of tradsys deploy.", metavar="RUN|BUNDLE")
    ],
    out: Annotated[Path, typer.Option(help="Folder of strategies, such as user_data/strategies.")],
    to: Annotated[str, typer.Option(help="Which program: freqtrade.")] = "freqtrade",
    profile: Annotated[str | None, typer.Option(help="Profile of the run; the deployed one unless given.")] = None,
    pair: Annotated[
        list[str] | None,
        typer.Option(
            help="What freqtrade calls a symbol, as SYMBOL=PAIR or in the order of the bundle's: BTC/USDT, or "
            "BTC/USDT:USDT for the perpetual."
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Class of the strategy; Tradsys and the profile unless given.")
    ] = None,
    runs: Runs = Path("runs"),
    plugin: Plugin = None,
    as_json: Json = False,
) -> int:
    """Write a strategy that trades a bundle inside freqtrade, the bundle beside it, and the part of a config for it."""
    from tradsys.cli.loading import load_own_parts
    from tradsys.core.errors import ConfigError
    from tradsys.neighbours.freqtrade import export_freqtrade

    if to == "mlflow":
        raise ConfigError("MLflow is shown runs by tradsys track; export writes for freqtrade")
    if to not in TARGETS:
        near = difflib.get_close_matches(to, TARGETS, n=1, cutoff=0.0)[0]
        raise ConfigError(f"nothing is exported to {to!r}; did you mean {near}?")
    load_own_parts(plugin)
    traded = _traded(what, runs, profile)
    done = export_freqtrade(traded, out, pairs=pair or (), name=name, plugins=plugin or ())
    if as_json:
        typer.echo(printed_json({key: str(value) for key, value in asdict(done).items()} | {"doubts": done.doubts}))
        return 0
    lines = [str(done.strategy), str(done.bundle), str(done.config), f"  {traded.verdict}"]
    lines += [f"  careful: {doubt}" for doubt in done.doubts]
    lines.append(f"  next: freqtrade backtesting -c YOUR.json -c {done.config} --strategy-path {out}")
    typer.echo("\n".join(lines))
    return 0


def _traded(what: str, runs: Path, profile: str | None) -> "ExportedBundle":
    """The bundle of that folder where it was deployed, else that of the run of this name."""
    from tradsys.bundle.bundle import MANIFEST, open_bundle
    from tradsys.core.json_text import read_json
    from tradsys.neighbours.freqtrade import ExportedBundle
    from tradsys.research.judging.rejudge import Replay

    folder = Path(what).expanduser()
    is_bundle = (folder / MANIFEST).is_file() and "format" in read_json((folder / MANIFEST).read_text())
    if is_bundle and not (folder.name == "bundle" and (folder.parent / MANIFEST).is_file()):
        open_bundle(folder)
        return ExportedBundle.deployed(folder, profile)
    return ExportedBundle.of_run(Replay.find(runs, what), profile)
