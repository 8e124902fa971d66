"""Reading a run folder: what `tradsys run` wrote, and nothing else."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from tradsys.core.errors import DataError

type Json = Mapping[str, Any]

_TIME = pl.Datetime("ms", "UTC")
_TABLES: Mapping[str, Mapping[str, pl.DataType | type[pl.DataType]]] = {
    "bars": dict.fromkeys(("open", "high", "low", "close"), pl.Float64) | {"symbol": pl.String, "ts": _TIME},
    "trades": dict.fromkeys(("entry_price", "exit_price", "target", "stop", "net_return"), pl.Float64)
    | {"profile": pl.String, "symbol": pl.String, "side": pl.Int8, "reason": pl.String}
    | {"entry_ts": _TIME, "exit_ts": _TIME}
    | dict.fromkeys(("size_base", "notional_quote", "fees_quote", "funding_quote", "borrow_quote"), pl.Float64),
    "equity": {"profile": pl.String, "ts": _TIME, "equity": pl.Float64},
    "forecasts": {"symbol": pl.String, "start": _TIME, "regime": pl.Int8},
}


@dataclass(frozen=True, slots=True)
class RunFiles:
    """The files of a run that the report shows; a table that was not written is empty."""

    manifest: Json
    verdict: Json
    metrics: Json
    bars: pl.DataFrame
    trades: pl.DataFrame
    equity: pl.DataFrame
    forecasts: pl.DataFrame


def read_run(run_dir: Path) -> RunFiles:
    """Everything the report needs, or a DataError that names the file at fault."""
    manifest, verdict, metrics = (_read_json(run_dir / f"{name}.json") for name in ("manifest", "verdict", "metrics"))
    tables = {name: _read_table(run_dir / f"{name}.parquet", columns) for name, columns in _TABLES.items()}
    return RunFiles(manifest=manifest, verdict=verdict, metrics=metrics, **tables)


def section(holder: Json, *names: str) -> Json:
    """The mapping at a path of names, empty where it is missing or null."""
    for name in names:
        inner = holder.get(name)
        holder = inner if isinstance(inner, Mapping) else {}
    return holder


def rows(holder: Json, name: str) -> list[Json]:
    """The list of mappings under a name, empty where it is missing or null."""
    return [row for row in holder.get(name) or [] if isinstance(row, Mapping)]


def _read_json(path: Path) -> Json:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(
            f"{path.name} is missing in {path.parent}; a report needs the folder of a finished run: "
            "see `tradsys run --out`"
        ) from None
    except json.JSONDecodeError as error:
        raise DataError(f"{path} is not JSON (line {error.lineno}: {error.msg}); run `tradsys run` again") from error
    if not isinstance(content, dict):
        raise DataError(f"{path} must hold an object, found {type(content).__name__}; run `tradsys run` again")
    return content


def _read_table(path: Path, columns: Mapping[str, pl.DataType | type[pl.DataType]]) -> pl.DataFrame:
    if not path.exists():
        return pl.DataFrame(schema=dict(columns))
    found = pl.read_parquet_schema(path)
    frame = pl.read_parquet(path, columns=[name for name in columns if name in found])
    return frame.select(
        pl.col(name).cast(kind) if name in found else pl.lit(None, dtype=kind).alias(name)
        for name, kind in columns.items()
    )
