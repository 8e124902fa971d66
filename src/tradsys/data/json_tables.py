"""Tables from JSON: lists of rows as ccxt gives them, records, lines of either, and columns by name."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from tradsys.core.errors import DataError, NotEnoughBars
from tradsys.core.json_text import read_json

_DEPTH = 4
"""How deep rows may lie: `{"result": {"XXBTZUSD": [[...]]}}` is two."""


def is_json(head: bytes) -> bool:
    """Whether text begins as JSON does; a banner such as "[Exchange] bars" does not."""
    return re.match(rb"(\xef\xbb\xbf)?\s*(\[\s*([\[\]{\"\d-]|$)|\{)", head) is not None


def json_table(data: bytes, path: Path) -> pl.DataFrame:
    """A row for each list or record; a DataError where there are none. Columns of lists are `column_1` and so on."""
    try:
        return _frame(_parsed(data.decode("utf-8-sig")), path)
    except (ValueError, TypeError) as error:
        raise DataError(
            f"{path} is no JSON of rows ({error}); wanted [[time, open, high, ...], ...] or records"
        ) from error


def _parsed(text: str) -> Any:
    try:
        return read_json(text)
    except json.JSONDecodeError:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2:
            raise
        return [read_json(line) for line in lines]


def _frame(value: Any, path: Path) -> pl.DataFrame:
    rows = _rows(value, 0)
    if rows is None:
        raise NotEnoughBars(f"{path} holds no rows: wanted [[time, open, high, ...], ...] or records; convert it")
    if isinstance(rows, Mapping):
        return pl.DataFrame(dict(rows), strict=False)
    if isinstance(rows[0], Mapping):
        return pl.DataFrame(list(rows), strict=False, infer_schema_length=None)
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        raise DataError(
            f"{path} holds rows of {min(widths)} to {max(widths)} values, wanted as many in each; mend them"
        )
    columns = {f"column_{i + 1}": [row[i] for row in rows] for i in range(widths.pop())}
    return pl.DataFrame(columns, strict=False)


def _rows(value: Any, depth: int) -> Sequence[Any] | Mapping[str, Sequence[Any]] | None:
    """The rows in a value, columns by name, or None where there is neither."""
    if isinstance(value, list):
        kinds = {type(row) for row in value}
        return value if len(value) and kinds in ({list}, {dict}) else None
    if not isinstance(value, dict) or depth == _DEPTH:
        return None
    if _are_records(value):
        return [{"time": time, **record} for time, record in value.items()]
    columns = {name: _column(one) for name, one in value.items()}
    lengths = {len(one) for one in columns.values() if one is not None}
    if len(lengths) == 1 and sum(one is not None for one in columns.values()) > 1:
        return {name: one for name, one in columns.items() if one is not None}
    found = [rows for one in value.values() if (rows := _rows(one, depth + 1)) is not None]
    return found[0] if len(found) == 1 else None


def _are_records(value: dict[str, Any]) -> bool:
    """Whether records are kept by their times, as Alpha Vantage does."""
    first = next(iter(value.values()), None)
    keys = [name.lower() for name in first] if isinstance(first, dict) else []
    return all(isinstance(one, dict) for one in value.values()) and any("close" in key for key in keys)


def _column(value: Any) -> list[Any] | None:
    """A list of plain values, also where they are kept by their row's name as pandas does."""
    values = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(values, list) or not values or any(isinstance(one, (list, dict)) for one in values):
        return None
    return values
