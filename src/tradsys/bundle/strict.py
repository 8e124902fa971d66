"""Frozen dataclasses read from JSON without leniency: every field there, none unknown, each of its own type."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from math import isfinite
from typing import Any, Literal, TypeAliasType, Union, get_args, get_origin, get_type_hints

from tradsys.core.errors import BundleError, TradsysError


def read_strictly[T](kind: type[T], content: Any, where: str) -> T:
    """The dataclass that JSON values describe; a BundleError names the field that is missing, unknown or of no use.

    Fields are texts, numbers, booleans, tuples, mappings by text, or dataclasses of the same; `where` is what errors
    call the content.
    """
    if not isinstance(content, dict):
        raise _fault(where, "an object", content)
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]  # a dataclass by the contract
    if missing := [name for name in names if name not in content]:
        raise BundleError(f"{where} lacks {', '.join(missing)}; {_AGAIN}")
    if unknown := sorted(content.keys() - set(names)):
        raise BundleError(f"{where} holds {', '.join(unknown)}, which this version does not know; {_AGAIN}")
    values = {name: _read(hints[name], content[name], f"{where}.{name}") for name in names}
    try:
        return kind(**values)
    except BundleError:
        raise
    except TradsysError as error:
        raise BundleError(f"{where} cannot be: {error}") from None


_AGAIN = "copy the bundle again, or write it with this version's tradsys deploy"


def _fault(where: str, wanted: str, found: Any) -> BundleError:
    shown = repr(found)
    return BundleError(f"{where} is {wanted}, found {shown if len(shown) < 60 else shown[:57] + '...'}; {_AGAIN}")


def _read(kind: Any, value: Any, where: str) -> Any:
    if isinstance(kind, TypeAliasType):
        return _read(kind.__value__, value, where)
    if is_dataclass(kind) and isinstance(kind, type):
        return read_strictly(kind, value, where)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is tuple:
        return _read_tuple(inner, value, where)
    if origin is Mapping:
        if not isinstance(value, dict):
            raise _fault(where, "an object", value)
        return {name: _read(inner[1], one, f"{where}.{name}") for name, one in value.items()}
    if origin is Literal:
        if value not in inner:
            raise _fault(where, " or ".join(map(repr, inner)), value)
        return value
    if not inner:
        return _read_plain(kind, value, where)
    if origin is not Union and type(kind).__name__ != "UnionType":
        raise TypeError(f"{where} is of {kind}, which cannot be read strictly")
    return _read_one_of(inner, value, where)


def _read_one_of(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    """The value as the first of several kinds that it fits; what may be missing is told what it would have to be."""
    if value is None and type(None) in kinds:
        return None
    kinds = tuple(kind for kind in kinds if kind is not type(None))
    for kind in kinds[:-1]:
        try:
            return _read(kind, value, where)
        except BundleError:
            continue
    return _read(kinds[-1], value, where)


def _read_tuple(inner: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _fault(where, "a list", value)
    kinds = (inner[0],) * len(value) if inner[1:] == (Ellipsis,) else inner
    if len(kinds) != len(value):
        raise _fault(where, f"a list of {len(kinds)}", value)
    return tuple(_read(kind, one, f"{where}[{i}]") for i, (kind, one) in enumerate(zip(kinds, value, strict=True)))


def _read_plain(kind: type, value: Any, where: str) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is float and is_number and isfinite(value):
        return float(value)
    if kind is not float and type(value) is kind:
        return value
    wanted = {float: "a finite number", int: "a whole number", str: "a text", bool: "true or false"}
    raise _fault(where, wanted[kind], value)
