"""Results by symbol of a pooled run: trades, what each earned before and after costs, and skill on its bars alone."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tradsys.backtest.block_sums import circular_block_sums, percentile_interval
from tradsys.backtest.metrics import BLOCK_DAYS, N_BOOTSTRAP
from tradsys.backtest.simulate import Simulation
from tradsys.core.arrays import FloatArray
from tradsys.core.time import DAY_MS
from tradsys.research.walk.scoring import BASE_RATE, DECISION_MAKER, Scored, millinats
from tradsys.verdict.results import VerdictSpec
from tradsys.verdict.scores import log_loss
from tradsys.verdict.skill import gain
from tradsys.verdict.symbols import symbol_evidence


def symbol_trades(simulation: Simulation, *, seed: int) -> list[dict[str, Any]]:
    """A profile's trades of each symbol: how many, net and gross return a trade on its notional, and profit in all.

    Intervals are percentiles of a circular block bootstrap of days, in which a trade belongs to the day of its exit;
    the same days are drawn for every symbol.
    """
    trades, symbols = simulation.trades, simulation.symbols
    day = (trades["exit_ts"].dt.epoch("ms").to_numpy() - 1) // DAY_MS - simulation.days[0]
    row = {name: s for s, name in enumerate(symbols)}
    place = np.array([row[name] for name in trades["symbol"]], np.int64) * len(simulation.days) + day
    returns = {name: trades[f"{name}_return"].to_numpy() for name in ("net", "gross")}
    shape = (len(symbols), len(simulation.days))
    n, net, gross, profit = (
        np.bincount(place, weights=values, minlength=shape[0] * shape[1]).reshape(shape)
        for values in (np.ones(len(trades)), returns["net"], returns["gross"], trades["pnl_quote"].to_numpy())
    )
    drawn = circular_block_sums(
        np.concatenate([n, net, gross]).T, block_days=BLOCK_DAYS, n_draws=N_BOOTSTRAP, seed=seed
    ).T.reshape(3, len(symbols), -1)
    found = []
    for s, name in enumerate(symbols):
        n_trades = int(n[s].sum())
        means = {}
        for key, values, sums in (("net", net[s], drawn[1, s]), ("gross", gross[s], drawn[2, s])):
            with np.errstate(divide="ignore", invalid="ignore"):
                low, high = percentile_interval(sums / drawn[0, s])
            value = float(values.sum() / n_trades) if n_trades else None
            means[key] = {"value": value, "n": n_trades, "low": low, "high": high}
        found.append({"symbol": name, "n_trades": n_trades, **means, "profit_abs": float(profit[s].sum())})
    return found


def symbol_contributions(simulation: Simulation) -> FloatArray:
    """What each symbol's trades added to the equity of the day before, after costs, (n_symbols, n_days).

    A trade belongs to the day of its exit, so that only over some days they add up to the portfolio's returns.
    """
    trades, days = simulation.trades, simulation.days
    row = {name: s for s, name in enumerate(simulation.symbols)}
    day = (trades["exit_ts"].dt.epoch("ms").to_numpy() - 1) // DAY_MS - days[0]
    place = np.array([row[name] for name in trades["symbol"]], np.int64) * len(days) + day
    shape = (len(row), len(days))
    earned = np.bincount(place, weights=trades["pnl_quote"].to_numpy(), minlength=shape[0] * shape[1]).reshape(shape)
    worth = simulation.cash_quote * np.cumprod(np.append(1.0, 1.0 + simulation.daily[:-1]))
    return np.divide(earned, worth, out=np.zeros(shape), where=worth > 0)


def with_evidence(
    profiles: dict[str, dict[str, Any]], simulations: Mapping[str, Simulation], spec: VerdictSpec, *, seed: int
) -> None:
    """Add to each symbol of each profile's metrics the t of what it contributed, and its p among all of them."""
    found = symbol_evidence(
        {name: symbol_contributions(one) for name, one in simulations.items()},
        {name: [one["n_trades"] for one in profiles[name]["symbols"]] for name in simulations},
        spec,
        seed,
    )
    for name, symbols in found.items():
        for shown, evidence in zip(profiles[name]["symbols"], symbols, strict=True):
            shown["t"] = None if evidence is None else evidence.t
            shown["p_own"] = None if evidence is None else evidence.p_own


def symbol_skill(scored: Scored, symbols: tuple[str, ...], *, seed: int) -> list[dict[str, Any]]:
    """What the decision maker's forecasts of each symbol gained over the base rate, in millinats a forecast."""
    outcomes = scored.outcomes
    losses = {name: log_loss(scored.probability[name], outcomes.y) for name in (BASE_RATE, DECISION_MAKER)}
    found = []
    for s, name in enumerate(symbols):
        rows = np.flatnonzero(scored.symbol == s)
        gained = None
        if len(rows):
            estimate = gain(
                losses[BASE_RATE][rows], losses[DECISION_MAKER][rows], outcomes.overlap.rows(rows), seed=seed
            )
            gained = millinats(estimate).to_json()
        found.append({"symbol": name, "n": len(rows), "over_base": gained})
    return found
