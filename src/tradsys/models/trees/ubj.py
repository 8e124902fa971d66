"""Universal Binary JSON checked to be whole: XGBoost ends the process on trees that are cut off or empty."""

import struct

from tradsys.core.errors import BundleError

_SIZES = {"Z": 0, "N": 0, "T": 0, "F": 0, "i": 1, "U": 1, "C": 1, "I": 2, "l": 4, "d": 4, "L": 8, "D": 8}
_INTEGERS = {"i": ">b", "U": ">B", "I": ">h", "l": ">i", "L": ">q"}
_DEEPEST = 64


def check_ubj(content: bytes, what: str) -> None:
    """A BundleError unless the bytes are one object, whole and nothing else; https://ubjson.org, draft 12."""
    try:
        if content[:1] != b"{":
            raise ValueError("it does not begin with an object")
        end = _after_value(content, 0, 0)
        if end != len(content):
            raise ValueError(f"{len(content) - end} bytes follow its end")
    except ValueError as error:
        raise BundleError(f"{what} holds no trees of XGBoost ({error}); export the model again") from None


def _after_value(content: bytes, at: int, depth: int) -> int:
    """Place behind the value whose marker stands at `at`."""
    marker = _marker(content, at)
    return _after_content(content, marker, at + 1, depth)


def _after_content(content: bytes, marker: str, at: int, depth: int) -> int:
    if depth > _DEEPEST:
        raise ValueError("it is nested too deeply")
    if marker in _SIZES:
        return _inside(content, at + _SIZES[marker])
    if marker in "SH":
        n, at = _count(content, at)
        return _inside(content, at + n)
    if marker == "[":
        return _after_items(content, at, depth, "]", has_keys=False)
    if marker == "{":
        return _after_items(content, at, depth, "}", has_keys=True)
    raise ValueError(f"no value begins with {marker!r}, at byte {at - 1}")


def _after_items(content: bytes, at: int, depth: int, end: str, *, has_keys: bool) -> int:
    kind, n = "", -1
    if _marker(content, at) == "$":
        kind, at = _marker(content, at + 1), at + 2
        if _marker(content, at) != "#":
            raise ValueError("items of one kind have no count")
    if _marker(content, at) == "#":
        n, at = _count(content, at + 1)
    if kind in _SIZES and not has_keys:
        return _inside(content, at + n * _SIZES[kind])
    while n != 0 and not (n < 0 and _marker(content, at) == end):
        if has_keys:
            length, at = _count(content, at)
            at = _inside(content, at + length)
        at = _after_content(content, kind, at, depth + 1) if kind else _after_value(content, at, depth + 1)
        n -= n > 0
    return at + (n < 0)


def _count(content: bytes, at: int) -> tuple[int, int]:
    """A length and the place behind it."""
    marker = _marker(content, at)
    if marker not in _INTEGERS:
        raise ValueError(f"a length is a whole number, found {marker!r} at byte {at}")
    after = _inside(content, at + 1 + _SIZES[marker])
    (n,) = struct.unpack(_INTEGERS[marker], content[at + 1 : after])
    if n < 0:
        raise ValueError(f"a length is below zero at byte {at}")
    return n, after


def _marker(content: bytes, at: int) -> str:
    return chr(content[_inside(content, at + 1) - 1])


def _inside(content: bytes, after: int) -> int:
    if after > len(content):
        raise ValueError(f"it ends after {len(content)} bytes, in the middle of a value")
    return after
