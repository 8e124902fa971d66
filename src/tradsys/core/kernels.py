"""Kernels compiled by numba, cached on disk: an edit of any file that a kernel is made of compiles it anew.

Numba looks at the file of the kernel alone, and the machine code of kernels that it calls, with the values of constants
in other files, is part of its own: edited there, they would go on as they were. It also gives two signatures one file
where two processes store them at the same moment.
"""

import fcntl
import hashlib
import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, cast

import numba
from numba.core.caching import FunctionCache
from numba.core.dispatcher import Dispatcher

_LOCK = "tradsys-kernels.lock"
_KEPT: list[Any] = []


def njit[F: Callable[..., Any]](**options: Any) -> Callable[[F], F]:
    """As numba's, and with `cache=True` kept where this package can write: beside the code, or else for this user.

    `NUMBA_CACHE_DIR` names another folder. Where nothing can be written kernels are compiled in each process.
    """
    is_cached = options.pop("cache", False)

    def compiled(function: F) -> F:
        kernel: Any = numba.njit(**options)(function)
        if is_cached and isinstance(kernel, Dispatcher):
            kernel = _kept(kernel)
        return cast(F, kernel)

    return compiled


def kernel_folder(kernel: Any) -> Path | None:
    """Where the machine code of a kernel is kept, None where no folder can be written."""
    place = kernel._cache.cache_path
    return None if place is None else Path(place)


def compiled_and_found() -> tuple[int, int]:
    """How many signatures of kernels this process compiled, and how many it found in the cache."""
    stats = [kernel.stats for kernel in _KEPT]
    return sum(sum(one.cache_misses.values()) for one in stats), sum(sum(one.cache_hits.values()) for one in stats)


def _kept(kernel: Any) -> Any:
    """The kernel with a cache, or as it is where numba finds no folder for one."""
    with suppress(RuntimeError):
        kernel._cache = _KernelCache(kernel.py_func)  # type: ignore[no-untyped-call]  # numba has no types
        _KEPT.append(kernel)
        # now, as it was imported: an edit before the first call would be told of code that is not compiled
        _content(kernel.py_func.__code__.co_filename)
    return kernel


class _KernelCache(FunctionCache):
    """A kernel's machine code by signature, good for what the kernel is made of, one process at a time.

    Numba has no types, and calls of what it defines are ignored where types are checked.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        self._stamp()
        with _locked(Path(self.cache_path), fcntl.LOCK_SH):
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]

    def save_overload(self, sig: Any, data: Any) -> None:
        self._stamp()
        with _locked(Path(self.cache_path), fcntl.LOCK_EX):
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]

    def _stamp(self) -> None:
        """Late, because a kernel may call what its file defines further down."""
        self._cache_file._source_stamp = made_of(self._py_func)


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def made_of(function: Any) -> str:
    """SHA-256 of all that a kernel is compiled from: its file, the files of what it calls, constants that it names."""
    parts: dict[str, bytes] = {}
    _collect(function, parts)
    digest = hashlib.sha256()
    for name, content in sorted(parts.items()):
        digest.update(f"{name}\n{len(content)}\n".encode() + content)
    return digest.hexdigest()


def _collect(function: Any, parts: dict[str, bytes]) -> None:
    name = f"{function.__module__}.{function.__qualname__}"
    if name in parts:
        return
    parts[name] = _content(function.__code__.co_filename)
    for code in _codes(function.__code__):
        for used in code.co_names:
            value = function.__globals__.get(used)
            for one in _members(value, code) if isinstance(value, ModuleType) else ((used, value),):
                _add(f"{function.__module__}.{one[0]}", one[1], parts)


def _members(module: ModuleType, code: CodeType) -> Iterator[tuple[str, Any]]:
    """What a kernel takes from a module of ours; a library's belong to the lock."""
    if _is_ours(module):
        yield from ((f"{module.__name__}.{name}", vars(module)[name]) for name in code.co_names if name in vars(module))


def _add(name: str, value: Any, parts: dict[str, bytes]) -> None:
    if isinstance(value, Dispatcher):
        _collect(value.py_func, parts)
    elif isinstance(value, FunctionType):
        _collect(value, parts)
    elif isinstance(value, type) and _is_ours(value):
        parts[name] = _content(inspect.getfile(value))
    elif isinstance(value, bool | int | float | complex | str | bytes | tuple):
        parts[name] = repr(value).encode()
    elif hasattr(value, "tobytes"):
        parts[name] = value.tobytes()


def _is_ours(value: Any) -> bool:
    name = value.__name__ if isinstance(value, ModuleType) else value.__module__
    return str(name).partition(".")[0] == "tradsys"


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


@cache
def _content(file: str) -> bytes:
    return Path(file).read_bytes()
