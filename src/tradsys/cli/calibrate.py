"""`tradsys calibrate`: the whole flow on markets with known truth, to know how often the verdict is wrong."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tradsys.cli.options import Json
from tradsys.cli.printed_json import printed_json
from tradsys.machine.plan import Work

if TYPE_CHECKING:
    from tradsys.research.parts.part import Part

_MARKET: Final = {"fast": 850 * 10**6, "full": 1_700 * 10**6}
"""A process that tries simulated markets of five hourly years one after the other, at its largest after 40 of them."""


def calibrate_work(preset: str) -> Work:
    """One process of `tradsys calibrate`."""
    rest = "--preset fast takes half of it" if preset == "full" else "take a larger machine"
    return Work(f"trying {preset} markets, in each process,", _MARKET[preset], rest)


def command(
    context: typer.Context,
    preset: Annotated[
        str, typer.Option(help="fast: quick parts in the slow ones' places; full: the default experiment.")
    ] = "fast",
    markets: Annotated[int, typer.Option(help="Markets a cell.", min=1)] = 1_000,
    cells: Annotated[
        list[str] | None, typer.Option("--cell", help="Kind of market, e.g. noise or edge:2; again for more.")
    ] = None,
    rivals_every: Annotated[
        int, typer.Option(help="Judge every so many markets among 20 and 100 trials too; 0 for none.", min=0)
    ] = 3,
    processes: Annotated[int | None, typer.Option(help="Processes; otherwise one a core.", min=1)] = None,
    plan: Annotated[str, typer.Option(help="How much of the machine it may take: auto, safe or beast.")] = "auto",
    part: Annotated[
        str | None, typer.Option(help="K/N: part K of N alone, on any machine; tradsys merge makes the whole.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the results, a file a preset.")] = Path("calibration"),
    publish: Annotated[
        Path | None, typer.Option(help="Root of the source tree whose page and figures are to be written.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Error rates and power of the verdict over many simulated markets; stopped, it goes on where it was."""
    from datetime import UTC, datetime

    from tradsys.cli.loading import plan_for, side_by_side
    from tradsys.cli.progress import reporter
    from tradsys.cli.typed import typed
    from tradsys.core.errors import ConfigError
    from tradsys.research.calibration.monte_carlo import calibrate
    from tradsys.research.calibration.page import publish_summary, render
    from tradsys.research.calibration.parts import CalibrationPlan, part_file, whole_file
    from tradsys.research.calibration.rates import summarise
    from tradsys.research.calibration.scenarios import preset_named
    from tradsys.research.parts.part import Part
    from tradsys.research.parts.stated import TypedCommand

    chosen = preset_named(preset)
    asked = CalibrationPlan(chosen, markets, tuple(cells or ()), rivals_every)
    own = Part.of(part) if part else None
    if own and publish:
        raise ConfigError("a part is no whole to be published, found --part and --publish; publish after tradsys merge")
    wanted = asked.of_part(own) if own else asked.replications
    results = part_file(out, chosen, own) if own else whole_file(out, chosen)
    work = calibrate_work(chosen)
    machine = plan_for(plan, work)
    n_processes = side_by_side(machine, work, processes)
    if own:
        asked.state(
            own, TypedCommand(typed(context, without=("part", "out", "processes", "plan", "as_json")), str(out))
        )
    with reporter(quiet=as_json) as progress:
        calibrate(wanted, results, n_processes=n_processes, plan=machine.shared(n_processes), progress=progress)
    if own:
        _tell_part(own, len(wanted), results.path, as_json=as_json)
        return 0
    summary = summarise(results.read())
    if publish is not None:
        publish_summary(summary, publish, today=datetime.now(UTC).date())
    typer.echo(printed_json(summary, indent=1) if as_json else render(summary))
    return 0


def _tell_part(part: "Part", n_markets: int, path: Path, *, as_json: bool) -> None:
    """What a part has done, and what comes next."""

    if as_json:
        typer.echo(printed_json({"part": str(part), "n_markets": n_markets, "file": str(path)}, indent=1))
        return
    typer.echo(
        f"part {part}: all of its {n_markets:,} markets are tried, in {path}; when the other parts are done too: "
        f"tradsys merge {path.parent} and their folders"
    )
