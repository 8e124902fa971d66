"""Universal Binary JSON, in which XGBoost writes its trees: read here, so that who decides needs no XGBoost."""

import struct
from typing import Any, Final

import numpy as np

from tradsys.core.errors import BundleError

_SIZES = {"Z": 0, "N": 0, "T": 0, "F": 0, "i": 1, "U": 1, "C": 1, "I": 2, "l": 4, "d": 4, "L": 8, "D": 8}
_FORMATS: Final = {"i": ">b", "U": ">B", "I": ">h", "l": ">i", "L": ">q", "d": ">f", "D": ">d"}
_INTEGERS = "iUIlL"
_CONSTANTS: Final = {"Z": None, "N": None, "T": True, "F": False}
_DEEPEST = 64


def read_ubj(content: bytes, what: str) -> dict[str, Any]:
    """The one object that the bytes hold; a list of numbers of one kind is an array of that kind.

    A BundleError unless they are whole and nothing else; https://ubjson.org, draft 12.
    """
    try:
        if content[:1] != b"{":
            raise ValueError("it does not begin with an object")
        value, end = _value(content, 0, 0)
        if end != len(content):
            raise ValueError(f"{len(content) - end} bytes follow its end")
    except ValueError as error:
        raise BundleError(f"{what} holds no trees of XGBoost ({error}); export the model again") from None
    assert isinstance(value, dict)
    return value


def _value(content: bytes, at: int, depth: int) -> tuple[Any, int]:
    """The value whose marker stands at `at`, and the place behind it."""
    return _content(content, _marker(content, at), at + 1, depth)


def _content(content: bytes, marker: str, at: int, depth: int) -> tuple[Any, int]:
    if depth > _DEEPEST:
        raise ValueError("it is nested too deeply")
    if marker in _SIZES:
        after = _inside(content, at + _SIZES[marker])
        return _scalar(marker, content[at:after]), after
    if marker in "SH":
        n, at = _count(content, at)
        return _text(content, at, n)
    if marker == "[":
        return _items(content, at, depth)
    if marker == "{":
        return _members(content, at, depth)
    raise ValueError(f"no value begins with {marker!r}, at byte {at - 1}")


def _scalar(marker: str, part: bytes) -> Any:
    if marker in _FORMATS:
        return struct.unpack(_FORMATS[marker], part)[0]
    return _CONSTANTS[marker] if marker in _CONSTANTS else part.decode("latin-1")


def _items(content: bytes, at: int, depth: int) -> tuple[Any, int]:
    kind, n, at = _header(content, at)
    if kind in _FORMATS:
        after = _inside(content, at + n * _SIZES[kind])
        return np.frombuffer(content, _FORMATS[kind], n, at).astype(_FORMATS[kind].replace(">", "=")), after
    found: list[Any] = []
    while not _is_over(content, at, n, len(found), "]"):
        one, at = _content(content, kind, at, depth + 1) if kind else _value(content, at, depth + 1)
        found.append(one)
        if kind in _CONSTANTS and n > len(content):
            raise ValueError(f"it would hold {n} values of nothing")
    return found, at + (n < 0)


def _members(content: bytes, at: int, depth: int) -> tuple[dict[str, Any], int]:
    kind, n, at = _header(content, at)
    found: dict[str, Any] = {}
    n_read = 0
    while not _is_over(content, at, n, n_read, "}"):
        length, at = _count(content, at)
        name, at = _text(content, at, length)
        if name in found:
            raise ValueError(f"the key {name!r} stands twice in one object")
        found[name], at = _content(content, kind, at, depth + 1) if kind else _value(content, at, depth + 1)
        n_read += 1
    return found, at + (n < 0)


def _header(content: bytes, at: int) -> tuple[str, int, int]:
    """The kind of all items where they have one, their number (-1: until a marker ends them), where they begin."""
    kind, n = "", -1
    if _marker(content, at) == "$":
        kind, at = _marker(content, at + 1), at + 2
        if _marker(content, at) != "#":
            raise ValueError("items of one kind have no count")
    if _marker(content, at) == "#":
        n, at = _count(content, at + 1)
    return kind, n, at


def _is_over(content: bytes, at: int, n: int, n_read: int, end: str) -> bool:
    return n_read == n if n >= 0 else _marker(content, at) == end


def _text(content: bytes, at: int, n: int) -> tuple[str, int]:
    after = _inside(content, at + n)
    return content[at:after].decode(), after


def _count(content: bytes, at: int) -> tuple[int, int]:
    """A length and the place behind it."""
    marker = _marker(content, at)
    if marker not in _INTEGERS:
        raise ValueError(f"a length is a whole number, found {marker!r} at byte {at}")
    after = _inside(content, at + 1 + _SIZES[marker])
    (n,) = struct.unpack(_FORMATS[marker], content[at + 1 : after])
    if n < 0:
        raise ValueError(f"a length is below zero at byte {at}")
    return n, after


def _marker(content: bytes, at: int) -> str:
    return chr(content[_inside(content, at + 1) - 1])


def _inside(content: bytes, after: int) -> int:
    if after > len(content):
        raise ValueError(f"it ends after {len(content)} bytes, in the middle of a value")
    return after
