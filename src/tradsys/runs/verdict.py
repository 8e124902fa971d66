"""`verdict.json`: what may be claimed of each profile, and against how many trials."""

from collections.abc import Mapping
from typing import Literal

from tradsys.runs.section import Number, RunSection


class LatelyJudgement(RunSection):
    """The last third of a record, as `verdict.results.Lately` explains it."""

    since: str
    n_days: int
    n_trades: int
    sharpe: Number = None
    low: Number = None
    high: Number = None
    sharpe_before: Number = None
    p_differs: Number = None


class SymbolJudgement(RunSection):
    """One symbol of a pool: its share of a profit, and the p of its own money after costs over all symbols and trials.

    Both are None where there was no profit, and too few trades.
    """

    symbol: str
    n_trades: int
    profit_share: Number = None
    t: Number = None
    p: Number = None


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
    kept_late: Number = None
    p_late: Number = None
    sharpe_late: Number = None
    lately: LatelyJudgement | None = None
    until: str | None = None
    symbols: tuple[SymbolJudgement, ...] = ()

    @property
    def standing(self) -> str:
        """The verdict in two or four words: `proven until 2022-06-30` where the edge has not earned since."""
        return self.verdict if self.until is None else f"{self.verdict} until {self.until}"


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
