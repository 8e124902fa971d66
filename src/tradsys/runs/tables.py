"""The tables of a run's folder: every column with its type, and which kind of run has which table."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from tradsys.core.errors import DataError
from tradsys.runs.manifest import Kind

type Columns = Mapping[str, pl.DataType | type[pl.DataType]]

_TS = pl.Datetime("ms", "UTC")

ACTION_OF = "action_"
"""Begins the columns of what each profile did, followed by its name: `action` is the deployed profile's."""

MACRO_STATES = ("macro_0", "macro_1", "macro_2")
"""Columns of the supervisor's filtered states, risk-on to risk-off; null in a run that nobody supervises."""


@dataclass(frozen=True, slots=True)
class TableSchema:
    """One Parquet file: the columns that it always has, and how further ones begin ("" where any may follow).

    `since` says of columns that came later with which schema of the manifest they did.
    """

    name: str
    columns: Columns
    kinds: tuple[Kind, ...] = ("experiment", "ranks")
    further: tuple[str, ...] = field(default=())
    since: Mapping[str, int] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """Its name in the folder."""
        return f"{self.name}.parquet"

    @property
    def empty(self) -> pl.DataFrame:
        """The table without rows."""
        return pl.DataFrame(schema=dict(self.columns))

    def check(self, frame: pl.DataFrame) -> None:
        """A DataError where the frame has a column too few, too many or of another type."""
        missing = [name for name in self.columns if name not in frame.columns]
        others = [name for name in frame.columns if name not in self.columns and not name.startswith(self.further)]
        wrong = [
            f"{name} is {frame.schema[name]}"
            for name, kind in self.columns.items()
            if frame.schema.get(name, kind) != kind
        ]
        if faults := [*(f"{name} is missing" for name in missing), *(f"{name} is unknown" for name in others), *wrong]:
            raise DataError(f"{self.file} would not be as the schema says: {'; '.join(faults)}")


BARS = TableSchema(
    "bars",
    {
        "symbol": pl.String,
        "ts": _TS,
        "open": pl.Float64,
        "high": pl.Float64,
        "low": pl.Float64,
        "close": pl.Float64,
        "volume": pl.Float64,
    },
    further=("",),
)
TRADES = TableSchema(
    "trades",
    {
        "profile": pl.String,
        "symbol": pl.String,
        "side": pl.Int8,
        "decided": _TS,
        "entry_ts": _TS,
        "exit_ts": _TS,
        "entry_price": pl.Float64,
        "exit_price": pl.Float64,
        "reason": pl.String,
        "ambiguous": pl.Boolean,
        "size_base": pl.Float64,
        "notional_quote": pl.Float64,
        "gross_return": pl.Float64,
        "fees_quote": pl.Float64,
        "slippage_quote": pl.Float64,
        "funding_quote": pl.Float64,
        "borrow_quote": pl.Float64,
        "pnl_quote": pl.Float64,
        "net_return": pl.Float64,
        "bars_held": pl.Int64,
        "target": pl.Float64,
        "stop": pl.Float64,
    },
    since={"slippage_quote": 4},
)
EQUITY = TableSchema("equity", {"profile": pl.String, "ts": _TS, "equity": pl.Float64})
FORECASTS = TableSchema(
    "forecasts",
    {
        "start": _TS,
        "symbol": pl.String,
        "side": pl.Int8,
        "fold": pl.Int16,
        "probability": pl.Float64,
        "expected_net": pl.Float64,
        "net_error": pl.Float64,
        "has_earned": pl.Boolean,
        "rank": pl.Float64,
        "regime": pl.Int8,
        **dict.fromkeys(MACRO_STATES, pl.Float64),
        "audit": pl.Float64,
        "action": pl.Int8,
    },
    kinds=("experiment",),
    further=("regime_", ACTION_OF),
    since={"net_error": 3, "has_earned": 3},
)
LABELS = TableSchema(
    "labels",
    {
        "symbol": pl.String,
        "start": _TS,
        "side": pl.Int8,
        "end": _TS,
        "label": pl.Int8,
        "timed_out": pl.Boolean,
        "ambiguous": pl.Boolean,
        "ret": pl.Float64,
        "net": pl.Float64,
        "uniqueness": pl.Float64,
    },
    kinds=("experiment",),
)
UNIVERSE = TableSchema("universe", {"ts": _TS, "symbol": pl.String}, kinds=("ranks",))

TABLES = (BARS, TRADES, EQUITY, FORECASTS, LABELS, UNIVERSE)
