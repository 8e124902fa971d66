"""JSON as commands print it under --json: nothing in it that only Python takes for a number."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from enum import Enum
from math import isfinite
from pathlib import PurePath
from typing import Any


def printed_json(value: Any, *, indent: int | None = None) -> str:
    """The value in the order of its keys; a number that is not finite is null, as JSON has no other.

    >>> printed_json({"sharpe": float("nan"), "days": (1, 2.5)})
    '{"sharpe": null, "days": [1, 2.5]}'
    """
    return json.dumps(_finite(value), indent=indent, allow_nan=False, default=_named)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if hasattr(value, "tolist"):  # of NumPy, which takes long to import
        return _finite(value.tolist())
    return None if isinstance(value, float) and not isfinite(value) else value


def _named(value: Any) -> str:
    if isinstance(value, date | timedelta | PurePath | Enum):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form; give numbers, text, lists or mappings")
