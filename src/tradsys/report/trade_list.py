"""Every trade, packed for the table that the page sorts, filters and writes as CSV."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from tradsys.report.charts import REASONS, Packed, pack
from tradsys.runs.stored import StoredRun
from tradsys.runs.tables import TRADES

_NUMBERS = (
    "size_base",
    "gross_return",
    "net_return",
    "fees_quote",
    "slippage_quote",
    "funding_quote",
    "borrow_quote",
    "pnl_quote",
)


def pack_trades(run: StoredRun, profiles: Sequence[str]) -> dict[str, Any]:
    """Trades by entry: a column a key; names as numbers, times in seconds, prices in eight bytes, the rest in four.

    A number that is the same for all, such as a funding of zero, is given once.
    """
    trades = run.table(TRADES).filter(pl.col("profile").is_in(list(profiles))).sort("entry_ts", maintain_order=True)
    symbols = trades["symbol"].unique(maintain_order=True).to_list()
    return {
        "n": len(trades),
        "profiles": list(profiles),
        "symbols": symbols,
        "reasons": list(REASONS),
        "profile": _numbered(trades["profile"], profiles),
        "symbol": _numbered(trades["symbol"], symbols),
        "side": pack(trades["side"], np.int8),
        "reason": _numbered(trades["reason"], list(REASONS)),
        **{name: pack(trades[name].dt.epoch("s"), np.int32) for name in ("entry_ts", "exit_ts")},
        **{name: pack(trades[name], np.float64) for name in ("entry_price", "exit_price")},
        **{name: _number(trades[name]) for name in _NUMBERS},
    }


def _numbered(names: pl.Series, order: Sequence[str]) -> Packed:
    numbers = dict(zip(order, range(len(order)), strict=True))
    return pack(
        names.replace_strict(numbers, default=-1, return_dtype=pl.Int32), np.int32 if len(order) > 127 else np.int8
    )


def _number(values: pl.Series) -> Packed:
    known = values.fill_null(math.nan)
    if len(known) and known.n_unique() == 1 and math.isfinite(known[0]):
        return {"constant": float(known[0])}
    return pack(known)
