"""Results by symbol of a pooled run: skill on each symbol's bars, and each profile's trades of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from tradsys.report.numbers import count, interval_text, is_known, number, p_value, percent
from tradsys.runs.metrics import RunMetrics, SymbolTrades
from tradsys.runs.section import Band, Number
from tradsys.runs.verdict import RunVerdict, SymbolJudgement


@dataclass(frozen=True, slots=True)
class SymbolCell:
    """A number with its interval and the observations behind it, and a second line where there is more to say."""

    value: str
    interval: str = ""
    n: str = ""
    more: str = ""


@dataclass(frozen=True, slots=True)
class PooledSymbol:
    """One symbol: skill of its forecasts, then a cell a profile."""

    symbol: str
    skill: SymbolCell
    profiles: tuple[SymbolCell, ...]

    @property
    def cells(self) -> tuple[SymbolCell, ...]:
        """In the order of the columns."""
        return (self.skill, *self.profiles)


def symbol_rows(metrics: RunMetrics, names: Sequence[str], verdict: RunVerdict | None = None) -> list[PooledSymbol]:
    """The symbols in the order in which they were loaded; none where only one was."""
    trades = [{one.symbol: one for one in metrics.profiles[name].symbols} for name in names]
    skill = {one.symbol: one for one in (metrics.skill.symbols if metrics.skill else ())}
    symbols = dict.fromkeys([*skill, *(symbol for own in trades for symbol in own)])
    judged = [
        {one.symbol: one for one in verdict.profiles[name].symbols} if verdict is not None else {} for name in names
    ]
    found = []
    for symbol in symbols:
        known = skill.get(symbol)
        gained = SymbolCell("") if known is None else _cell(known.over_base, known.n, 1.0)
        cells = tuple(_traded(own.get(symbol), one.get(symbol)) for own, one in zip(trades, judged, strict=True))
        found.append(PooledSymbol(symbol, gained, cells))
    return found


def _traded(own: SymbolTrades | None, judged: SymbolJudgement | None) -> SymbolCell:
    if own is None or own.n_trades == 0:
        return SymbolCell("no trades")
    net = _cell(own.net, own.n_trades, 1e4)
    more = f"before costs {_cell(own.gross, own.n_trades, 1e4).value}"
    if judged is not None and is_known(judged.profit_share):
        more += f", {percent(judged.profit_share)} of the profit"
    if judged is not None and is_known(judged.p):
        more += f", p {p_value(judged.p)}"
    return SymbolCell(net.value, net.interval, net.n, more)


def _cell(measured: Band | None, n: int, scale: float) -> SymbolCell:
    if measured is None or measured.value is None:
        return SymbolCell("", n=count(n))

    def show(value: Number) -> str:
        return number(None if value is None else scale * value, signed=True)

    return SymbolCell(show(measured.value), interval_text(measured.low, measured.high, show), count(n))
