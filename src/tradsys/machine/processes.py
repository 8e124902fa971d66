"""Process pools: a process a core, each library in it on one thread, none left behind by an error."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

from tradsys.core.plugins import load_plugins, loaded_plugins
from tradsys.machine.limits import THREAD_VARIABLES


@contextmanager
def process_pool(
    n_processes: int, initializer: Callable[..., object] | None = None, initargs: tuple[Any, ...] = ()
) -> Iterator[ProcessPoolExecutor]:
    """Fresh processes, so that their libraries read the thread caps; what waits when the block fails is cancelled.

    Plugins that settings named here are loaded there. A process ends with the one that made it, even where that
    was killed.
    """
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(n_processes, context, _begin, (loaded_plugins(), initializer, initargs)) as pool:
            try:
                yield pool
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


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
