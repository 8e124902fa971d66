"""Big objects that several processes hold: their arrays lie in a file that all of them map, in memory once.

What is sent to a process is the rest: how the object is made of its arrays, a few kilobytes. Frames of Polars lie in
files of their own (Arrow), which each process reads. A process that writes into an array changes its own copy alone.
"""

import io
import mmap
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

_ALIGNED = 64
"""Bytes; an array begins at a multiple of it, as wide registers like it."""

_held: dict[str, object] = {}
"""What this process has opened or made, by the token of what it was given."""


@dataclass(frozen=True, slots=True)
class Mapped[V]:
    """An object whose arrays lie in a file; opened by each process once."""

    token: str
    head: bytes
    path: Path
    spans: tuple[tuple[int, int], ...]

    @property
    def value(self) -> V:
        if self.token not in _held:
            _held[self.token] = self._open()
        return cast(V, _held[self.token])

    def _open(self) -> V:
        if not self.spans:
            return cast(V, _loads(self.head, ()))
        with self.path.open("rb") as file:
            # private pages: what nobody writes to is there once for all, and arrays are as writable as they were
            whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
        return cast(V, _loads(self.head, [whole[begin:end] for begin, end in self.spans]))


@dataclass(frozen=True, slots=True)
class MadeOnce[V]:
    """What each process makes for itself, once."""

    make: Callable[..., V]
    args: tuple[object, ...]
    token: str = field(default_factory=lambda: uuid4().hex)

    @property
    def value(self) -> V:
        if self.token not in _held:
            _held[self.token] = self.make(*self.args)
        return cast(V, _held[self.token])


def put[V](value: V, folder: Path) -> Mapped[V]:
    """Lay the object's arrays into a file of this folder, which must stay until all processes have opened it."""
    token = uuid4().hex
    path, head, buffers = folder / token, io.BytesIO(), list[Any]()
    _ArraysApart(head, folder, buffers.append).dump(value)
    spans = []
    with path.open("wb") as file:
        for buffer in buffers:
            raw = buffer.raw()
            if not raw.nbytes:
                raw = b"\0"  # nothing can be mapped of an empty file; the span below is empty all the same
            file.write(b"\0" * (-file.tell() % _ALIGNED))
            begin = file.tell()
            file.write(raw)
            spans.append((begin, begin + buffer.raw().nbytes))
    return Mapped(token, head.getvalue(), path, tuple(spans))


class _ArraysApart(ForkingPickler):
    """What processes send each other, but for arrays and frames."""

    def __init__(self, head: io.BytesIO, folder: Path, keep: Callable[[Any], object]) -> None:
        super().__init__(head, 5, True, keep)
        self._folder = folder

    def reducer_override(self, value: object) -> Any:
        polars = sys.modules.get("polars")
        if polars is None or not isinstance(value, polars.DataFrame) or not value.width:
            return NotImplemented
        path = self._folder / f"{uuid4().hex}.arrow"
        value.rechunk().write_ipc(path, compression="uncompressed", record_batch_size=max(1, len(value)))
        return _frame, (path,)


def _frame(path: Path) -> Any:
    import polars as pl

    return pl.read_ipc(path)


def _loads(head: bytes, buffers: Any) -> Any:
    return ForkingPickler.loads(head, buffers=buffers)
