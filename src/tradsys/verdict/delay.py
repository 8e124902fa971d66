"""A record with every order one bar later: a profit that is gone by then hung on fills that nobody may have offered."""

from typing import Final

from tradsys.journal.trial import TrialSeries
from tradsys.verdict.ruin import is_ruined

KEPT: Final = 0.4
"""Share of its mean daily net return that a proven record keeps when all orders come a bar later.

True edges that were proven kept .5 to 1.0 of it (their signals fade by a tenth an hour), bounces between the ticks of a
price -.3 to .1, the middle four fifths of each; docs/verdict.md has what it costs.
"""


def kept_when_late(trial: TrialSeries) -> float | None:
    """Mean daily net return with all orders a bar later, as a share of the record's own; 0 where that is ruined.

    None where it was not simulated, or where the record itself made nothing.
    """
    if trial.delayed is None or trial.daily.mean() <= 0:
        return None
    return 0.0 if is_ruined(trial.delayed) else float(trial.delayed.mean() / trial.daily.mean())
