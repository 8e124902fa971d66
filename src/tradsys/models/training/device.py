"""Where networks are trained, and what differs there: threads, precision, and who launches the kernels."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor

from tradsys.machine.plan import Precision

_ROUNDS_BEFORE_RECORDING = 3
_CROPS_AT_ONCE = 8
ROWS_AT_ONCE = 1 << 16
"""Rows of all models together that a check on a card may take at once; memory is set aside for them."""


def best_device() -> torch.device:
    """The accelerator that is there, else the processor."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


@contextmanager
def reproducible(device: torch.device) -> Iterator[None]:
    """Settings under which the same training gives the same bits on the same kind of machine.

    A processor takes one thread: the bits then do not depend on the number of cores, and folds that share a machine do
    not wait for each other's threads (two threads are 1.7 times as fast on two idle cores, and ten times slower when
    one of them is busy). CUDA takes the kernels that sum in a fixed order.
    """
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _fixed_order() if device.type == "cuda" else nullcontext():
            yield
    finally:
        torch.set_num_threads(n_threads)


@contextmanager
def _fixed_order() -> Iterator[None]:
    """CUDA's kernels without a race in their sums; on a processor there is none, and asking loads a compiler."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it at its first call
    filling: Any = torch.utils.deterministic  # its one setting is a property that the types do not know
    was_strict, was_filling = torch.are_deterministic_algorithms_enabled(), filling.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True)
    filling.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(was_strict)
        filling.fill_uninitialized_memory = was_filling


def precision(device: torch.device, wanted: Precision = "bfloat16") -> AbstractContextManager[object]:
    """bfloat16 for the matrix products on CUDA if it is wanted; elsewhere it is slower than float32 and never used.

    Without a cache of cast weights: one filled outside a recording would be stale in every replay.
    """
    if device.type == "cuda" and wanted == "bfloat16":
        return torch.autocast("cuda", torch.bfloat16, cache_enabled=False)
    return nullcontext()


def product_dtype(device: torch.device, wanted: Precision = "bfloat16") -> torch.dtype:
    """What `precision` makes of the matrix products."""
    return torch.bfloat16 if device.type == "cuda" and wanted == "bfloat16" else torch.float32


def crops_at_once(device: torch.device, n_rows: int) -> int:
    """How many crops a model goes through at once in a check, of which one is `n_rows` rows for all models together.

    A processor takes few, which stay in its caches; a card that took as few would mostly launch kernels.
    """
    return max(_CROPS_AT_ONCE, ROWS_AT_ONCE // n_rows) if device.type == "cuda" else _CROPS_AT_ONCE


def recorded(act: Callable[[], None], state: Mapping[str, Tensor], device: torch.device) -> Callable[[], None]:
    """A function of fixed tensors as one CUDA graph, launched by a single call; on other devices the function itself.

    `act` must read and write the same tensors each time and ask the host nothing. Recording needs some rounds to warm
    up; what these do to `state` is undone.
    """
    if device.type != "cuda":
        return act
    before = {name: value.clone() for name, value in state.items()}
    side: torch.cuda.Stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side):
        for _ in range(_ROUNDS_BEFORE_RECORDING):
            act()
    torch.cuda.current_stream(device).wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        act()
    with torch.no_grad():
        for name, value in state.items():
            value.copy_(before[name])
    return graph.replay
