"""Tables: the profiles side by side under freqtrade's names, their exits, and the folds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from tradsys.report.numbers import UNKNOWN, count, day, duration, interval_text, is_known, number, percent
from tradsys.runs.deciders import lacked
from tradsys.runs.metrics import FoldMetrics, FoldTrades, RunMetrics
from tradsys.runs.section import Measurement, Number

_signed_percent = partial(percent, signed=True)
_signed_number = partial(number, signed=True)
_METRICS: dict[str, tuple[str, Callable[[Number], str]]] = {
    "profit_total": ("Profit, whole test", _signed_percent),
    "profit_total_abs": ("The same, quote currency", _signed_number),
    "cagr": ("Profit a year, compounded", _signed_percent),
    "sharpe": ("Sharpe ratio a year, net", number),
    "sortino": ("Sortino ratio", number),
    "calmar": ("Calmar ratio", number),
    "max_drawdown_account": ("Deepest drawdown", percent),
    "profit_mean": ("Profit a trade, mean", _signed_percent),
    "profit_mean_gross": ("The same, before costs", _signed_percent),
    "spread_gross": ("Longs less shorts, before costs", _signed_percent),
    "profit_median": ("Profit a trade, median", _signed_percent),
    "winrate": ("Trades won", percent),
    "profit_factor": ("Won per unit lost", number),
    "expectancy": ("Profit a trade, quote currency", _signed_number),
    "expectancy_ratio": ("Profit a trade per average loss", _signed_number),
    "sqn": ("System quality number", number),
    "total_trades": ("Trades", count),
    "trade_count_long": ("Long trades", count),
    "trade_count_short": ("Short trades", count),
    "wins": ("Trades won", count),
    "draws": ("Trades that broke even", count),
    "losses": ("Trades lost", count),
    "trades_per_day": ("Trades a day", number),
    "holding_avg_s": ("Held, mean", duration),
    "winner_holding_avg_s": ("Winners held, mean", duration),
    "loser_holding_avg_s": ("Losers held, mean", duration),
    "exposure_avg": ("Exposure, mean", percent),
    "backtest_best_day": ("Best day", _signed_percent),
    "backtest_worst_day": ("Worst day", _signed_percent),
    "fees_abs": ("Fees paid, quote currency", number),
    "slippage_abs": ("Slippage paid, quote currency", number),
    "ambiguous_share": ("Both barriers in one bar", percent),
}
_MAIN = {
    *("profit_total", "cagr", "sharpe", "sortino", "calmar", "max_drawdown_account", "profit_mean", "spread_gross"),
    *(
        "profit_mean_gross",
        "spread_gross",
        "winrate",
        "profit_factor",
        "expectancy",
        "sqn",
        "trades_per_day",
        "holding_avg_s",
    ),
}


@dataclass(frozen=True, slots=True)
class MetricCell:
    """A number with its interval and how many observations stand behind it."""

    value: str
    interval: str = ""
    n: str = ""


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric for every profile, and last for buy-and-hold; the main ones are shown without being asked for."""

    name: str
    label: str
    cells: tuple[MetricCell, ...]
    is_main: bool


@dataclass(frozen=True, slots=True)
class ExitShare:
    """How one profile's trades ended, as shares of a bar's width."""

    profile: str
    n: str
    parts: tuple[tuple[str, str, float], ...]


@dataclass(frozen=True, slots=True)
class FoldRow:
    """One purged test fold, counted from 1; `lacked` says of each challenger why it did not decide."""

    fold: str
    span: str
    n_train: str
    n_test: str
    decider: str
    lacked: tuple[str, ...]
    auditor: str
    gain: str
    auc: str
    profiles: tuple[MetricCell, ...]


def metric_rows(metrics: RunMetrics, names: Sequence[str]) -> list[MetricRow]:
    """Known metrics in the order above, then any other that the run measured."""
    measured = [metrics.profiles[name].metrics for name in names]
    present = dict.fromkeys(metric for own in measured for metric in own)
    order = [metric for metric in _METRICS if metric in present] + [m for m in present if m not in _METRICS]
    found = []
    for metric in order:
        label, show = _METRICS.get(metric, ("", number))
        held = metrics.buy_and_hold.get(metric)
        cells = (*(_cell(own.get(metric), show) for own in measured), MetricCell(show(held) if is_known(held) else ""))
        found.append(MetricRow(metric, label, cells, metric in _MAIN))
    return found


def exit_shares(metrics: RunMetrics, names: Sequence[str]) -> list[ExitShare]:
    """Target, stop and time exits, and liquidations, of each profile that traded."""
    found = []
    for name in names:
        reasons = metrics.profiles[name].exit_reasons
        numbers = {reason: reasons.get(reason, 0) for reason in ("target", "stop", "time", "liquidation")}
        total = sum(numbers.values())
        if total:
            parts = tuple((reason, count(n), round(100 * n / total, 2)) for reason, n in numbers.items() if n)
            found.append(ExitShare(name, count(total), parts))
    return found


def fold_rows(metrics: RunMetrics, names: Sequence[str]) -> list[FoldRow]:
    """The folds in order of time."""
    return [_fold(fold, names) for fold in metrics.folds]


def _fold(fold: FoldMetrics, names: Sequence[str]) -> FoldRow:
    return FoldRow(
        fold=str(fold.fold + 1),
        span=f"{day(fold.test_from)} to {day(fold.test_to)}",
        n_train=count(fold.n_train),
        n_test=count(fold.n_test),
        decider=fold.decider or UNKNOWN,
        lacked=tuple(f"{name}: {lacked(fold, name)}" for name in fold.challengers if name != fold.decider),
        auditor=fold.auditor,
        gain=number(fold.gain_millinats, signed=True),
        auc=f"{fold.auc:.3f}" if is_known(fold.auc) else UNKNOWN,
        profiles=tuple(_fold_cell(fold.profiles.get(name)) for name in names),
    )


def _fold_cell(own: FoldTrades | None) -> MetricCell:
    if own is None:
        return MetricCell(UNKNOWN)
    if own.n_trades == 0 and not own.equity_return:
        return MetricCell("no trades")
    return MetricCell(percent(own.equity_return, signed=True), n=count(own.n_trades))


def _cell(measured: Measurement | None, show: Callable[[Number], str]) -> MetricCell:
    if measured is None:
        return MetricCell("")
    return MetricCell(show(measured.value), interval_text(measured.low, measured.high, show), count(measured.n))
