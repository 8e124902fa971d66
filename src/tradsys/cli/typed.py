"""The command line that was typed, as words that can be told and typed again elsewhere."""

import shlex
from collections.abc import Iterable, Sequence

import typer


def typed(context: typer.Context, *, without: Sequence[str] = ()) -> str:
    """The command with its options as they were given, but for those named; defaults are not told."""
    words = context.command_path.split()
    for parameter in context.command.params:
        name = str(parameter.name)
        source = context.get_parameter_source(name)
        if name in without or source is None or source.name != "COMMANDLINE":
            continue
        words += _words(max(parameter.opts, key=len), context.params[name])
    return shlex.join(words)


def _words(option: str, value: object) -> Iterable[str]:
    if isinstance(value, bool):
        return [option] if value else []
    if isinstance(value, (list, tuple)):
        return [word for one in value for word in (option, str(one))]
    return [option, str(value)]
