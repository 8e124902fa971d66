"""Worker processes: each library in them on one thread, none left behind by an error; an `Executor` of several."""

import gc
import importlib
import multiprocessing
import os
import signal
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import resource_tracker
from multiprocessing.context import ForkContext, SpawnContext
from pathlib import Path
from typing import Any, Protocol

from tradsys.core.errors import ConfigError, WorkerError
from tradsys.core.plugins import load_plugins, loaded_plugins
from tradsys.core.whole_steps import passing_folder, whole
from tradsys.machine.executor import Listener, Shared, Task
from tradsys.machine.forking import may_fork
from tradsys.machine.limits import THREAD_VARIABLES
from tradsys.machine.sharing import MadeOnce, put

_LISTEN_S = 0.25
"""How long nobody listens for an interrupt while results are waited for."""

_FAILED: list[ProcessPoolExecutor] = []
"""Pools that are kept: their own thread, which holds their lock while they end, waits for it if it frees them last."""


type Context = SpawnContext | ForkContext


def _context() -> Context:
    return multiprocessing.get_context("fork") if may_fork() else multiprocessing.get_context("spawn")


@contextmanager
def process_pool(
    n_processes: int,
    initializer: Callable[..., object] | None = None,
    initargs: tuple[Any, ...] = (),
    context: Context | None = None,
) -> Iterator[ProcessPoolExecutor]:
    """Processes with one thread a library; when the block fails, they end with their work.

    They begin as the `context` says, as forks of this one where that may be (`may_fork`) unless it is given; the
    libraries of fresh ones read the thread caps. Plugins that settings named here are loaded there. A process ends with
    the one that made it, even where that was killed. An interrupt from the keyboard reaches that one alone, which ends
    the others: they print nothing of their own.
    """
    context = context or _context()
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    others = set(multiprocessing.active_children())
    try:
        with ProcessPoolExecutor(n_processes, context, _begin, (loaded_plugins(), initializer, initargs)) as pool:
            try:
                if context.get_start_method() == "fork":
                    _fork_deaf(pool)
                else:
                    # in a thread, since they take seconds to begin and the interrupt must reach this one meanwhile
                    starting = threading.Thread(target=_start_deaf, args=(pool, n_processes), daemon=True)
                    starting.start()
                    starting.join()
                yield pool
            except BaseException:
                _FAILED.append(pool)
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


class _Queue(Protocol):
    """What workers say, in the order in which it was said."""

    def put(self, said: tuple[int, str]) -> None: ...
    def get(self) -> tuple[int, str]: ...
    def empty(self) -> bool: ...


_said: _Queue | None = None
"""In a worker, where it says what it does."""


@contextmanager
def opened_processes(n_processes: int, doing: str, kept: str, imports: Sequence[str] = ()) -> Iterator["Processes"]:
    """So many worker processes as an `Executor`, while the block lasts (see `open_executor`)."""
    context = _context()
    said: _Queue = context.SimpleQueue()
    lost = f"a process that {doing} was killed, probably for memory; run the same command again with fewer --processes"
    with (
        passing_folder("tradsys-") as folder,
        process_pool(n_processes, _begin_work, (said, tuple(imports)), context) as pool,
    ):
        yield Processes(pool, n_processes, folder, f"{lost}: {kept}", said)


type _Work = tuple[Future[Any], Callable[..., Any], tuple[Any, ...], dict[str, Any]]
"""Where its result goes, and what is to be called with what."""


@dataclass(slots=True)
class Processes:
    """Several worker processes of this machine, each on one thread, with what they share in a folder."""

    pool: ProcessPoolExecutor
    n_processes: int
    folder: Path
    lost: str
    said: _Queue
    _listeners: list[Listener] = field(default_factory=list)
    _urgent: deque[_Work] = field(default_factory=deque)
    _deferred: deque[_Work] = field(default_factory=deque)
    _n_sent: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def submit[**P, R](self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Task[R]:
        return _Submitted(self._queued(self._urgent, work, *args, **kwargs), self)

    def defer[**P, R](self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Task[R]:
        return _Submitted(self._queued(self._deferred, work, *args, **kwargs), self)

    def map[T, R](self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        for task in [self.submit(work, item) for item in items]:
            yield task.result()

    def as_done[T, R](self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R]]:
        left, pending = iter(items), dict[Future[R], T]()
        while True:
            while len(pending) < self.n_processes and (taken := next(((item,) for item in left), None)):
                pending[self._queued(self._urgent, work, *taken)] = taken[0]
            if not pending:
                return
            done = self.wait(pending)
            for future in [one for one in pending if one in done]:
                yield pending.pop(future), self.outcome(future)

    def share[V](self, value: V) -> Shared[V]:
        return put(value, self.folder)

    def once[V](self, make: Callable[..., V], *args: object) -> Shared[V]:
        return MadeOnce(make, args)

    def heard(self, listener: Listener) -> Listener:
        self._listeners.append(listener)
        return _Said(len(self._listeners) - 1)

    def wait[R](self, futures: Iterable[Future[R]]) -> set[Future[R]]:
        """Those of them that are done, once one is; meanwhile the workers and an interrupt are heard."""
        while True:
            done, _ = wait(futures, timeout=_LISTEN_S, return_when=FIRST_COMPLETED)
            while not self.said.empty():
                listener, what = self.said.get()
                self._listeners[listener](what)
            if done:
                return done

    def outcome[R](self, future: Future[R]) -> R:
        """What work that is done returned."""
        try:
            return future.result()
        except BrokenProcessPool:
            raise WorkerError(self.lost) from None
        except Exception as error:  # what cannot be pickled raises errors of any type, and the work its own
            if "pickle" not in f"{type(error).__name__} {error}".lower():
                raise
            raise ConfigError(
                f"processes send each other values that can be pickled, found one that cannot ({error}); mend the part "
                "that made it, or take --processes 1"
            ) from error

    def _queued[**P, R](
        self, queue: deque[_Work], work: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> Future[R]:
        result = Future[R]()
        queue.append((result, work, args, kwargs))
        self._send()
        return result

    def _send(self) -> None:
        """Give the processes what waits, the urgent first, as much as they work on and one part more.

        Called wherever work comes or ends, in the pool's own thread too, so that none is idle while nobody listens.
        """
        while (taken := self._next()) is not None:
            result, work, args, kwargs = taken
            try:
                sent = self.pool.submit(work, *args, **kwargs)
            except RuntimeError as error:  # of a pool that is broken or shut down
                result.set_exception(error)
                continue
            sent.add_done_callback(partial(self._ended, result))

    def _next(self) -> _Work | None:
        with self._lock:
            queue = self._urgent or self._deferred
            if not queue or self._n_sent > self.n_processes:
                return None
            self._n_sent += 1
            return queue.popleft()

    def _ended(self, result: Future[Any], sent: Future[Any]) -> None:
        if sent.cancelled():
            result.cancel()
            return
        error = sent.exception()
        if isinstance(error, BrokenProcessPool):
            # the pool says so under its lock, which sending would wait for
            waiting = [*self._urgent, *self._deferred]
            self._urgent.clear()
            self._deferred.clear()
            for one in (result, *(other for other, *_ in waiting)):
                one.set_exception(error)
            return
        with self._lock:
            self._n_sent -= 1
        self._send()
        if error is None:
            result.set_result(sent.result())
        else:
            result.set_exception(error)


@dataclass(frozen=True, slots=True)
class _Submitted[R]:
    """Work at one of the processes, or waiting for one."""

    future: Future[R]
    processes: Processes

    def result(self) -> R:
        self.processes.wait([self.future])
        return self.processes.outcome(self.future)


@dataclass(frozen=True, slots=True)
class _Said:
    """A listener's number, for work in another process."""

    listener: int

    def __call__(self, what: str) -> None:
        assert _said is not None, "heard in a worker process alone"
        _said.put((self.listener, what))


def _begin_work(said: _Queue, imports: Sequence[str]) -> None:
    global _said
    _said = said
    for name in imports:
        importlib.import_module(name)


def _fork_deaf(pool: ProcessPoolExecutor) -> None:
    """Fork every process, which takes moments, while the keyboard's interrupt is held back from this thread."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    gc.freeze()  # what is there by now stays in memory once: no collection writes to it
    try:
        with warnings.catch_warnings(), whole():
            # Python warns of any other thread: those that are there do nothing a fork would miss
            warnings.simplefilter("ignore", DeprecationWarning)
            pool.submit(_nothing)
    finally:
        gc.unfreeze()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
    signal.set_wakeup_fd(-1)  # a fork has the pipe by which the first process hears of it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    load_plugins(plugins)
    if initializer is not None:
        initializer(*initargs)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
