"""`tradsys doctor`: what this machine gives a process, what the plan makes of it, and what would stop a long run."""

from pathlib import Path
from typing import Annotated, Any

import typer

from tradsys.cli.loading import run_work
from tradsys.cli.options import Json
from tradsys.cli.printed_json import printed_json
from tradsys.machine.plan import Work

_DECIDE = 260 * 10**6
"""A process that loads a bundle and decides; the same whatever it was trained on."""


def usual_work() -> tuple[Work, ...]:
    """What the check-up lists: the sample is 7,000 bars long, five hourly years are 43,800."""
    return (
        Work("deciding with a bundle", _DECIDE, "close other programs, or take a larger machine"),
        run_work(7_000, has_network=False),
        run_work(43_800, has_network=False),
        run_work(43_800, has_network=True),
        run_work(4 * 43_800, has_network=True),
    )


def command(
    plan: Annotated[str, typer.Option(help="auto, safe or beast.")] = "auto",
    runs: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs"),
    journal: Annotated[Path, typer.Option(help="Folder of the ledger.")] = Path("journal"),
    as_json: Json = False,
    warm: Annotated[
        bool, typer.Option("--warm", help="Only compile all kernels, in a tiny run that leaves nothing.")
    ] = False,
) -> int:
    """Limits of processor and memory, threads, accelerator, clock and disk; exit code 1 where something is wrong."""

    if warm:
        from tradsys.cli.warming import warm as run_once

        typer.echo(run_once())
        return 0
    from tradsys.machine.health import check_up

    report = check_up(plan, folders=(runs, journal), work=usual_work())
    typer.echo(printed_json(report.to_dict(), indent=1) if as_json else _text(report.to_dict()))
    return 0 if report.is_well else 1


def _text(report: dict[str, Any]) -> str:
    width = max(len(check["name"]) for check in report["checks"])
    lines = [f"  {c['state']:<4}  {c['name']:<{width}}  {c['found']}" for c in report["checks"]]
    able = [f"  {'yes' if work['fits'] else 'no ':<4}  {work['sentence']}" for work in report["work"]]
    return "\n".join([*lines, "", f"  {report['plan']}", "", "  What fits into it:", *able])
