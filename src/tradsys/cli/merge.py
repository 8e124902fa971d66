"""`tradsys merge`: the parts of a study put together, wherever they were computed."""

from pathlib import Path
from typing import Annotated, Any

import typer

from tradsys.cli.options import Json
from tradsys.cli.printed_json import printed_json


def command(
    folders: Annotated[list[Path], typer.Argument(help="Folders that hold the parts, or folders of theirs.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the whole; the first of the others unless given.")] = None,
    any_code: Annotated[
        bool, typer.Option("--any-code", help="Take results by several versions of the code together.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Put the parts of a study together, as `calibrate --part K/N` and `compare --objectives --part K/N` leave them.

    The whole is what one machine alone would have written. A part that is missing or was cut short is named with the
    command that makes it, and nothing is written.
    """
    from tradsys.research.studies import merge_studies

    wholes = merge_studies(folders, out or folders[0], is_any_code=any_code)
    if as_json:
        told: list[dict[str, Any]] = [
            {"study": one.study, "n_parts": one.n_parts, "whole": str(one.path), "next": one.command} for one in wholes
        ]
        typer.echo(printed_json(told, indent=1))
    else:
        for one in wholes:
            typer.echo(f"{one.study}: {one.n_parts} parts in {one.path}; go on with: {one.command}")
    return 0
