"""Performance metrics of a simulated portfolio, under freqtrade's names, each with its n and an interval."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from tradsys.backtest.block_sums import circular_block_sums, percentile_interval
from tradsys.backtest.simulate import Simulation
from tradsys.core.arrays import FloatArray
from tradsys.core.time import DAY_MS, DAYS_A_YEAR
from tradsys.verdict.reliability import clopper_pearson
from tradsys.verdict.ruin import is_ruined, unflattered

BLOCK_DAYS, N_BOOTSTRAP = 10, 1999
"""Days of a block, and draws, of all intervals of a simulation's trades and days."""

_OF_DAYS = ("profit_total", "cagr", "sharpe", "sortino", "trades_per_day")
_OF_PATH = ("profit_total", "cagr", "sharpe", "sortino", "profit_factor", "expectancy", "expectancy_ratio")
"""Without an interval where the account was ruined: days after an end are like none before it."""

_ROUNDING = 1e-9
"""A sum of logarithms this near to none has lost its sign, and the account knows better."""

_SUMS = ("day", "square", "downside", "growth", "trade", "net", "gross", "won", "lost", "n_lost")


@dataclass(frozen=True, slots=True)
class Measured:
    """A number, how many trades or days it rests on, and its 95% interval; None where undefined or not estimated."""

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None


def measure(
    simulation: Simulation, *, seed: int, block_days: int = BLOCK_DAYS, n_bootstrap: int = N_BOOTSTRAP
) -> dict[str, Measured]:
    """All metrics of one simulation by name: fractions, quote currency (`*_abs`, `expectancy`) and seconds (`*_s`).

    Where freqtrade works from closed trades, `sharpe`, `sortino` and `cagr` here come from daily net returns, flat
    days included, annualised with 365 days; `max_drawdown_account` is the deepest fall of the marked equity from its
    peak, and `calmar` is `cagr` over it. `profit_mean` and `profit_median` are net returns of trades on their
    notional, `profit_mean_gross` before costs.

    A ruined account's `profit_total`, `cagr` and `calmar` are -1 and have no interval, and its drawdown is 1. `sharpe`
    and `sortino` of an account that lost all, or all but a hundredth, are at most those of its log returns, as
    `verdict.ruin` has them, and so never above zero.

    `winrate` and `ambiguous_share` carry exact intervals; `sharpe`, `sortino`, `cagr`, the profits and the expectancies
    percentile intervals from a circular block bootstrap of days, in which a trade belongs to the day of its exit.
    """
    trades, daily = simulation.trades, simulation.daily
    n, n_days = len(trades), len(daily)
    pnl, net = trades["pnl_quote"].to_numpy(), trades["net_return"].to_numpy()
    won, lost = pnl > 0, pnl < 0
    held_s = (trades["exit_ts"] - trades["entry_ts"]).dt.total_seconds().to_numpy()
    equity = np.append(simulation.cash_quote, simulation.equity["equity"].to_numpy())
    drawdown = float((1.0 - equity / np.maximum.accumulate(equity)).max())
    estimated = _estimate(simulation, block_days, n_bootstrap, seed)
    gained, total = float(equity[-1] - simulation.cash_quote), estimated["profit_total"]
    if total.value is not None and abs(total.value) < _ROUNDING:
        estimated["profit_total"] = replace(total, value=gained / simulation.cash_quote)
    cagr = estimated["cagr"].value
    mean = estimated["expectancy"].value if is_ruined(daily) else pnl.mean() if n else None
    return {
        "total_trades": Measured(n, n),
        "trade_count_long": Measured(int((trades["side"] == 1).sum()), n),
        "trade_count_short": Measured(int((trades["side"] == -1).sum()), n),
        "wins": Measured(int(won.sum()), n),
        "draws": Measured(int(n - won.sum() - lost.sum()), n),
        "losses": Measured(int(lost.sum()), n),
        "winrate": _share(int(won.sum()), n),
        **estimated,
        "profit_total_abs": Measured(gained, n_days),
        "profit_median": Measured(float(np.median(net)) if n else None, n),
        "max_drawdown_account": Measured(drawdown, n_days),
        "calmar": Measured(cagr / drawdown if cagr is not None and drawdown > 0 else None, n_days),
        "sqn": Measured(float(np.sqrt(n) * mean / pnl.std(ddof=1)) if n > 1 and pnl.std() > 0 else None, n),
        "holding_avg_s": _mean(held_s),
        "winner_holding_avg_s": _mean(held_s[won]),
        "loser_holding_avg_s": _mean(held_s[lost]),
        "backtest_best_day": Measured(float(daily.max()), n_days),
        "backtest_worst_day": Measured(float(daily.min()), n_days),
        "fees_abs": Measured(float(trades["fees_quote"].sum()), n),
        "slippage_abs": Measured(float(trades["slippage_quote"].sum()), n),
        "exposure_avg": Measured(float(np.abs(simulation.position).sum(axis=0).mean()), simulation.position.shape[1]),
        "ambiguous_share": _share(int(trades["ambiguous"].sum()), n),
    }


def _estimate(simulation: Simulation, block_days: int, n_bootstrap: int, seed: int) -> dict[str, Measured]:
    n_days = len(simulation.daily)
    sums = _daily_sums(simulation)
    resampled = circular_block_sums(sums, block_days=block_days, n_draws=n_bootstrap, seed=seed)
    point = dict(_from_sums(sums.sum(axis=0), n_days, n_days))
    draws = dict(_from_sums(resampled, n_days // block_days * block_days, n_days))
    shown = unflattered(simulation.daily)
    if shown is not simulation.daily:
        point |= {name: _from_sums(_of_days(shown).sum(axis=0), n_days, n_days)[name] for name in ("sharpe", "sortino")}
    if is_ruined(simulation.daily):
        point |= _of_ruin(simulation)
        draws = {name: values[:0] if name in _OF_PATH else values for name, values in draws.items()}
    return {
        name: Measured(
            float(value) if np.isfinite(value) else None,
            n_days if name in _OF_DAYS else simulation.n_trades,
            *percentile_interval(draws[name]),
        )
        for name, value in point.items()
    }


def _of_ruin(simulation: Simulation) -> Mapping[str, FloatArray]:
    """What is known of an account that lost its capital, where a sum over all that it won before may not tell."""
    pnl = simulation.trades["pnl_quote"].to_numpy()
    values = {"profit_total": -1.0, "cagr": -1.0}
    if (pnl < 0).any():
        mean = -simulation.cash_quote / len(pnl)
        values |= {"expectancy": mean, "expectancy_ratio": mean / -float(pnl[pnl < 0].mean())}
    return {name: np.float64(value) for name, value in values.items()}  # type: ignore[misc]  # of no dimension


def _daily_sums(simulation: Simulation) -> FloatArray:
    """What each day adds to the sums `_SUMS`, (n_days, n_sums)."""
    trades, daily = simulation.trades, simulation.daily
    day = (trades["exit_ts"].dt.epoch("ms").to_numpy() - 1) // DAY_MS - simulation.days[0]
    pnl = trades["pnl_quote"].to_numpy()
    of_trades = [
        np.ones(len(pnl)),
        trades["net_return"].to_numpy(),
        trades["gross_return"].to_numpy(),
        np.maximum(pnl, 0.0),
        np.maximum(-pnl, 0.0),
        (pnl < 0).astype(np.float64),
    ]
    by_day = [np.bincount(day, weights=values, minlength=len(daily)) for values in of_trades]
    return np.column_stack([_of_days(daily), *by_day])


def _of_days(daily: FloatArray) -> FloatArray:
    """What each day adds to the first four of the sums, (n_days, 4)."""
    growth = np.log1p(np.maximum(daily, np.nextafter(-1.0, 0.0)))  # finite: what a ruin leaves is said by hand
    return np.stack([daily, daily**2, np.minimum(daily, 0.0) ** 2, growth], axis=1)


def _from_sums(sums: FloatArray, n_drawn: int, n_days: int) -> Mapping[str, FloatArray]:
    """Metrics from sums over `n_drawn` days, (..., n_sums) -> (...); NaN or infinite where undefined."""
    s = dict.fromkeys(_SUMS, np.nan) | dict(zip(_SUMS, np.moveaxis(sums, -1, 0), strict=False))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mean = s["day"] / n_drawn
        variance = np.maximum(s["square"] / n_drawn - mean**2, 0.0) * n_drawn / (n_drawn - 1)
        variance = np.where(variance > 1e-15 * s["square"], variance, np.nan)  # rounding alone is no variance
        expectancy = (s["won"] - s["lost"]) / s["trade"]
        return {
            "profit_total": np.expm1(s["growth"] * n_days / n_drawn),
            "cagr": np.expm1(s["growth"] * DAYS_A_YEAR / n_drawn),
            "sharpe": mean / np.sqrt(variance) * np.sqrt(DAYS_A_YEAR),
            "sortino": mean / np.sqrt(s["downside"] / n_drawn) * np.sqrt(DAYS_A_YEAR),
            "profit_mean": s["net"] / s["trade"],
            "profit_mean_gross": s["gross"] / s["trade"],
            "profit_factor": s["won"] / s["lost"],
            "expectancy": expectancy,
            "expectancy_ratio": expectancy / (s["lost"] / s["n_lost"]),
            "trades_per_day": s["trade"] / n_drawn,
        }


def _share(k: int, n: int) -> Measured:
    return Measured(k / n, n, *clopper_pearson(k, n)) if n else Measured(None, 0)


def _mean(values: FloatArray) -> Measured:
    return Measured(float(values.mean()) if len(values) else None, len(values))
