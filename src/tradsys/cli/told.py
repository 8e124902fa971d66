"""What a command says of its settings before it works: those that it does not read, and those that are dangerous."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

if TYPE_CHECKING:
    from tradsys.settings.config import RunConfig

_TRADING: Final = frozenset({"run", "rank", "train"})
"""Commands whose results rest on costs and sizes."""


def tell(command: str, config: "RunConfig", *, file: Path | None, overrides: Mapping[str, Any]) -> None:
    """Say it on the error stream, so that what is printed for a program stays one object."""
    for line in (*unread_lines(command, config, file=file, overrides=overrides), *danger_lines(command, config)):
        typer.echo(line, err=True)


def tell_of_data(overrides: Mapping[str, Any]) -> None:
    """The same for commands that read section `data` alone; a key that is no setting at all is a ConfigError."""
    if not overrides:
        return
    from tradsys.settings.config import RunConfig
    from tradsys.settings.unread import is_read

    others = {key: value for key, value in overrides.items() if not is_read("data", key)}
    if others:
        tell("data", RunConfig.load(overrides=others), file=None, overrides=others)


def profile_origin(place: str | None) -> str:
    """What named the deployed profile, from the place that sets it.

    >>> profile_origin(None), profile_origin(".env"), profile_origin("the command line")
    ('by default', 'by STRATEGY_PROFILE in .env', 'by the command line')
    """
    from tradsys.core.variables import DEPLOYED, variables

    if place is None:
        return "by default"
    return f"by {DEPLOYED} in {place}" if place in variables() else f"by {place}"


def unread_lines(
    command: str, config: "RunConfig", *, file: Path | None, overrides: Mapping[str, Any]
) -> Iterator[str]:
    """A line a setting that this command does not read; of files and variables only those that differ from the default.

    A file may well hold the settings of several commands, and `golden.toml` holds all of them.
    """
    from tradsys.core.settings import COMMAND_LINE
    from tradsys.settings.config import RunConfig
    from tradsys.settings.unread import is_read, unread
    from tradsys.settings.words import nearest

    now, default = config.settings, RunConfig().settings
    places = RunConfig.places(file=file, overrides=overrides)
    given = {key: where for key, where in places.items() if where == COMMAND_LINE or now.get(key) != default.get(key)}
    readable = [key for key in default if is_read(command, key)]
    for key, why in unread(command, config, given).items():
        namesake = nearest(key.rpartition(".")[2], readable)
        is_namesake = namesake is not None and namesake.rpartition(".")[2] == key.rpartition(".")[2]
        hint = f"; did you mean {namesake}?" if is_namesake and namesake != key else ""
        yield f"not read: {key}, which {given[key]} sets, changes nothing here: {why}{hint}"


def danger_lines(command: str, config: "RunConfig") -> Iterator[str]:
    """A line a dangerous setting, of a command that trades or prices trades."""
    from tradsys.settings.dangers import dangers

    if command in _TRADING:
        portfolio = config.portfolio
        fraction = None if command == "rank" else portfolio.fraction
        for sentence in dangers(config.costs, fraction=fraction, cap=portfolio.cap):
            yield f"careful: {sentence}"
