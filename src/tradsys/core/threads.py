"""One numerical thread where the libraries are imported already, as in a notebook that calls `run`."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

_READ_BY = {
    "blas": ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "OMP_NUM_THREADS"),
    "openmp": ("OMP_NUM_THREADS",),
    "numba": ("NUMBA_NUM_THREADS",),
}
"""Kinds of pools, and the variables by which a user has chosen their threads himself."""
_WITH_POOLS = ("scipy.linalg", "sklearn", "torch", "xgboost")


class _Hold(threading.local):
    """How many blocks of this Python thread hold its pools, and what these get back."""

    def __init__(self) -> None:
        self.n_blocks = 0
        self.pools = ExitStack()


_HOLD = _Hold()


def is_chosen(name: str) -> bool:
    """Whether a thread variable is set; one that is empty says nothing."""
    return bool(os.environ.get(name, "").strip())


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread in BLAS, OpenMP and numba while the block (or the function that this decorates) runs.

    More threads would make the last digits hang on the number of cores, and spin on matrices as small as ours are. The
    pools get back what they had at the end, of blocks inside each other at that of the outermost. A pool whose variable
    is set is left alone, so that a user's own choice wins; the command line sets those that are not (`cap_threads`).
    Polars counts its threads once and for all when it is imported.
    """
    if _HOLD.n_blocks == 0:
        _hold(_HOLD.pools)
    _HOLD.n_blocks += 1
    try:
        yield
    finally:
        _HOLD.n_blocks -= 1
        if _HOLD.n_blocks == 0:
            _HOLD.pools.close()


def _hold(pools: ExitStack) -> None:
    free = {kind for kind, names in _READ_BY.items() if not any(is_chosen(name) for name in names)}
    if free & {"blas", "openmp"}:
        limits = {kind: 1 if kind in free else None for kind in ("blas", "openmp")}
        pools.enter_context(_pools(tuple(name for name in _WITH_POOLS if name in sys.modules)).limit(limits=limits))
    if "openmp" in free and "torch" in sys.modules:
        _hold_torch(pools)
    if "numba" in free and "numba" in sys.modules:
        _hold_numba(pools)


@cache
def _pools(imported: tuple[str, ...]) -> "ThreadpoolController":
    """The pools that are loaded; they are looked for again when more libraries than these are."""
    import scipy.linalg  # noqa: F401  # brings a BLAS of its own, which a first use inside the block would start
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _hold_torch(pools: ExitStack) -> None:
    torch: Any = sys.modules["torch"]
    pools.callback(torch.set_num_threads, torch.get_num_threads())
    torch.set_num_threads(1)


def _hold_numba(pools: ExitStack) -> None:
    """Only a pool that runs: ours never starts one, and asking for its size would."""
    numba: Any = sys.modules["numba"]
    try:
        numba.threading_layer()
    except ValueError:
        return
    pools.callback(numba.set_num_threads, numba.get_num_threads())
    numba.set_num_threads(1)
