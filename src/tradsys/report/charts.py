"""The charts of a run: candles, equity and drawdown, packed as arrays that the page decodes without parsing."""

import base64
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from tradsys.core.time import to_ms
from tradsys.report.regimes import named_regimes
from tradsys.runs.metrics import FoldMetrics
from tradsys.runs.stored import StoredRun
from tradsys.runs.tables import ACTION_OF, BARS, FORECASTS, TRADES

type Packed = dict[str, Any]


def pack(values: npt.ArrayLike, kind: npt.DTypeLike = np.float32) -> Packed:
    """Little-endian bytes with their JavaScript array's name: four bytes a price instead of eight to ten digits."""
    array = np.ascontiguousarray(values, dtype=np.dtype(kind).newbyteorder("<"))
    names = {"f4": "Float32Array", "f8": "Float64Array", "i4": "Int32Array", "i1": "Int8Array"}
    return {"type": names[array.dtype.str[1:]], "base64": base64.b64encode(array.tobytes()).decode()}


def pack_times(ms: npt.NDArray[np.int64]) -> Packed:
    """Increasing times in milliseconds as whole steps from the first; the step is their greatest common divisor."""
    if len(ms) == 0:
        return {"first_s": 0, "step_s": 1, "steps": pack([], np.int32)}
    offsets = ms - ms[0]
    step = int(np.gcd.reduce(offsets)) or 1000
    return {"first_s": int(ms[0]) / 1000, "step_s": step / 1000, "steps": pack(offsets // step, np.int32)}


MOST_CANDLES = 240_000
"""About 6 MB of page; above this, neighbouring bars are drawn as one candle."""

NO_REGIME = -1
REASONS = {"target": 0, "stop": 1, "time": 2, "rebalanced": 3, "last bar": 4, "liquidation": 5}


def pack_symbols(run: StoredRun, profiles: Sequence[str]) -> list[Packed]:
    """One entry a symbol, in order of first appearance."""
    bars, trades, forecasts = (run.table(one) for one in (BARS, TRADES, FORECASTS))
    merged = max(1, math.ceil(len(bars) / MOST_CANDLES))
    return [
        _pack_symbol(
            frame.sort("ts"),
            trades.filter(pl.col("symbol") == symbol),
            forecasts.filter(pl.col("symbol") == symbol),
            run.metrics.folds,
            profiles,
            run.manifest.deployed_profile,
            merged,
        )
        for (symbol,), frame in bars.partition_by("symbol", as_dict=True, maintain_order=True).items()
    ]


def _pack_symbol(
    bars: pl.DataFrame,
    trades: pl.DataFrame,
    forecasts: pl.DataFrame,
    folds: Sequence[FoldMetrics],
    profiles: Sequence[str],
    deployed: str,
    merged: int,
) -> Packed:
    opened = bars["ts"].dt.epoch("ms").to_numpy()
    candles = _merge(bars, merged)
    regime = _regimes(forecasts, opened)[::merged]
    changes = np.flatnonzero(np.diff(regime, prepend=np.int8(-2)))
    return {
        "name": bars["symbol"][0],
        "merged": merged,
        "digits": _digits(candles["close"].to_numpy()),
        "times": pack_times(candles["ts"].dt.epoch("ms").to_numpy()),
        **{column: pack(candles[column]) for column in ("open", "high", "low", "close")},
        "regime": {
            "from": pack(changes, np.int32),
            "state": pack(regime[changes], np.int8),
            "names": named_regimes(forecasts),
        },
        "folds": _folds(folds, opened, merged),
        "trades": {
            name: _pack_trades(trades.filter(pl.col("profile") == name).sort("entry_ts"), opened, merged)
            for name in profiles
        },
        "decisions": {
            name: _pack_decisions(forecasts, column, opened, merged)
            for name, column in decided_by(forecasts, profiles, deployed).items()
        },
    }


def decided_by(forecasts: pl.DataFrame, profiles: Sequence[str], deployed: str) -> dict[str, str]:
    """Profile to the column of its actions; of a run that did not keep every profile's, the deployed one's alone."""
    kept = {name: ACTION_OF + name for name in profiles if ACTION_OF + name in forecasts.columns}
    return kept or {deployed: "action"}


def _pack_decisions(forecasts: pl.DataFrame, column: str, opened: npt.NDArray[np.int64], merged: int) -> Packed:
    """When a profile decided to enter, by the bar at whose close it did, and on which side."""
    entered = forecasts.filter(pl.col(column).fill_null(0) != 0).unique("start", keep="first").sort("start")
    at = np.searchsorted(opened, entered["start"].dt.epoch("ms").to_numpy(), side="left") - 1
    return {"at": pack(np.maximum(at, 0) // merged, np.int32), "side": pack(entered[column], np.int8)}


def _merge(bars: pl.DataFrame, merged: int) -> pl.DataFrame:
    if merged == 1:
        return bars
    return (
        bars.group_by(pl.int_range(pl.len()) // merged, maintain_order=True)
        .agg(
            pl.col("ts", "open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
        )
        .drop("literal", strict=False)
    )


def _regimes(forecasts: pl.DataFrame, opened: npt.NDArray[np.int64]) -> npt.NDArray[np.int8]:
    """The regime as it was known when each bar opened, held until the next decision; -1 outside the tested span."""
    known = forecasts.filter(pl.col("regime").is_not_null()).unique("start", keep="first").sort("start")
    if known.is_empty():
        return np.full(len(opened), NO_REGIME, np.int8)
    start = known["start"].dt.epoch("ms").to_numpy()
    last = np.searchsorted(start, opened, side="right") - 1
    is_tested = (last >= 0) & (opened <= start[-1])
    return np.where(is_tested, known["regime"].to_numpy()[np.maximum(last, 0)], NO_REGIME).astype(np.int8)


def _folds(folds: Sequence[FoldMetrics], opened: npt.NDArray[np.int64], merged: int) -> list[Packed]:
    opens = {fold.fold: to_ms(fold.test_from) for fold in folds}
    return [
        {"index": int(np.searchsorted(opened, at)) // merged, "label": f"fold {fold + 1}"}
        for fold, at in opens.items()
        if opened[0] <= at <= opened[-1]
    ]


def _pack_trades(trades: pl.DataFrame, opened: npt.NDArray[np.int64], merged: int) -> Packed:
    entry = np.searchsorted(opened, trades["entry_ts"].dt.epoch("ms").to_numpy(), side="right") - 1
    # a trade ends within the bar that closes at exit_ts, hence the bar that opened strictly before it
    exit_ = np.searchsorted(opened, trades["exit_ts"].dt.epoch("ms").to_numpy(), side="left") - 1
    reason = trades["reason"].replace_strict(REASONS, default=REASONS["time"], return_dtype=pl.Int8)
    return {
        "entry": pack(np.maximum(entry, 0) // merged, np.int32),
        "exit": pack(np.maximum(exit_, np.maximum(entry, 0)) // merged, np.int32),
        "side": pack(trades["side"], np.int8),
        "reason": pack(reason, np.int8),
        **{
            name: pack(trades[name].fill_null(math.nan))
            for name in ("entry_price", "exit_price", "target", "stop", "net_return")
        },
    }


def _digits(close: npt.NDArray[np.float64]) -> int:
    """Decimals that show about six significant digits of a typical price."""
    typical = float(np.nanmedian(np.abs(close))) if len(close) else 1.0
    return min(8, max(2, 5 - math.floor(math.log10(typical)))) if typical > 0 else 2


MOST_POINTS = 5_000
BUCKETS = ("1h", "4h", "1d", "7d")


def pack_curves(
    equity: pl.DataFrame,
    profiles: Sequence[str],
    benchmark: str = "BUY_AND_HOLD",
    *,
    cash_quote: float | None = None,
) -> Packed:
    """Change since the start and drawdown from the highest point so far, both as fractions.

    An account starts with `cash_quote`, before what the first bar cost it; where that is not known, after it. Drawdowns
    are taken on every point of the run before any are joined, and a joined point keeps its deepest.
    """
    present = set(equity["profile"].unique())
    order = [name for name in (*profiles, benchmark) if name in present]
    start = pl.col("equity").first().over("profile") if cash_quote is None else pl.lit(cash_quote)
    curves = (
        equity.drop_nulls()
        .sort("ts")
        .with_columns(
            (pl.col("equity") / start - 1).alias("change"),
            (pl.col("equity") / pl.max_horizontal(pl.col("equity").cum_max().over("profile"), start) - 1).alias(
                "drawdown"
            ),
        )
    )
    joined = _join(curves)
    times = joined["ts"].unique().sort()
    packed = []
    for name in order:
        own = pl.DataFrame({"ts": times}).join(joined.filter(pl.col("profile") == name), on="ts", how="left")
        packed.append(
            {
                "name": name,
                "is_benchmark": name == benchmark,
                "change": pack(own["change"].fill_null(np.nan)),
                "drawdown": pack(own["drawdown"].fill_null(np.nan)),
            }
        )
    return {"times": pack_times(times.dt.epoch("ms").to_numpy()), "curves": packed}


def _join(curves: pl.DataFrame) -> pl.DataFrame:
    for bucket in ("", *BUCKETS):
        ts = pl.col("ts").dt.truncate(bucket) if bucket else pl.col("ts")
        if curves.select(ts.n_unique()).item() <= MOST_POINTS:
            break
    return curves.group_by("profile", ts, maintain_order=True).agg(pl.col("change").last(), pl.col("drawdown").min())
