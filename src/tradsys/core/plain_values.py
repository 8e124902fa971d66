"""Frozen dataclasses of numbers, texts and arrays as plain values, and back to the last bit."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Self, get_type_hints

import numpy as np

from tradsys.core.arrays import FloatArray


class PlainValues:
    """A dataclass whose fields are numbers, texts, tuples of them, float arrays, or dataclasses of this kind."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values by the names of the fields, in their order; as JSON they read back to the last bit."""
        own: Any = self
        return {field.name: _plain(getattr(self, field.name)) for field in fields(own)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """What `to_dict` wrote; keys that are no field's are passed over."""
        own: Any = cls
        types = get_type_hints(cls)
        return cls(**{field.name: _read(types[field.name], content[field.name]) for field in fields(own)})


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.to_dict() if isinstance(value, PlainValues) else value


def _read(kind: Any, value: Any) -> Any:
    if kind is FloatArray:
        return np.asarray(value, float)
    if isinstance(kind, type) and issubclass(kind, PlainValues):
        return kind.from_dict(value)
    return as_tuples(value)


def as_tuples(value: Any) -> Any:
    """Nested lists as nested tuples, anything else as it is."""
    return tuple(map(as_tuples, value)) if isinstance(value, list) else value
