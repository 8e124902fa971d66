"""`verdict.json`: what may be claimed of each profile, and against how many trials."""

from collections.abc import Mapping
from typing import Literal

from tradsys.runs.section import Number, RunSection


class ProfileJudgement(RunSection):
    """One profile's verdict; numbers as `verdict.results.ProfileVerdict` explains them, None where undefined.

    Those with a default are not in runs of versions that did not ask for them.
    """

    verdict: Literal["proven", "not proven", "refuted"]
    sentence: str
    leg: str | None
    n_trades: int
    n_days: int
    p: Number
    p_net: Number
    p_skill: Number
    t_net: Number
    z_skill: Number
    upper_bound: Number
    sharpe: Number
    psr: Number
    dsr: Number
    min_track_record_days: Number
    p_alpha: Number = None
    t_alpha: Number = None
    ruined_on: str | None = None


class LockboxJudgement(ProfileJudgement):
    """The deployed profile inside the lock-box; each other opening of it counted, and each trial that was tested in it.

    `n_tested_inside` is None where an earlier version made the run, which did not say it.
    """

    profile: str
    n_other_openings: int
    n_tested_inside: int | None = None
    detectable_sharpe: Number


class RunVerdict(RunSection):
    """All profiles judged together against what the ledger held then; `power` says which edge would stay unproven."""

    profiles: Mapping[str, ProfileJudgement]
    n_days: int
    n_trials: int
    n_effective_trials: Number
    n_compared: int
    detectable_sharpe: Number
    critical_net: Number
    critical_skill: Number
    sharpe_variance: Number
    power: str
    ledger_head: str
    lockbox: LockboxJudgement | None = None
