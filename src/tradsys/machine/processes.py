"""Process pools: a process a core, each library in it on one thread, none left behind by an error."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from typing import Any

from tradsys.core.plugins import load_plugins, loaded_plugins
from tradsys.core.whole_steps import whole
from tradsys.machine.limits import THREAD_VARIABLES

_LISTEN_S = 0.25
"""How long nobody listens for an interrupt while results are waited for."""


@contextmanager
def process_pool(
    n_processes: int, initializer: Callable[..., object] | None = None, initargs: tuple[Any, ...] = ()
) -> Iterator[ProcessPoolExecutor]:
    """Fresh processes, so that their libraries read the thread caps; when the block fails, they end with their work.

    Plugins that settings named here are loaded there. A process ends with the one that made it, even where that was
    killed. An interrupt from the keyboard reaches that one alone, which ends the others: they print nothing of their
    own.
    """
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    try:
        with ProcessPoolExecutor(n_processes, context, _begin, (loaded_plugins(), initializer, initargs)) as pool:
            try:
                # in a thread, since they take seconds to begin and the interrupt must reach this one meanwhile
                starting = threading.Thread(target=_start_deaf, args=(pool, n_processes), daemon=True)
                starting.start()
                starting.join()
                yield pool
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                # one at work would finish it first, and a library that catches SIGTERM lets it
                for process in set(multiprocessing.active_children()) - others:
                    process.kill()
                raise
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def completed[R](futures: Iterable[Future[R]]) -> Iterator[Future[R]]:
    """Each when it is done, as `concurrent.futures.as_completed`, but an interrupt is heard while one waits.

    A lock without a time limit sleeps on where the system hands the signal to another thread than the one that waits.
    """
    missing = set(futures)
    while missing:
        done, missing = wait(missing, timeout=_LISTEN_S, return_when=FIRST_COMPLETED)
        yield from done


def mapped[T, R](pool: ProcessPoolExecutor, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Results in the order of the items, as `pool.map` gives them, but an interrupt is heard while one waits."""
    for future in [pool.submit(work, item) for item in items]:
        for done in completed([future]):
            yield done.result()


def _start_deaf(pool: ProcessPoolExecutor, n_processes: int) -> None:
    """Start every process while the keyboard's interrupt is held back from this thread, which they inherit."""
    resource_tracker.ensure_running()  # started later, it would let the interrupt through again
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    with suppress(RuntimeError):  # of a pool that was shut down meanwhile
        for _ in range(n_processes):
            with whole():  # an interrupt ends the processes that it finds
                pool.submit(_nothing)


def _nothing() -> None:
    """What a process is given so that it starts."""


def _begin(plugins: tuple[str, ...], initializer: Callable[..., object] | None, initargs: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    load_plugins(plugins)
    if initializer is not None:
        initializer(*initargs)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
