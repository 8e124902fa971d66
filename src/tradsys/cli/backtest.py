"""`tradsys backtest`: one profile of a finished run, simulated again by the engine of choice."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradsys.cli.compare import RunName, Runs
from tradsys.cli.options import Json, Plugin
from tradsys.cli.printed_json import printed_json

if TYPE_CHECKING:
    from tradsys.runs.section import Measurements

ENGINES = ("kernel", "vectorbt", "nautilus")


def command(
    run: RunName = "last",
    runs: Runs = Path("runs"),
    profile: Annotated[str | None, typer.Option(help="Profile; the deployed one unless given.")] = None,
    engine: Annotated[
        str, typer.Option(help="kernel, or as a second opinion on its trades vectorbt or nautilus.")
    ] = "kernel",
    plugin: Plugin = None,
    as_json: Json = False,
) -> int:
    """Simulate a profile of a run from its stored forecasts, without fitting anything again."""
    from tradsys.backtest.cost_breakdown import cost_breakdown
    from tradsys.backtest.entries import entry_outcomes
    from tradsys.backtest.metrics import measure
    from tradsys.cli.loading import load_own_parts, replayable
    from tradsys.core.errors import ConfigError
    from tradsys.research.judging.rejudge import Replay

    if engine not in ENGINES:
        near = difflib.get_close_matches(engine, ENGINES, n=1, cutoff=0.3)
        raise ConfigError(
            f"no engine is called {engine!r}; {f'did you mean {near[0]}?' if near else ' or '.join(ENGINES)}"
        )
    load_own_parts(plugin)
    stored = replayable(Replay.find(runs, run))
    chosen = stored.profile(profile)
    simulation = stored.simulate(chosen)
    measured = measure(simulation, seed=stored.spec.seed)
    opinion = None
    if engine == "nautilus":
        from tradsys.backtest.nautilus import second_opinion

        opinion = second_opinion(simulation, dict(stored.frames), stored.spec.barriers.horizon)
    if as_json:
        values = {name: {"value": m.value, "n": m.n, "low": m.low, "high": m.high} for name, m in measured.items()}
        ruin = {} if simulation.ruin is None else {"ruin": simulation.ruin.sentence}
        shown = {"run": stored.name, "profile": chosen.name, "engine": engine, "metrics": values} | ruin
        shown["not_taken"] = simulation.not_taken
        if opinion is not None:
            shown["agreed"] = {"n": len(opinion.trades), "to_the_cent": opinion.n_agreed}
        typer.echo(printed_json(shown))
        return 0
    lines = [f"{chosen.name} of {stored.name}, {len(simulation.trades)} trades, engine {engine}", ""]
    if engine == "vectorbt":
        from tradsys.backtest.vectorbt import portray, sharpe_sentence

        portfolio = portray(simulation, dict(stored.frames))
        lines += [str(portfolio.stats()), "", f"  {sharpe_sentence(simulation, portfolio)}"]
    elif opinion is not None:
        lines.append(f"  {opinion.sentence}")
    else:
        lines += [_line(name, m.value, m.low, m.high, m.n) for name, m in measured.items()]
        rests = simulation.entry is not None
        paid = cost_breakdown(simulation.trades, simulation.costs, has_resting_entries=rests)
        lines += ["", f"  costs: {paid.sentence}"]
    if simulation.missed is not None:
        found = entry_outcomes(simulation, seed=stored.spec.seed)
        lines += ["", "  limit entries, a trade on its notional; missed ones as if entered at the market"]
        lines += [_line(name, m.value, m.low, m.high, m.n) for name, m in found.items()]
    if left := [f"{n:,} {reason}" for reason, n in simulation.not_taken.items() if n]:
        lines.append(f"  decisions not taken: {', '.join(left)}")
    if simulation.ruin is not None:
        lines.append(f"  {simulation.ruin.sentence}")
    if chosen.name in stored.metrics.profiles:
        then = stored.metrics.profiles[chosen.name].metrics
        if any(then[name].value != measured[name].value for name in ("total_trades", "profit_total")):
            lines.append(f"  {_otherwise(then)}")
    typer.echo("\n".join(lines))
    return 0


def _otherwise(then: "Measurements") -> str:
    """That the run itself had other trades, since another version of the code made it."""
    n, profit = then["total_trades"].value or 0, then["profit_total"].value or 0.0
    return (
        f"careful: the run had {n:,.0f} trades and made {profit:.1%}: it was made by a version of the code that filled "
        "or charged otherwise. Its verdict rests on those, these are of today's rules; run again for a verdict on them"
    )


def _line(name: str, value: float | None, low: float | None, high: float | None, n: int) -> str:
    shown = "-" if value is None else f"{value:,.4f}"
    interval = "" if low is None or high is None else f"  [{low:,.4f}, {high:,.4f}]"
    return f"  {name:<24} {shown:>14}  n={n:,}{interval}"
