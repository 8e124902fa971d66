"""JSON written so that its bytes depend on its content alone, and read so that no part of it is passed over."""

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from math import isfinite
from pathlib import PurePath
from typing import Any

import numpy as np

from tradsys.core.errors import DataError


def canonical_json(value: Any) -> str:
    """One line of JSON with sorted keys: the text that is hashed."""
    try:
        return _one_line(value)
    except RecursionError:
        raise DataError("JSON goes some hundred levels deep, found more; store it flat") from None


def _one_line(value: Any) -> str:
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def pretty_json(value: Any) -> str:
    """Indented JSON with sorted keys, for people and for byte-wise comparison."""
    return json.dumps(plain(value), sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read_json(text: str | bytes) -> Any:
    """What the text says; a ValueError where it is no JSON, names a key of one object twice or is nested too deeply.

    >>> read_json('{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ValueError: the key 'a' stands twice in one object
    """
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except RecursionError:
        raise ValueError("it is nested too deeply to be read") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return found


def plain(value: Any) -> Any:
    """The value in JSON's own types; a number that is not finite becomes None."""
    if value is None or (isinstance(value, (bool, str)) and not isinstance(value, Enum)):
        return value
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    if isinstance(value, float):
        return float(value) if isfinite(value) else None
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, int):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(plain(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, PurePath):
        return value.as_posix()
    raise DataError(f"{type(value).__name__} has no JSON form; give numbers, text, lists, mappings or dataclasses")
