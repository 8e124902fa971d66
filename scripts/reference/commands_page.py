"""docs/reference/commands.md: every command and subcommand with its arguments and options, as `--help` tells them."""

from collections.abc import Iterator
from typing import Any

import typer
from words import paragraphs, plain, table

from tradsys.cli.app import COMMANDS, build


def page() -> str:
    """The whole page."""
    lines = [
        "# Every option of every command",
        "",
        "Written by `python scripts/reference`; a test fails where it is out of date. [Commands](../commands.md) "
        "has the same commands by what one wants, with examples.",
        "",
    ]
    for name in COMMANDS:
        group: Any = typer.main.get_command(build(name))
        lines += _command(name, group.commands[name])
    return "\n".join(lines).rstrip() + "\n"


def _command(path: str, command: Any) -> Iterator[str]:
    level = "##" if " " not in path else "###"
    yield from (f"{level} tradsys {path}", "", *paragraphs(command.help))
    rows = [row for param in command.params if (row := _row(param))]
    if rows:
        yield from (*table(("option", "what it says", "default"), rows), "")
    for name, inner in getattr(command, "commands", {}).items():
        yield from _command(f"{path} {name}", inner)


def _row(param: Any) -> tuple[str, str, str] | None:
    if param.name == "help" or getattr(param, "hidden", False):
        return None
    is_argument = param.param_type_name == "argument"
    name = param.name.upper() if is_argument else ", ".join([*param.opts, *param.secondary_opts])
    return f"`{name}`", plain(param.help), "wanted" if param.required else _default(param.default)


def _default(value: Any) -> str:
    if value is None or value is False or value in ((), [], ""):
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(f"`{one}`" for one in value)
    return f"`{value}`"
