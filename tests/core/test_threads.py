"""Pools that are counted already are held to one thread while work goes on, and a user's own choice wins."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np  # noqa: F401  # its BLAS is counted when it is imported
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from tradsys.core.threads import one_thread
from tradsys.machine.limits import THREAD_VARIABLES


def pools(kind: str) -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == kind}


@pytest.fixture
def two_threads(monkeypatch):
    """Libraries that took two threads when they were imported, with nothing in the environment."""
    for name in THREAD_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with threadpool_limits(2):
        before = torch.get_num_threads()
        torch.set_num_threads(2)
        yield
        torch.set_num_threads(before)


def test_every_pool_is_held_to_one_thread_and_gets_its_own_back(two_threads):
    @one_thread()
    def inside() -> tuple[set[int], set[int], int]:
        return pools("blas"), pools("openmp"), torch.get_num_threads()

    assert inside() == ({1}, {1}, 1)
    assert (pools("blas"), pools("openmp"), torch.get_num_threads()) == ({2}, {2}, 2)


def test_an_error_gives_the_pools_back_too(two_threads):
    with pytest.raises(ZeroDivisionError), one_thread():
        _ = 1 / 0
    assert pools("blas") == {2}


def test_blocks_inside_each_other_hold_until_the_outermost_ends(two_threads):
    with one_thread():
        with one_thread():
            pass
        assert pools("blas") == {1}
    assert pools("blas") == {2}


def test_a_python_thread_holds_its_own(two_threads):
    with one_thread(), ThreadPoolExecutor(1) as others:
        assert others.submit(one_thread()(lambda: pools("blas"))).result() == {1}
        assert pools("blas") == {1}


@pytest.mark.parametrize(
    ("chosen", "blas", "openmp"),
    [("OPENBLAS_NUM_THREADS", {2}, {1}), ("OMP_NUM_THREADS", {2}, {2}), ("NUMBA_NUM_THREADS", {1}, {1})],
)
def test_a_users_own_choice_wins_for_its_pools_alone(two_threads, monkeypatch, chosen, blas, openmp):
    monkeypatch.setenv(chosen, "2")
    with one_thread():
        assert (pools("blas"), pools("openmp")) == (blas, openmp)


def test_an_empty_variable_is_no_choice(two_threads, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", " ")
    with one_thread():
        assert pools("blas") == {1}
