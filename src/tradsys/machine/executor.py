"""Who does the parts of long work: this process, or several; the results are the same, and come in the same order.

Work is a function that can be found by its name (of a module, or a `functools.partial` of one) and what it is called
with; big things that many parts need are shared once instead of being sent with each. Whatever runs elsewhere, on other
machines say, is another `Executor`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

type Listener = Callable[[str], object]
"""Called with what a part of the work does now."""


class Task[R](Protocol):
    """A part of the work that was submitted."""

    def result(self) -> R:
        """What it returned, or the error that it raised; waits for it, and hears an interrupt meanwhile."""


class Shared[V](Protocol):
    """Something big that every worker holds once; it travels in the arguments of the work, as small as a name.

    Nobody changes it: what a worker changes stays there.
    """

    @property
    def value(self) -> V:
        """The thing itself."""


class Executor(Protocol):
    """Does parts of the work side by side, as far as there are workers.

    A worker that is killed is a WorkerError where its result, or any other, is waited for.
    """

    @property
    def n_processes(self) -> int:
        """Parts that are done side by side; 1 is one after the other, in this process."""

    def submit[**P, R](self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Task[R]:
        """Have it done: at once where a worker is free, in this process when its result is asked for."""

    def defer[**P, R](self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Task[R]:
        """The same for what nobody waits for yet: workers do it when there is nothing else to do."""

    def map[T, R](self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Results in the order of the items; with one process each is worked on when its result is asked for."""

    def as_done[T, R](self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R]]:
        """Each item with its result, whichever is done first; an item is taken when a worker has time for it."""

    def share[V](self, value: V) -> Shared[V]:
        """Put it once where every worker finds it."""

    def once[V](self, make: Callable[..., V], *args: object) -> Shared[V]:
        """What `make(*args)` returns, made once by each worker that uses it."""

    def heard(self, listener: Listener) -> Listener:
        """What work may call in the listener's place: it is heard here while a result is waited for."""


@dataclass(slots=True)
class _Later[R]:
    """Work for when it is asked for, once; what it was to be called with is let go then."""

    work: Callable[[], R] | None
    _done: list[R] = field(default_factory=list)

    def result(self) -> R:
        if self.work is not None:
            self._done.append(self.work())
            self.work = None
        return self._done[0]


@dataclass(frozen=True, slots=True)
class _Here[V]:
    """What is shared with nobody else."""

    value: V


class _MadeHere[V]:
    """The same, made when it is first used."""

    def __init__(self, make: Callable[[], V]) -> None:
        self._made = _Later(make)

    @property
    def value(self) -> V:
        return self._made.result()


class Inline:
    """This process alone: one part after the other, each when its result is asked for."""

    n_processes = 1

    def submit[**P, R](self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Task[R]:
        return _Later(lambda: work(*args, **kwargs))

    def defer[**P, R](self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Task[R]:
        return _Later(lambda: work(*args, **kwargs))

    def map[T, R](self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        return map(work, items)

    def as_done[T, R](self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R]]:
        return ((item, work(item)) for item in items)

    def share[V](self, value: V) -> Shared[V]:
        return _Here(value)

    def once[V](self, make: Callable[..., V], *args: object) -> Shared[V]:
        return _MadeHere(lambda: make(*args))

    def heard(self, listener: Listener) -> Listener:
        return listener


INLINE: Executor = Inline()
"""Where nobody asked for more."""
