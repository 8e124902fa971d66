"""One page from one run folder: HTML, style, scripts and numbers in a single file that opens offline."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from tradsys.report import numbers
from tradsys.report.breakdown import breakdown_card
from tradsys.report.calendar_returns import calendar_cards
from tradsys.report.cards import alpha, cards, headline, profile_names
from tradsys.report.charts import pack_curves, pack_symbols
from tradsys.report.comparison import exit_shares, fold_rows, metric_rows
from tradsys.report.drift import drift_card
from tradsys.report.entries import COLUMNS, entry_rows
from tradsys.report.facts import cost_rows, lookahead_line, supervisor_card
from tradsys.report.forest import families_card, forecaster_rows, forests
from tradsys.report.importance import importance_card
from tradsys.report.money import money_card
from tradsys.report.ranks import ranks_card
from tradsys.report.reliability import diagrams
from tradsys.report.repeat import repetition
from tradsys.report.selection import chosen_card, paths_card
from tradsys.report.symbols import symbol_rows
from tradsys.report.trade_list import pack_trades
from tradsys.runs.deciders import deciding_sentences
from tradsys.runs.stored import StoredRun
from tradsys.runs.tables import EQUITY
from tradsys.runs.top_forecasts import top_forecast_sentences
from tradsys.verdict.delay import KEPT

SCRIPTS = ("decode", "theme", "overlay", "price", "equity", "trades", "start")
STYLES = ("report", "diagnostics", "strips", "trader")
LIBRARY = "vendor/lightweight-charts/lightweight-charts.standalone.production.js"


def render(run_dir: Path) -> Path:
    """Write `report.html` into a finished run's folder and return its path."""
    run = StoredRun(run_dir)
    target = run_dir / "report.html"
    partial = target.with_suffix(".html.partial")
    partial.write_text(page(run), encoding="utf-8")
    return partial.replace(target)


def page(run: StoredRun) -> str:
    """The whole page as text; the same run gives the same text."""
    own = {"style": style(), "library": _text(LIBRARY), "script": script()}
    return environment().get_template("report.html.j2").render(**contents(run), **own)


def style() -> str:
    """The style sheets of the report as one."""
    return "\n".join(_text(f"templates/{name}.css") for name in STYLES)


def script() -> str:
    """The scripts of the report as one; it draws what the element `run-data` holds."""
    return '(() => {\n"use strict";\n' + "\n".join(_text(f"scripts/{name}.js") for name in SCRIPTS) + "\n})();"


def contents(run: StoredRun) -> dict[str, Any]:
    """What `content.html.j2` shows of a run: its cards, tables and the numbers that the charts draw."""
    names, metrics = profile_names(run), run.metrics
    return dict(
        run=run,
        names=names,
        headline=headline(run, names),
        alpha=alpha(run),
        kept=KEPT,
        fewest=_fewest(run.manifest.config),
        cards=cards(run, names),
        lookahead=lookahead_line(metrics.lookahead),
        alignment=metrics.alignment,
        chosen=chosen_card(metrics, names),
        paths=paths_card(metrics, names),
        ranks=ranks_card(metrics),
        market=metrics.market,
        labels=metrics.labels,
        skill=metrics.skill,
        metrics=metric_rows(metrics, names),
        exits=exit_shares(metrics, names),
        costs=cost_rows(run, names),
        entries=entry_rows(metrics.profiles, names),
        entry_columns=list(COLUMNS.values()),
        folds=fold_rows(metrics, names),
        calendar=calendar_cards(run, names),
        breakdown=breakdown_card(run, names),
        repetition=repetition(run),
        decided=deciding_sentences(metrics, run.manifest.deployed_profile),
        symbols=symbol_rows(metrics, names, run.verdict),
        top_forecasts=top_forecast_sentences(metrics),
        forests=forests(metrics.skill),
        forecasters=forecaster_rows(metrics.skill),
        diagrams=diagrams(metrics.reliability, metrics.labels),
        money=money_card(metrics.money),
        importance=importance_card(metrics.importance),
        families=families_card(metrics.families),
        supervisor=supervisor_card(metrics.supervisor),
        drift=drift_card(metrics.adversarial),
        assumptions=metrics.assumptions,
        dangers=metrics.dangers,
        config=settings(run.manifest.config),
        machine=run.manifest.machine.to_json(),
        data=_drawn(run, names),
    )


def settings(config: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """A configuration as sections of key and value; the settings outside any section come first."""
    loose = [(key, numbers.plain(value)) for key, value in config.items() if not isinstance(value, dict)]
    found = [("", loose)] if loose else []
    for key, value in config.items():
        if isinstance(value, dict):
            found.append((key, [(name, numbers.plain(setting)) for name, setting in value.items()]))
    return found


def _drawn(run: StoredRun, names: list[str]) -> dict[str, Any]:
    return {
        "profiles": names,
        "symbols": pack_symbols(run, names),
        "equity": pack_curves(run.table(EQUITY), names, cash_quote=run.manifest.cash_quote),
        "trades": pack_trades(run, names),
    }


def _fewest(config: Mapping[str, Any]) -> str:
    """How many trades and days the run asked for before a p-value; empty where it does not say."""
    asked = config.get("verdict") or {}
    if "min_trades" not in asked or "min_days" not in asked:
        return ""
    return f": it takes {numbers.count(asked['min_trades'])} and {numbers.count(asked['min_days'])}"


@cache
def _text(path: str) -> str:
    return files("tradsys.report").joinpath(path).read_text(encoding="utf-8")


@cache
def environment() -> Environment:
    """The report's templates and the filters that write its numbers; the web pages build on it."""
    made = Environment(
        loader=PackageLoader("tradsys.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = ("number", "percent", "count", "day", "minute", "clock", "days", "plain", "p_value")
    made.filters |= {name: getattr(numbers, name) for name in names}
    return made
