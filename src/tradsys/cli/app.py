"""The shell around the commands: their list, lazy loading, nearest names for mistyped ones, and exit codes.

Exit codes: 0 done (whatever the verdict), 1 error, 2 usage, 3 data refused, 4 not proven under `--require-proven`,
5 halted by a risk limit, 6 nobody trades the account that was asked, 130 interrupted. Errors of our own are one
message; `--debug` shows where they came from.
"""

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from itertools import takewhile
from typing import Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

from tradsys import __version__
from tradsys.cli.interrupts import INTERRUPTED, LINE
from tradsys.core.errors import MissingExtraError, TradsysError
from tradsys.core.extras import extra_of, to_install
from tradsys.machine.limits import cap_threads

COMMANDS = {
    "run": "The main job: from bars to a verdict and a report.",
    "rank": "Long the strongest, short the weakest; judged like a run.",
    "train": "Fit one agent on all but the lock-box and write a bundle.",
    "compare": "Show the profiles of a run side by side.",
    "deploy": "Refit a run's profile and write a bundle to trade.",
    "export": "Write a strategy that trades a bundle inside freqtrade.",
    "backtest": "Simulate one profile of a run with another engine.",
    "tune": "Search settings inside training parts; nothing is tested.",
    "journal": "What was tried, what was learned, who is champion.",
    "lookahead": "Recompute a run without the future: any change is an error.",
    "calibrate": "How often the verdict is wrong, on markets with known truth.",
    "merge": "Put the parts of a study together, from any machines.",
    "track": "Show runs, champions and challengers in MLflow.",
    "trade": "Trade a bundle, on paper or live; ask and command its bot.",
    "web": "Runs, journal and bot in the browser of this machine.",
    "data": "Bars: download, import, check, list.",
    "remote": "A command on another machine by ssh: push, run, pull.",
    "doctor": "Limits, threads, accelerator, clock and disk of this machine.",
}
"""A line a command; `tradsys.cli.<name>` has function `command`, its subcommands as dict `commands`, or both.

A `group` there is who reads the words behind the command's name."""

_STYLE: dict[str, Any] = {
    "rich_markup_mode": None,  # rich takes 0.2 s to import, most of what --help may take
    "context_settings": {"help_option_names": ["-h", "--help"]},
    "add_completion": False,
    "pretty_exceptions_enable": False,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; a process of its own begins in `tradsys.__main__`."""
    args = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    leading = list(takewhile(lambda arg: arg.startswith("-"), args))
    chosen = args[len(leading)] if len(leading) < len(args) else None
    is_debugged = "--debug" in leading or bool(os.environ.get("TRADSYS_DEBUG"))
    if chosen in COMMANDS:
        cap_threads()
    try:
        app = build(chosen)
        result = typer.main.get_command(app).main(args, prog_name="tradsys", standalone_mode=False)
        if result == INTERRUPTED:  # typer catches Ctrl-C and says nothing
            raise KeyboardInterrupt
        return result if isinstance(result, int) else 0
    except TyperException as error:
        return _explain(error)
    except TradsysError as error:
        if is_debugged:
            traceback.print_exc()
        typer.echo(f"tradsys: {error}", err=True)
        return error.exit_code
    except ModuleNotFoundError as error:
        if error.name is None or extra_of(error.name) is None or is_debugged:
            raise
        needing, module = _named(args[len(leading) :]), error.name
        typer.echo(f"tradsys: {needing} needs {module.partition('.')[0]}; {to_install([module])}", err=True)
        return MissingExtraError.exit_code
    except OSError as error:
        if not error.strerror or is_debugged:
            raise
        typer.echo(f"tradsys: {error.filename or 'a file'}: {error.strerror}; free it, or name another path", err=True)
        return 1
    except (KeyboardInterrupt, typer.Abort):
        typer.echo(LINE, err=True)
        return INTERRUPTED


def build(chosen: str | None) -> typer.Typer:
    """The application with the chosen command in full and a line of help for each of the others."""
    app = typer.Typer(**_STYLE)
    app.callback()(tradsys)
    for name, line in COMMANDS.items():
        if name != chosen:
            app.command(name, help=line)(_not_loaded)
            continue
        module = import_module(f"tradsys.cli.{name}")
        if hasattr(module, "commands"):
            alone, kind = getattr(module, "command", None), getattr(module, "group", None)
            app.add_typer(_group(module.commands, alone, kind), name=name, help=line)
        else:
            app.command(name)(module.command)
    return app


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"tradsys {__version__}")
        raise typer.Exit


def tradsys(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from (or TRADSYS_DEBUG=1).")] = False,
) -> None:
    """Machine-learned trading of 24/7 markets, honest about whether there is an edge.

    Start with: tradsys run --bars sample
    """


def _group(
    commands: dict[str, Callable[..., Any]], alone: Callable[..., Any] | None, kind: type[Any] | None = None
) -> typer.Typer:
    """Subcommands, and what is done where none is given; a `kind` of its own reads the words in another way."""
    group = typer.Typer(cls=kind, **_STYLE)
    # a callback also keeps the subcommand's name where there is only one
    group.callback(invoke_without_command=alone is not None)(alone or (lambda: None))
    for name, function in commands.items():
        group.command(name)(function)
    return group


def _not_loaded() -> NoReturn:
    raise AssertionError("only the chosen command is ever invoked")


def _named(args: Sequence[str]) -> str:
    """The command as it was typed, with its subcommand."""
    return " ".join(takewhile(str.isalpha, args[:2]))


def _explain(error: TyperException) -> int:
    """Print what is wrong with the command line, the nearest right name where there is one, and where to look."""
    nearest = getattr(error, "possibilities", None)
    message = f"{error.message}. Did you mean {nearest[0]}?" if nearest else error.format_message()
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "tradsys"
    typer.echo(f"tradsys: {message}\nTry '{path} --help'.", err=True)
    return error.exit_code
