"""The compact text with which a run ends and by which `tradsys compare` shows it again."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from tradsys.cli.tested import out_of_sample_lines, symbol_lines

if TYPE_CHECKING:
    from tradsys.runs.metrics import RunMetrics
    from tradsys.runs.section import Band, Measurement, Number
    from tradsys.runs.stored import StoredRun
    from tradsys.runs.verdict import RunVerdict

_COLUMNS = (
    ("profile", 10),
    ("verdict", 11),
    ("trades", 7),
    ("profit", 8),
    ("win rate [95%]", 21),
    ("net Sharpe [95%]", 22),
    ("drawdown", 9),
)


def summary(run: "StoredRun") -> str:
    """A table of the profiles, a sentence each, what trading cost, and what carries no verdict."""
    from tradsys.verdict.results import VerdictSpec

    verdict = run.verdict
    table = profiles_table(verdict, run.metrics)
    deployed = run.manifest.deployed_profile
    lines = [
        "",
        *table,
        "",
        *decided_lines(run),
        *cost_lines(run),
        *entry_lines(run.metrics),
        *unfilled_lines(run.metrics),
        f"  {verdict.power}",
    ]
    lines += [*out_of_sample_lines(run.metrics), *symbol_lines(run.metrics, deployed, verdict.profiles.get(deployed))]
    lines += unjudged_lines(run.metrics)
    lines += [f"  careful: {sentence}" for sentence in run.metrics.dangers]
    lines += checked_lines(run.metrics)
    if verdict.lockbox is not None:
        lines.append(f"  lock-box: {verdict.lockbox.sentence}")
    if looks := run.metrics.market.n_design_looks:
        lines.append(
            f"  The defaults were chosen on this data, in {looks} looks that all count as trials: "
            "its verdict is in-sample at the level of design."
        )
    if rules := VerdictSpec(**(run.manifest.config.get("verdict") or {})).changed:
        lines.append(f"  careful: judged by changed rules, {rules}: the measured error rates do not hold")
    return "\n".join([*lines, ""])


def profiles_table(verdict: "RunVerdict", metrics: "RunMetrics") -> list[str]:
    """The profiles side by side, one line each, and below the table a sentence each."""
    longest = max(map(len, verdict.profiles), default=0) + 1
    widest = max((len(judged.standing) for judged in verdict.profiles.values()), default=0) + 1
    least = {"profile": longest, "verdict": widest}
    columns = [(title, max(width, least.get(title, 0))) for title, width in _COLUMNS]
    lines = ["  " + "".join(f"{title:<{width}}" for title, width in columns)]
    for name, judged in verdict.profiles.items():
        measured = metrics.profiles[name].metrics
        cells = (
            name,
            judged.standing,
            str(judged.n_trades),
            _percent(measured["profit_total"].value),
            _with_interval(measured["winrate"], _percent),
            _with_interval(measured["sharpe"], _ratio),
            _percent(measured["max_drawdown_account"].value),
        )
        lines.append("  " + "".join(f"{cell:<{width - 1}} " for cell, (_, width) in zip(cells, columns, strict=True)))
    sentences = [f"  {name:<9} {judged.sentence}" for name, judged in verdict.profiles.items()]
    return [*lines, "", *sentences, *_last_third(verdict)]


def _last_third(verdict: "RunVerdict") -> Iterator[str]:
    """The last third of each record alone, in one line: where an edge has died its past still looks well."""
    parts = {name: judged.lately for name, judged in verdict.profiles.items() if judged.lately is not None}
    if not parts:
        return
    first = next(iter(parts.values()))
    cells = (
        f"{name} {_ratio(one.sharpe)}{_around(one.low, one.high, _ratio)} ({one.n_trades:,} trades)"
        for name, one in parts.items()
    )
    yield f"  the last third alone, net Sharpe [95%] of {first.n_days:,} days since {first.since}: {', '.join(cells)}"


def decided_lines(run: "StoredRun") -> list[str]:
    """The deployed profile, who decided in which fold, and what each challenger lacked."""
    from tradsys.runs.deciders import deciding_sentences

    return [f"  {sentence}" for sentence in deciding_sentences(run.metrics, run.manifest.deployed_profile)]


def cost_lines(run: "StoredRun") -> list[str]:
    """What each profile of a finished run paid, kind by kind."""
    from tradsys.backtest.cost_breakdown import cost_breakdown
    from tradsys.runs.tables import TRADES

    trades = run.table(TRADES).partition_by("profile", as_dict=True, maintain_order=True)
    costs, rests = run.manifest.costs, run.manifest.has_resting_entries
    paid = {name: cost_breakdown(mine, costs, has_resting_entries=rests) for (name,), mine in trades.items()}
    lines = [f"  costs of {name}: {one.sentence}" for name, one in paid.items()]
    return [*lines, *slippage_lines(run.metrics)]


def slippage_lines(metrics: "RunMetrics") -> list[str]:
    """What market orders paid beside their fees, and what more of it would leave of each profile that traded."""
    from tradsys.runs.slippage import charged_sentence, more_sentence

    charged = charged_sentence(metrics.slippage)
    more = [f"  slippage of {n}: {more_sentence(p.slippage)}" for n, p in metrics.profiles.items() if p.slippage]
    return [*([f"  {charged}"] if charged else []), *more]


def entry_lines(metrics: "RunMetrics") -> list[str]:
    """What limit entries brought each profile, and what was missed; nothing of entries at the market."""
    from tradsys.report.entries import entry_rows, entry_sentence

    rows = entry_rows(metrics.profiles, list(metrics.profiles))
    return [f"  limit entries of {row.profile}: {entry_sentence(row)}" for row in rows]


def unfilled_lines(metrics: "RunMetrics") -> list[str]:
    """What of each profile no venue would have filled, where there was any."""
    from tradsys.runs.unfilled import unfilled_sentence

    told = ((name, unfilled_sentence(one)) for name, one in metrics.profiles.items())
    return [f"  not filled, {name}: {sentence}" for name, sentence in told if sentence]


def unjudged_lines(metrics: "RunMetrics") -> list[str]:
    """What a run measured that carries no verdict: who was ranked, the chosen procedure, cross-validated paths."""
    return [*_ranked(metrics), *_chosen(metrics), *_paths(metrics)]


def checked_lines(metrics: "RunMetrics") -> Iterator[str]:
    """How much was computed again without the future, and how the time stamps of all stand to each other."""
    from tradsys.report.facts import lookahead_line

    if looked := lookahead_line(metrics.lookahead):
        yield f"  look-ahead: {looked.found}; {looked.rests_on}"
    if metrics.alignment is not None:
        yield from filter(None, [f"  {metrics.alignment.sentence}" if metrics.alignment.sentence else ""])
        yield from (f"  careful: alignment.allow_lead lets this pass: {one}" for one in metrics.alignment.allowed)
        yield from (f"  noticed: {one}" for one in metrics.alignment.noticed)


def _ranked(metrics: "RunMetrics") -> Iterator[str]:
    universe = metrics.universe
    if universe is None:
        return
    ((name, profile),) = metrics.profiles.items()
    spread = profile.metrics["spread_gross"]
    yield f"  {name}: {profile.description}"
    yield f"  universe: {universe.n_members_mean:.1f} of {universe.n_symbols} symbols on average"
    yield f"  before costs, long less short: {_with_interval(spread, _basis_points)} bp each of {spread.n:,} times"


def _chosen(metrics: "RunMetrics") -> Iterator[str]:
    if metrics.chosen is not None:
        sharpe = _with_interval(metrics.chosen.metrics["sharpe"], _ratio)
        n_trades = metrics.chosen.metrics["total_trades"].value
        yield f"  chosen in each fold: net Sharpe {sharpe}, {n_trades:,} trades; it carries no verdict"


def _paths(metrics: "RunMetrics") -> Iterator[str]:
    paths = metrics.paths
    if paths is None:
        return
    if not paths.profiles:
        yield f"  no cross-validated paths: {paths.reason}"
        return
    means = ", ".join(
        f"{name} {_ratio(one.mean)}{_around(*(one.interval or (None, None)), _ratio)}"
        for name, one in paths.profiles.items()
    )
    yield f"  mean net Sharpe of {paths.n_paths} cross-validated paths, never judged: {means}"


def _percent(value: "Number") -> str:
    return "-" if value is None else f"{value:.1%}"


def _ratio(value: "Number") -> str:
    return "-" if value is None else f"{value:.2f}"


def _basis_points(value: "Number") -> str:
    return "-" if value is None else f"{1e4 * value:.0f}"


def _with_interval(measured: "Band | Measurement", show: Callable[["Number"], str]) -> str:
    return f"{show(measured.value)}{_around(measured.low, measured.high, show)}"


def _around(low: "Number", high: "Number", show: Callable[["Number"], str]) -> str:
    return "" if low is None or high is None else f" [{show(low)}, {show(high)}]"
