"""How far long work has come, step by step: what the walk-forward experiment says while it goes on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

type Say = Callable[[str], object]
"""Called with what begins now."""


def silent(_: str) -> None:
    """Say nothing."""


@dataclass(slots=True)
class WalkSteps:
    """Steps that have parts, of which several may be under way: how far all of them have come together.

    `names` and `n_parts` are of each step, `total` is how many steps there are with what follows.
    """

    progress: Callable[[str, float, int], None]
    names: Sequence[str]
    n_parts: Sequence[int]
    total: int
    _begun: list[int] = field(init=False)
    _done: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._begun = [0] * len(self.names)

    def of(self, step: int) -> Say:
        """To be told what begins within a step."""
        return partial(self._say, step)

    def finish(self, step: int) -> None:
        """All of a step is done."""
        self._done.add(step)

    def _say(self, step: int, what: str) -> None:
        self._begun[step] += 1
        self.progress(f"{self.names[step]}: {what}", sum(map(self._share, range(len(self.names)))), self.total)

    def _share(self, step: int) -> float:
        """The part of a step that is done by now: what has begun last is not."""
        return 1.0 if step in self._done else min(max(self._begun[step] - 1, 0) / self.n_parts[step], 0.99)
