"""What makes two configurations the same: the values that differ from their defaults, and the version of the defaults.

One rule for settings and for frozen specs alike. A value at its default is left out, so that a setting which is added
later changes no digest; a default that changes would change results under an old digest, and so raises `SCHEMA`.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Final

from tradsys.core.json_text import canonical_json

SCHEMA: Final = 4
"""Version of the defaults, pinned by a test. 1 left values out by a list, 2 charged no slippage, 3 asked a network."""

NOT_IDENTITY: Final = "not identity"
"""Marks what changes no result, or is part of the data: `Annotated[..., NOT_IDENTITY]` in settings."""

OUTSIDE_IDENTITY: Final = {NOT_IDENTITY: True}
"""The same mark for a frozen spec: `field(metadata=OUTSIDE_IDENTITY)`."""


def digest(spec: object) -> str:
    """SHA-256 of the schema and of every value in `spec`, settings or a dataclass, that differs from its default."""
    return digest_of(identity(spec))


def digest_of(values: Mapping[str, Any]) -> str:
    """SHA-256 of the schema and of these values, for what is no single spec."""
    return hashlib.sha256(canonical_json({"schema": SCHEMA, "values": values}).encode()).hexdigest()


def identity(spec: object, *, with_defaults: bool = False) -> dict[str, Any]:
    """The values that differ from their defaults, or all of them, JSON-able; class names of specs included.

    >>> from tradsys.core.costs import Costs
    >>> identity(Costs(taker_bps=7.5, maker_bps=2.0))
    {'class': 'Costs', 'taker_bps': 7.5}
    """
    found: dict[str, Any] = {} if _is_settings(spec) else {"class": type(spec).__name__}
    for name, value, default in _fields(spec):
        if with_defaults or value != default:
            stated = _plain(value, with_defaults)
            if stated != {}:  # a section in which only values outside of the identity were set
                found[name] = stated
    return found


def _fields(spec: object) -> Iterator[tuple[str, Any, Any]]:
    """Name, value and default of each field that belongs to the identity."""
    if _is_settings(spec):
        for name, setting in type(spec).model_fields.items():  # type: ignore[attr-defined]
            if NOT_IDENTITY not in setting.metadata:
                yield name, getattr(spec, name), setting.get_default(call_default_factory=True)
        return
    for field in fields(spec):  # type: ignore[arg-type]  # a dataclass, or fields says that it is none
        if NOT_IDENTITY not in field.metadata:
            default = field.default if field.default_factory is MISSING else field.default_factory()
            yield field.name, getattr(spec, field.name), default


def _is_settings(spec: object) -> bool:
    """Whether it is a pydantic model, asked without importing pydantic, which a bot does not need."""
    return hasattr(type(spec), "model_fields")


def _plain(value: Any, with_defaults: bool) -> Any:
    """In JSON's types."""
    if _is_settings(value) or is_dataclass(value):
        return identity(value, with_defaults=with_defaults)
    if isinstance(value, Mapping):
        return {str(key): _plain(one, with_defaults) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one, with_defaults) for one in value]
    return value
