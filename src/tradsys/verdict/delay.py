"""A record with every order one bar later: a profit that is gone by then hung on fills that nobody may have offered."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray
from tradsys.journal.trial import TrialSeries
from tradsys.verdict.align import Aligned
from tradsys.verdict.ruin import is_ruined

KEPT: Final = 0.4
"""Share of its mean daily net return that a proven record keeps when all orders come a bar later.

True edges that were proven kept .5 to 1.0 of it (their signals fade by a tenth an hour), bounces between the ticks of a
price -.3 to .1, the middle four fifths of each; docs/verdict.md has what it costs.
"""


@dataclass(frozen=True, slots=True)
class Company:
    """The trials that pass every other question, and how many of them do not keep enough one bar later.

    A share of a noisy mean is large by luck in some trial when there are many. Where most of those that look as good
    are gone, what is left of one has to be more than luck too.
    """

    n_passing: int
    n_gone: int

    @classmethod
    def of(cls, trials: Sequence[Aligned], passes: BoolArray) -> "Company":
        """Of the compared trials and which of them pass, (n_compared,); those that were never delayed tell nothing."""
        shares = [kept_when_late(one) for one, passing in zip(trials, passes, strict=True) if passing]
        known = [share for share in shares if share is not None]
        return cls(len(known), sum(share < KEPT for share in known))

    @property
    def is_mostly_gone(self) -> bool:
        """Whether more than half of what looks like an edge is none for orders that come a bar later."""
        return 2 * self.n_gone > self.n_passing


def kept_when_late(trial: TrialSeries | Aligned) -> float | None:
    """Mean daily net return with all orders a bar later, as a share of the record's own; 0 where that is ruined.

    None where it was not simulated, or where the record itself made nothing.
    """
    if trial.delayed is None or trial.daily.mean() <= 0:
        return None
    return 0.0 if is_ruined(trial.delayed) else float(trial.delayed.mean() / trial.daily.mean())


def delayed_days(trials: Sequence[Aligned]) -> tuple[FloatArray, BoolArray]:
    """Daily net returns one bar later of the trials that have them, (n_known, n_days), and which those are."""
    known = np.array([one.delayed is not None for one in trials])
    return np.stack([one.delayed for one in trials if one.delayed is not None]), known
