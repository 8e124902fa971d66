"""What a command line that runs on another machine takes along, read off its options and the settings in force."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from tradsys.core.errors import ConfigError

if TYPE_CHECKING:
    from tradsys.remote.push import Prepared
    from tradsys.remote.settings import RemoteSettings
    from tradsys.remote.wanted import Wanted

_OPTIONS: Final = ("bars", "funding", "macro", "book", "positions", "config", "plugin", "listings", "sources", "path")
"""Options and arguments whose values may name files."""

_KEYS: Final = (
    *("macro.series", "book.files", "positions.sources", "funding.files", "universe.listings"),
    *("flow.sources", "plugins"),
)
"""Settings whose values may."""

_AT_HOME: Final = ("remote", "trade")
"""Commands that are no job: one begins jobs, and one runs for as long as there is a market, beside its secrets."""

_RUNS: Final = ("run", "rank")
"""Commands that write run folders into --out."""


def wanted_by(words: Sequence[str], settings: "RemoteSettings") -> "Wanted":
    """The command line for the host, checked here first, with all that goes with it."""
    from tradsys.cli.loading import overrides
    from tradsys.core.settings import FILE
    from tradsys.data.settings import DataSettings
    from tradsys.remote.wanted import Wanted, gather_files, gather_series

    params = _params(words)
    given = overrides(params.get("settings"), {})
    if "data.root" in given:
        raise ConfigError("the store of the host has its own place; say data.root in tradsys.toml, not with --set")
    out = params.get("out")
    if words[0] not in _RUNS and out is not None and (out.is_absolute() or ".." in out.parts):
        raise ConfigError(
            f"{words[0]} writes into the job's folder there, which alone comes back, and --out is {out}; "
            f"give a path below it, such as {out.name or words[0]}"
        )
    data = DataSettings.load(file=params.get("config"), overrides=given)
    specs = [*_named(params, given), *settings.take]
    if params.get("config") is None and Path(FILE).is_file():
        specs.append(FILE)
    batches, renamed = gather_files(specs, words, Path.cwd())
    series, absent = gather_series(specs, data)
    return Wanted(
        words=tuple(renamed),
        batches=tuple(batches),
        series=tuple(series),
        store=data.root,
        absent=tuple(absent),
        variables=tuple(_variables(settings.variables).items()),
        out=params["out"] if words[0] in _RUNS else Path("runs"),
        journal=params.get("journal") or Path("journal"),
        has_journal="journal" in params,
    )


def command_line(there: "Prepared", wanted: "Wanted") -> list[str]:
    """What the host runs; of two equal options the last wins, so that results and ledger go where they are sought."""
    own = ["--out", "runs"] if wanted.words[0] in _RUNS else []
    own += ["--journal", there.journal] if wanted.has_journal else []
    return [there.python, "-m", "tradsys", *wanted.words, *own]


def _params(words: Sequence[str]) -> dict[str, Any]:
    """The options of a command line as its command would read them; it is not carried out."""
    from tradsys.cli.app import COMMANDS, build

    if words[0] not in COMMANDS or words[0] in _AT_HOME:
        raise ConfigError(f"behind -- stands a command of tradsys, such as run --bars FILE, found {words[0]!r}")
    command, name, rest = typer.main.get_command(build(words[0])), "tradsys", list(words)
    context, params = None, dict[str, Any]()
    while True:
        context = command.make_context(name, rest, parent=context)
        params |= context.params
        left = [*getattr(context, "_protected_args", []), *context.args]
        if not left or not hasattr(command, "resolve_command"):
            return params
        name, command, rest = command.resolve_command(context, left)


def _named(params: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[str]:
    """Every text of options and settings that may name files."""
    from tradsys.settings.config import RunConfig

    values = RunConfig.given(file=params.get("config"), overrides=given)
    for value in (*(params.get(name) for name in _OPTIONS), *(values.get(key) for key in _KEYS)):
        texts = value if isinstance(value, list | tuple) else [] if value is None else [value]
        for text in map(str, texts):
            yield text
            yield f"{text.replace('.', '/')}.py"  # a plugin may be named as a module


def _variables(named: Sequence[str]) -> dict[str, str]:
    """The variables of the environment and of `.env` that are settings, and those that are named."""
    from tradsys.core.variables import DEPLOYED, PREFIX, PROGRAM, variables
    from tradsys.remote.on_host import SECRET

    own = (f"{PREFIX}REMOTE__", f"{PREFIX}TRADE__", f"{PREFIX}DATA__ROOT")
    found: dict[str, str] = {name: os.environ[name] for name in named if name in os.environ}
    for layer in variables().values():
        for name, value in layer.items():
            is_setting = name == DEPLOYED or (name.startswith(PREFIX) and name not in PROGRAM)
            is_secret = SECRET.search(name.upper()) is not None
            if value is not None and is_setting and not is_secret and not name.startswith(own):
                found[name] = value
    return found
