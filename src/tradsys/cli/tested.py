"""What the terminal says of the test itself: when, in how many folds, with what skill, and symbol by symbol."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradsys.runs.metrics import RunMetrics
    from tradsys.runs.section import Band, Number
    from tradsys.runs.verdict import ProfileJudgement


def out_of_sample_lines(metrics: "RunMetrics") -> list[str]:
    """The tested span and its folds, the decision maker's gain over the base rate, and its highest forecasts."""
    from tradsys.runs.top_forecasts import top_forecast_sentences

    return [*_span(metrics), *_skill(metrics), *(f"  {sentence}" for sentence in top_forecast_sentences(metrics))]


def symbol_lines(metrics: "RunMetrics", deployed: str, judged: "ProfileJudgement | None" = None) -> list[str]:
    """One line a symbol where several are pooled: skill, and what trades of the deployed profile earned."""
    trades = {one.symbol: one for one in metrics.profiles[deployed].symbols} if deployed in metrics.profiles else {}
    skill = {one.symbol: one for one in (metrics.skill.symbols if metrics.skill else ())}
    p = {one.symbol: one.p for one in judged.symbols} if judged is not None else {}
    names = list(dict.fromkeys([*skill, *trades]))
    if not names:
        return []
    width = max(map(len, ("symbol", *names))) + 2
    lines = [
        f"  {'symbol':<{width}}{'trades':>7}  {'net bp a trade [95%]':<24}{'gross bp a trade [95%]':<24}"
        f"{'skill, millinats [95%]':<26}{'n':<9}p"
    ]
    for name in names:
        traded, known = trades.get(name), skill.get(name)
        net, gross = (_band(one, 1e4) for one in ((traded.net, traded.gross) if traded else (None, None)))
        gained, n = ("-", "-") if known is None else (_band(known.over_base, 1.0), f"{known.n:,}")
        own = "-" if p.get(name) is None else f"{p[name]:.3f}"
        n_trades = f"{traded.n_trades:,}" if traded else "-"
        lines.append(f"  {name:<{width}}{n_trades:>7}  {net:<24}{gross:<24}{gained:<26}{n:<9}{own}")
    missed = f"of {len(names)} symbols one interval in twenty misses by luck"
    return ["", *lines, f"  (trades of {deployed}; {missed}; p counts all symbols and trials)", ""]


def _span(metrics: "RunMetrics") -> Iterator[str]:
    folds = metrics.folds
    if folds:
        noun = "fold" if len(folds) == 1 else "folds"
        closed = "" if metrics.market.lockbox_from else "; there is no lock-box"
        span = f"{folds[0].test_from:%Y-%m-%d} to {folds[-1].test_to:%Y-%m-%d}"
        yield f"  tested from {span}, in {len(folds)} {noun}{closed}"


def _skill(metrics: "RunMetrics") -> Iterator[str]:
    skill = metrics.skill
    decider = next((one for one in skill.forecasters if one.name == "decision maker"), None) if skill else None
    if skill is None or decider is None or decider.over_base is None:
        return
    gained = decider.over_base
    yield (
        f"  forecasts gained {_band(gained, 1.0)} millinats over the base rate (n = {gained.n:,}, worth "
        f"{skill.effective_n or 0:,.0f} independent ones): {_meaning(gained)}"
    )


def _meaning(gained: "Band") -> str:
    if gained.low is not None and gained.low > 0:
        return "they know something"
    if gained.high is not None and gained.high < 0:
        return "worse than the base rate"
    return "no evidence that they know anything"


def _band(measured: "Band | None", scale: float) -> str:
    """A value with its interval, a dash where there is none."""
    if measured is None or measured.value is None:
        return "-"
    if measured.low is None or measured.high is None:
        return _number(measured.value, scale)
    return f"{_number(measured.value, scale)} [{_number(measured.low, scale)}, {_number(measured.high, scale)}]"


def _number(value: "Number", scale: float) -> str:
    return "-" if value is None else f"{scale * value:+.2f}"
