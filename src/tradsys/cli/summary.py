"""The compact text with which a run ends."""

import json
from pathlib import Path
from typing import Any

from tradsys.cli.beside import beside_lines
from tradsys.data.market import Market
from tradsys.research.run import Run

_COLUMNS = (
    ("profile", 10),
    ("verdict", 11),
    ("trades", 7),
    ("profit", 8),
    ("win rate [95%]", 21),
    ("net Sharpe [95%]", 22),
    ("drawdown", 9),
)


def repairs_text(market: Market) -> str:
    """What was loaded, and what the importer repaired or noticed."""
    head = f"{len(market.bars):,} bars of {', '.join(market.symbols)} from {', '.join(market.sources)}"
    return "\n".join([head, *(f"  {'repaired' if r.changed else 'noticed'}: {r.sentence}" for r in market.repairs)])


def as_text(run: Run, *, as_json: bool = False) -> str:
    """A table of the profiles, a sentence each, and where to read on."""
    if as_json:
        return json.dumps({"run": str(run.folder), "verdict": run.verdict, "report": str(run.report)}, indent=1)
    lines = ["", *profiles_table(run.verdict, run.metrics), ""]
    lines += [f"  {name:<9} {verdict['sentence']}" for name, verdict in run.verdict["profiles"].items()]
    lines += ["", *cost_lines(run.folder), f"  {run.verdict['power']}", *beside_lines(run.metrics)]
    if "lockbox" in run.verdict:
        lines.append(f"  lock-box: {run.verdict['lockbox']['sentence']}")
    if looks := run.metrics["market"]["n_design_looks"]:
        lines.append(
            f"  The defaults were chosen on this data, in {looks} looks that all count as trials: "
            "its verdict is in-sample at the level of design."
        )
    return "\n".join([*lines, "", f"  report: {run.report}"])


def cost_lines(folder: Path) -> list[str]:
    """What each profile of a finished run paid, kind by kind."""
    import polars as pl

    from tradsys.backtest.cost_breakdown import cost_breakdown
    from tradsys.core.costs import Costs

    costs = Costs(**json.loads((folder / "manifest.json").read_text())["config"]["costs"])
    trades = pl.read_parquet(folder / "trades.parquet")
    of = trades.partition_by("profile", as_dict=True, maintain_order=True) if "profile" in trades.columns else {}
    return [f"  costs of {key[0]}: {cost_breakdown(mine, costs).sentence}" for key, mine in of.items()]


def profiles_table(verdict: dict[str, Any], metrics: dict[str, Any]) -> list[str]:
    """The profiles side by side, one line each."""
    longest = max(map(len, verdict["profiles"]), default=0) + 1
    columns = [(title, max(width, longest) if title == "profile" else width) for title, width in _COLUMNS]
    lines = ["  " + "".join(f"{title:<{width}}" for title, width in columns)]
    for name, judged in verdict["profiles"].items():
        measured = metrics["profiles"][name]["metrics"]
        cells = (
            name,
            judged["verdict"],
            str(judged["n_trades"]),
            _percent(measured["profit_total"]["value"]),
            _with_interval(measured["winrate"], _percent),
            _with_interval(measured["sharpe"], lambda x: "-" if x is None else f"{x:.2f}"),
            _percent(measured["max_drawdown_account"]["value"]),
        )
        lines.append("  " + "".join(f"{cell:<{width}}" for cell, (_, width) in zip(cells, columns, strict=True)))
    return lines


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _with_interval(measured: dict[str, Any], show: Any) -> str:
    if measured["low"] is None:
        return str(show(measured["value"]))
    return f"{show(measured['value'])} [{show(measured['low'])}, {show(measured['high'])}]"
