"""How far long work has come, step by step: what the walk-forward experiment says while it goes on."""

from collections.abc import Callable
from dataclasses import dataclass, field

type Say = Callable[[str], object]
"""Called with what begins now."""


def silent(_: str) -> None:
    """Say nothing."""


@dataclass(slots=True)
class StepsOf:
    """One step that has parts: each is told when it begins, as a fraction of the step that is done by then."""

    progress: Callable[[str, float, int], None]
    name: str
    done: int
    total: int
    n_parts: int
    _begun: int = field(default=0)

    def __call__(self, what: str) -> None:
        """The next part begins."""
        share = min(self._begun / self.n_parts, 0.99)
        self._begun += 1
        self.progress(f"{self.name}: {what}", self.done + share, self.total)
