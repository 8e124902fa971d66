"""A synthetic run folder with plausible contents, of any length."""

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.report.diagnostics import ADVERSARIAL, FAMILIES, IMPORTANCE, SUPERVISOR, measured_gain
from tests.runs import example

from tradsys.runs.manifest import SCHEMA
from tradsys.runs.section import ALWAYS_MEASURED
from tradsys.runs.stored import StoredRun
from tradsys.runs.tables import TABLES

HOUR_MS = 3_600_000
START = datetime(2018, 1, 1, tzinfo=UTC)
PROFILES = ("SNIPER", "AUDITED", "RECKLESS", "EDGE")


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Write a run folder; keyword arguments replace whole files."""

    def make(n_bars: int = 2_000, symbols: tuple[str, ...] = ("BTCUSDT",), **replaced: Any) -> Path:
        return write_run(tmp_path / "run", n_bars, symbols, **replaced)

    return make


def write_run(folder: Path, n_bars: int, symbols: tuple[str, ...] = ("BTCUSDT",), **replaced: Any) -> Path:
    """A run in which SNIPER never fires, EDGE is refuted and the rest stays unproven."""
    rng = np.random.default_rng(7)
    folder.mkdir(parents=True, exist_ok=True)
    bars = {symbol: _bars(symbol, n_bars, rng) for symbol in symbols}
    trades = pl.concat([_trades(frame, profile, rng) for frame in bars.values() for profile in PROFILES[1:]])
    tables = {
        "bars": pl.concat(bars.values()),
        "trades": trades,
        "equity": _equity(bars[symbols[0]], trades),
        "forecasts": pl.concat([_forecasts(frame, rng) for frame in bars.values()]),
        "labels": pl.DataFrame(),
    }
    texts = {"verdict": _verdict(trades), "metrics": _metrics(tables["bars"], trades, symbols), "manifest": MANIFEST}
    for name, frame in (tables | {key: replaced[key] for key in tables if key in replaced}).items():
        _completed(name, frame).write_parquet(folder / f"{name}.parquet")
    for name, content in (texts | {key: replaced[key] for key in texts if key in replaced}).items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def _completed(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """With the table's other columns, null."""
    (table,) = (one for one in TABLES if one.name == name)
    rest = [pl.lit(None, dtype=kind).alias(column) for column, kind in table.columns.items() if column not in frame]
    return frame.with_columns(rest).cast({**table.columns})


def _bars(symbol: str, n: int, rng: np.random.Generator) -> pl.DataFrame:
    volatility = 0.006 * np.exp(np.cumsum(rng.normal(0, 0.02, n)) - 0.0002 * np.arange(n) * 0)
    volatility = 0.002 + np.clip(volatility, 0, 0.012)
    close = 9_000 * np.exp(np.cumsum(rng.normal(0, 1, n) * volatility * 0.6))
    open_ = np.concatenate([[9_000.0], close[:-1]])
    reach = np.abs(rng.normal(0, 0.6, (2, n))) * volatility
    return pl.DataFrame(
        {
            "symbol": [symbol] * n,
            "ts": _times(np.arange(n)),
            "open": open_,
            "high": np.maximum(open_, close) * (1 + reach[0]),
            "low": np.minimum(open_, close) * (1 - reach[1]),
            "close": close,
            "volume": rng.gamma(2.0, 500.0, n),
        }
    )


def _times(index: np.ndarray) -> pl.Series:
    ms = int(START.timestamp() * 1000) + index.astype(np.int64) * HOUR_MS
    return pl.Series(ms).cast(pl.Datetime("ms", "UTC"))


def _trades(bars: pl.DataFrame, profile: str, rng: np.random.Generator) -> pl.DataFrame:
    """Random entries walked to a barrier 1.2% away or for a day."""
    high, low, open_, close = (bars[name].to_numpy() for name in ("high", "low", "open", "close"))
    rows: list[Mapping[str, Any]] = []
    entry = len(bars) // 5
    while (entry := entry + 1 + int(rng.exponential(25 if profile == "RECKLESS" else 70))) + 25 < len(bars):
        side, price = int(rng.choice([-1, 1])), open_[entry]
        target, stop = price * (1 + 0.012 * side), price * (1 - 0.012 * side)
        last, reason, paid = entry + 23, "time", close[entry + 23]
        for row in range(entry, entry + 24):
            if low[row] <= min(target, stop) or high[row] >= max(target, stop):
                is_target = (side > 0) == (high[row] >= max(target, stop))
                last, reason, paid = row, *(("target", target) if is_target else ("stop", stop))
                break
        net = side * (paid / price - 1) - (0.0007 if reason == "target" else 0.001)
        rows.append(
            {
                "profile": profile,
                "symbol": bars["symbol"][0],
                "side": side,
                "entry_ts": START + timedelta(hours=entry),
                "exit_ts": START + timedelta(hours=last + 1),
                "entry_price": price,
                "exit_price": paid,
                "target": target,
                "stop": stop,
                "reason": reason,
                "size_base": 1.0,
                "notional_quote": price,
                "fees_quote": 0.0005 * (price + paid),
                "slippage_quote": 0.0,
                "funding_quote": 0.0,
                "borrow_quote": 0.0,
                "net_return": net,
                "bars_held": last - entry + 1,
            }
        )
        entry = last + 1
    return pl.DataFrame(
        rows,
        schema_overrides={"side": pl.Int8, "entry_ts": pl.Datetime("ms", "UTC"), "exit_ts": pl.Datetime("ms", "UTC")},
    )


def _equity(bars: pl.DataFrame, trades: pl.DataFrame) -> pl.DataFrame:
    tested = bars.slice(len(bars) // 5)
    curves = [tested.select(pl.lit("BUY_AND_HOLD").alias("profile"), "ts", (pl.col("close")).alias("equity"))]
    for profile in PROFILES:
        gains = trades.filter(profile=profile).select(
            pl.col("exit_ts").alias("ts"), (1 + 0.6 * pl.col("net_return")).log().alias("gain")
        )
        gains = gains.group_by("ts").agg(pl.col("gain").sum())
        curve = tested.select("ts").join(gains, on="ts", how="left").with_columns(pl.col("gain").fill_null(0.0))
        curves.append(
            curve.select(
                pl.lit(profile).alias("profile"), "ts", (10_000 * pl.col("gain").cum_sum().exp()).alias("equity")
            )
        )
    return pl.concat(curves)


def _forecasts(bars: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    tested = bars.slice(len(bars) // 5)
    n = len(tested)
    flips = rng.random(n) < 0.012
    regime = rng.choice([0, 1, 2], n, p=[0.5, 0.35, 0.15])[np.maximum.accumulate(np.where(flips, np.arange(n), 0))]
    one = tested.select(
        (pl.col("ts") + timedelta(hours=1)).alias("start"),
        "symbol",
        pl.Series("regime", regime, dtype=pl.Int8),
        pl.Series("probability", rng.normal(0.49, 0.03, n)),
        *(
            pl.Series(f"action_{name}", np.arange(n) % (40 * k) == 7, dtype=pl.Int8)
            for k, name in enumerate(PROFILES, 1)
        ),
    )
    return pl.concat([one.with_columns(pl.lit(side, dtype=pl.Int8).alias("side")) for side in (1, -1)]).sort("start")


def _measured(value: float, n: int, half: float) -> dict[str, float]:
    return {"value": value, "n": n, "low": value - half, "high": value + half}


def _verdict(trades: pl.DataFrame) -> dict[str, Any]:
    n = dict(trades.group_by("profile").len().iter_rows())
    rest = {"psr": 0.71, "dsr": 0.38, "min_track_record_days": 2410.0}
    profiles: dict[str, dict[str, Any]] = {
        "SNIPER": {
            "verdict": "not proven",
            "sentence": "not proven: too few trades (0 of 60); it never fired: the highest confidence it saw was 0.614",
            "p": None,
            "p_net": None,
            "p_skill": None,
            "n_trades": 0,
            "n_days": 1095,
            "upper_bound": None,
            "sharpe": None,
            "psr": None,
            "dsr": None,
            "min_track_record_days": None,
        },
        "AUDITED": {
            "verdict": "not proven",
            "sentence": "not proven: skill in the timing, but what is left after costs may still be luck "
            "(luck alone looks this good in 21% of cases; net Sharpe 0.6, 231 trades in 1,095 "
            "days, 12 trials counted)",
            "p": 0.212,
            "p_net": 0.212,
            "p_skill": 0.018,
            "n_trades": n.get("AUDITED", 0),
            "n_days": 1095,
            "upper_bound": 1.63,
            "sharpe": 0.58,
            **rest,
        },
        "RECKLESS": {
            "verdict": "refuted",
            "sentence": "refuted: after costs it loses money (net Sharpe at most -0.4, 95% sure; 512 trades "
            "in 1,095 days, 12 trials counted)",
            "p": 0.99,
            "p_net": 0.99,
            "p_skill": 0.44,
            "n_trades": n.get("RECKLESS", 0),
            "n_days": 1095,
            "upper_bound": -0.41,
            "sharpe": -1.94,
            "psr": 0.0004,
            "dsr": 0.0001,
            "min_track_record_days": None,
        },
        "EDGE": {
            "verdict": "not proven",
            "sentence": "not proven: it made no money after costs, and its entries are no better than random "
            "ones (luck alone looks this good in 61% of cases; net Sharpe -0.1, 187 trades in 1,095 "
            "days, 12 trials counted)",
            "p": 0.61,
            "p_net": 0.55,
            "p_skill": 0.61,
            "n_trades": n.get("EDGE", 0),
            "n_days": 1095,
            "upper_bound": 0.92,
            "sharpe": -0.12,
            **rest,
        },
    }
    unused = {"leg": None, "t_net": None, "z_skill": None}
    return example.VERDICT | {
        "profiles": {name: unused | own for name, own in profiles.items()},
        "n_trials": 12,
        "detectable_sharpe": 1.98,
        "ledger_head": "9f3c1a77d2b04e58a6c1f0937be2d415",
    }


def _metrics(bars: pl.DataFrame, trades: pl.DataFrame, symbols: tuple[str, ...]) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    first, last = bars["ts"].min(), bars["ts"].max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    edges = [first + (last - first) * share for share in np.linspace(0.2, 1.0, 7)]
    folds = [
        {
            "fold": fold - 1,
            "n_train": 5_000 * (fold + 1),
            "n_test": 4_300,
            "test_from": edges[fold - 1].isoformat(),
            "test_to": edges[fold].isoformat(),
            "decider": "transformer" if fold in (3, 5) else "ridge logistic",
            "gain_millinats": float(rng.normal(0.7, 0.6)),
            "training": "",
            "auc": float(rng.normal(0.52, 0.006)),
            "profiles": {
                name: {
                    "n_trades": 0 if name == "SNIPER" else int(rng.integers(20, 120)),
                    "equity_return": 0.0 if name == "SNIPER" else float(rng.normal(0, 0.05)),
                }
                for name in PROFILES
            },
        }
        for fold in range(1, 7)
    ]
    predicted = np.linspace(0.41, 0.55, 10)
    observed = 0.48 + 0.45 * (predicted - 0.48) + rng.normal(0, 0.008, 10)
    reliability = [
        {
            "predicted": p,
            "observed": o,
            "n": n,
            "effective_n": n / 18,
            "low": o - 1.1 / n**0.5,
            "high": o + 1.1 / n**0.5,
        }
        for p, o, n in zip(predicted, observed, [220, 900, 2100, 3900, 5200, 5000, 3600, 2000, 700, 240], strict=True)
    ]
    return {
        "market": {
            "sources": [f"{symbol}-1h.parquet" for symbol in symbols],
            "symbols": list(symbols),
            "interval": "1h",
            "n_bars": len(bars),
            "first": first.isoformat(),
            "last": last.isoformat(),
            "lockbox_from": (last + timedelta(hours=1)).isoformat(),
            "is_development": True,
            "repairs": [
                {
                    "kind": "duplicate",
                    "n_rows": 412,
                    "sentence": "rows repeated an earlier time stamp; the first was kept",
                },
                {"kind": "off-grid", "n_rows": 37, "sentence": "rows lay off the hourly grid and were dropped"},
                {
                    "kind": "offset",
                    "n_rows": 12_480,
                    "sentence": "time stamps carried another UTC offset; all are UTC now",
                },
            ],
            "n_design_looks": 0,
            "zero_volume_share": 0.0,
            "n_gaps": 3,
            "n_missing_bars": 19,
        },
        "labels": {
            "n": 52_480,
            "effective_n": 2_911.4,
            "base_rate_long": 0.489,
            "base_rate_short": 0.481,
            "ambiguous_share": 0.0091,
            "timeout_share": 0.017,
            "upper": 1.5,
            "lower": 1.5,
            "horizon": 24,
        },
        "folds": folds,
        "skill": {
            "n": 51_600,
            "effective_n": 2_911.4,
            "base_rate": 0.485,
            "log_loss_base": 0.69270,
            "smallest_visible_gain_millinats": 0.48,
            "forecasters": [
                _forecaster("transformer", 0.91, 0.5, 0.66, 0.07),
                _forecaster("ridge logistic", 0.84, 0.44, 0.59, None),
                _forecaster("sign-symmetric logistic", 0.72, 0.41, 0.47, -0.12),
                _forecaster("XGBoost", 0.31, 0.62, 0.06, -0.53),
                _forecaster("volatility only", 0.25, 0.3, None, -0.59),
            ],
        },
        "reliability": {"long": reliability, "short": reliability[::-1]},
        "profiles": {name: _profile(name, trades.filter(profile=name)) for name in PROFILES},
        "lookahead": {"n_points": 3, "n_values": 1_204_331, "findings": []},
        "chosen": _chosen(),
        "paths": _paths(),
        "buy_and_hold": {"profit_total": 0.412, "sharpe": 0.61, "max_drawdown_account": 0.553},
        "adversarial": ADVERSARIAL,
        "importance": IMPORTANCE,
        "families": FAMILIES,
        "supervisor": SUPERVISOR,
        "assumptions": [
            "A decision at the close of a bar is filled at the open of the next one.",
            "Where one bar touches both barriers, the worse one counts.",
            "Entries, stops and time exits pay 5 bp; targets rest in the book and pay 2 bp.",
            "Slippage and funding are zero.",
            "One position a symbol at a time, with the whole equity, never more than once.",
            "Fees are charged on the notional of each leg.",
        ],
    }


def _chosen() -> dict[str, Any]:
    """Two choices over six folds, the first of them held without a record."""
    outside = {"profile": "SNIPER", "threshold": 0.85, "blocked_regimes": [0], "description": "rank above 0.85"}
    audited = {"profile": "AUDITED", "threshold": 0.9, "blocked_regimes": [0, 2], "description": "rank above 0.9"}
    seen = {"record": "earlier test blocks", "n_days": 180, "n_trades": 66, "standard_error": 0.41}
    blind = {"why": "too few days to choose on", "sharpe": None, "best_sharpe": None, "standard_error": None}
    known = {"why": "kept: none leads it", "sharpe": 0.71, "best_sharpe": 0.93}
    folds = [{"fold": 0} | outside | seen | blind]
    folds += [{"fold": k} | (outside if k < 3 else audited) | seen | known for k in range(1, 6)]
    return {
        "sentence": "It carries no verdict.",
        "n_candidates": 36,
        "rank_thresholds": [0.75, 0.85, 0.9, 0.95],
        "folds": folds,
        "metrics": {name: _measured(0.1, 301, 0.4) for name in ALWAYS_MEASURED}
        | {
            "sharpe": _measured(0.44, 1095, 1.1),
            "total_trades": {"value": 301, "n": 301, "low": None, "high": None},
        },
    }


def _paths() -> dict[str, Any]:
    silent = {"sharpes": [None] * 5, "n_trades": [0] * 5, "mean": None, "interval": None}
    found = {
        "sharpes": [0.1, 0.4, -0.2, 0.9, 0.3],
        "n_trades": [200, 210, 190, 201, 205],
        "mean": 0.3,
        "interval": [-0.6, 1.2],
        "naive_interval": [-0.17, 0.77],
        "correlation": 0.66,
    }
    return {
        "n_groups": 6,
        "n_test_groups": 2,
        "n_splits": 15,
        "n_paths": 5,
        "forecaster": "logistic",
        "groups_from": [START.isoformat()] * 6,
        "n_days": 1460,
        "profiles": {
            name: silent | {"naive_interval": None, "correlation": None} if name == "SNIPER" else found
            for name in PROFILES
        },
    }


def forecaster_metrics(name: str) -> dict[str, Any]:
    """A forecaster's scores where it knows nothing."""
    return {
        "name": name,
        "log_loss": 0.69,
        "auc": 0.5,
        "brier": 0.25,
        "brier_parts": {"reliability": 0.0, "resolution": 0.0, "uncertainty": 0.25, "within": 0.0},
        "intervals": {},
    }


def _forecaster(
    name: str, base: float, half: float, volatility: float | None, logistic: float | None
) -> dict[str, Any]:
    def gain(value: float | None) -> dict[str, Any] | None:
        return None if value is None else measured_gain(value, value - half, value + half)

    return {
        "name": name,
        "log_loss": 0.6927 - base / 1000,
        "auc": 0.5 + base / 45,
        "brier": 0.2499 - base / 2000,
        "brier_parts": {"reliability": 0.0004, "resolution": 0.0004 + base / 2000, "uncertainty": 0.2499, "within": 0},
        "intervals": {"auc": [0.49 + base / 45, 0.51 + base / 45]},
        "over_base": gain(base),
        "over_volatility": gain(volatility),
        "over_logistic": gain(logistic),
        "over_boosted": gain(None if name == "XGBoost" else base - 0.31),
    }


def _profile(name: str, trades: pl.DataFrame) -> dict[str, Any]:
    n = len(trades)
    sharpe = {"AUDITED": 0.58, "RECKLESS": -1.94, "EDGE": -0.12}.get(name)
    metrics = {
        "profit_total": _measured(0.142, n, 0.31),
        "cagr": _measured(0.045, n, 0.1),
        "profit_mean": _measured(0.00071, n, 0.0012),
        "winrate": _measured(0.523, n, 0.04),
        "profit_factor": _measured(1.06, n, 0.19),
        "expectancy": _measured(7.1, n, 12.0),
        "expectancy_ratio": _measured(0.03, n, 0.07),
        "sharpe": _measured(sharpe or 0.0, 1095, 1.1),
        "sortino": _measured(0.81, 1095, 1.6),
        "calmar": _measured(0.27, 1095, 0.7),
        "max_drawdown_account": _measured(0.166, 1095, 0.06),
        "total_trades": {"value": n, "n": n, "low": None, "high": None},
        "sqn": _measured(0.8, n, 1.9),
        "trades_per_day": _measured(n / 1095, n, 0.05),
        "holding_avg_s": _measured(34_000.0, n, 2_500.0),
    }
    silent = {key: {"value": None, "n": 0, "low": None, "high": None} for key in metrics}
    return {
        "metrics": metrics if n else silent,
        "exit_reasons": {"target": 0, "stop": 0, "time": 0} | dict(trades.group_by("reason").len().iter_rows()),
        "highest_confidence": 0.614,
        "n_decisions": n,
        "description": {
            "SNIPER": "Enters on the top 5% of confidence, outside quiet regimes.",
            "AUDITED": "Enters on the top 25%, outside quiet regimes, when the auditor agrees.",
            "RECKLESS": "Enters on the top 25%, always.",
            "EDGE": "Enters when the expected net return is above zero.",
        }[name],
    }


MANIFEST = example.MANIFEST | {
    "schema": SCHEMA,
    "files": {},
    "config": {
        "seed": 0,
        "bars": ["BTCUSDT-1h.parquet"],
        "labels": {"upper": 1.5, "lower": 1.5, "horizon": 24, "atr_period": 14, "events": "every"},
        "costs": {"taker_bps": 5.0, "maker_bps": 2.0, "slippage_bps": 0.0, "funding_bps_per_8h": 0.0},
        "verdict": {"alpha": 0.05, "min_trades": 60, "min_days": 300, "block_days": 10, "n_bootstrap": 1999},
    },
    "fingerprint": "4be0c2d1f6a94d0f8a5b7718e22c3b90d6f17e3a",
    "code": "0.1.0+3fa1c9e",
    "seed": 0,
    "created": "2024-07-01T09:30:00+00:00",
    "deployed_profile": "AUDITED",
    "title": "BTCUSDT, hourly",
}


@pytest.fixture
def run(make_run: Callable[..., Path]) -> StoredRun:
    """The synthetic run, read."""
    return StoredRun(make_run())


def changed(run: StoredRun, **parts: Any) -> StoredRun:
    """The same run with fields of its `metrics`, `verdict` or `manifest` replaced, or a table by its name."""
    folder = Path(tempfile.mkdtemp(dir=run.folder.parent)) / run.name
    shutil.copytree(run.folder, folder)
    for part, content in parts.items():
        if isinstance(content, pl.DataFrame):
            _completed(part, content).write_parquet(folder / f"{part}.parquet")
        else:
            path = folder / f"{part}.json"
            path.write_text(json.dumps(json.loads(path.read_text()) | content))
    return StoredRun(folder)


def without(run: StoredRun, *names: str) -> StoredRun:
    """The same run as one that measured some sections of `metrics.json` not at all."""
    metrics = {name: value for name, value in run.metrics.to_json().items() if name not in names}
    copy = changed(run)
    (copy.folder / "metrics.json").write_text(json.dumps(metrics))
    return copy
