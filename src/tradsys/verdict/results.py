"""The verdict on a run and on each of its profiles, with the fields of `verdict.json`, and its rules."""

from dataclasses import asdict, dataclass, fields
from math import isfinite
from typing import Any, Literal

from tradsys.core.counts import check_counts, check_whole
from tradsys.core.errors import ConfigError

type Verdict = Literal["proven", "not proven", "refuted"]
type Leg = Literal["history", "trades", "money", "alpha", "timing", "both", "delay", "data"]


@dataclass(frozen=True, slots=True)
class VerdictSpec:
    """Rules of the verdict (docs/verdict.md); the defaults are the ones whose error rates were measured."""

    alpha: float = 0.05
    min_trades: int = 60
    min_days: int = 300
    block_days: int = 10
    n_bootstrap: int = 1999
    refute_below: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 0.5:
            raise ConfigError(f"alpha must lie between 0 and 0.5, was {self.alpha}; 0.05 is usual")
        check_whole(min_trades=self.min_trades, n_bootstrap=self.n_bootstrap, block_days=self.block_days)
        check_counts(min_days=self.min_days)
        if self.min_trades < 1 or self.block_days < 1 or self.n_bootstrap < 1 / self.alpha:
            raise ConfigError(
                f"min_trades and block_days must be positive and n_bootstrap at least {1 / self.alpha:.0f}, were "
                f"{self.min_trades}, {self.block_days} and {self.n_bootstrap}"
            )
        if not isfinite(self.refute_below):
            raise ConfigError(f"refute_below must be a finite Sharpe ratio, was {self.refute_below}; 0 is usual")
        if self.min_days < 2 * self.block_days:
            raise ConfigError(f"min_days must hold two blocks of {self.block_days} days, was {self.min_days}")

    @property
    def changed(self) -> str:
        """The rules that are not the measured ones, by their settings; empty where none is changed.

        >>> VerdictSpec(alpha=0.2, min_trades=10).changed
        'verdict.alpha=0.2 instead of 0.05, verdict.min_trades=10 instead of 60'
        """
        pairs = ((one.name, getattr(self, one.name), one.default) for one in fields(self))
        return ", ".join(f"verdict.{name}={now} instead of {usual}" for name, now, usual in pairs if now != usual)


NEXT_TO_NOTHING = 0.5
"""Annual net Sharpe ratio below which the last half of a record holds no edge: a true one of 1 is rarely there."""

BEYOND_LUCK = 0.05
"""Largest two-sided p at which the last third of a record differs from the rest."""


@dataclass(frozen=True, slots=True)
class Lately:
    """The last third (or half) of a record, from the day `since` on: its annual net Sharpe ratio with the 95% interval.

    `sharpe_before` is that of the rest and `p_differs` the two-sided p of the difference of their means; numbers are
    None where an account never moved, the interval also where too few trades or days say anything of luck.
    """

    since: str
    n_days: int
    n_trades: int
    sharpe: float | None = None
    low: float | None = None
    high: float | None = None
    sharpe_before: float | None = None
    p_differs: float | None = None

    @property
    def differs(self) -> bool:
        """Whether it is another record than the rest, beyond luck."""
        return self.p_differs is not None and self.p_differs <= BEYOND_LUCK

    @property
    def earned_next_to_nothing(self) -> bool:
        """Whether its Sharpe ratio is below what is worth the name of an edge."""
        return self.sharpe is None or self.sharpe < NEXT_TO_NOTHING

    @property
    def is_over(self) -> bool:
        """Whether what was there before is not there any more: nothing was earned since, or less beyond luck."""
        if self.sharpe is None:
            return True
        return self.sharpe < 0 or (self.differs and self.sharpe < (self.sharpe_before or 0.0))


@dataclass(frozen=True, slots=True)
class ProfileVerdict:
    """One profile's verdict.

    `leg` names what keeps it from being proven ("both" are money and timing). `p` is the largest of `p_net` (money
    after costs), `p_alpha` (more than the exposure to the market explains) and `p_skill` (timing), each stepped down
    over every trial, with their statistics `t_net`, `t_alpha` and `z_skill`. `upper_bound` is the 95% bound of the
    annual net Sharpe ratio, simultaneous over the run's profiles. `sharpe` is annual and net; `psr`, `dsr` and
    `min_track_record_days` are shown and never decide. `ruined_on` is the date on which all was lost. `kept_late` is
    the share of the mean net return that is left, and `sharpe_late` the Sharpe ratio, with all orders one bar later;
    `p_late` is the p of the money that is left, asked only where most trials that pass the other questions are gone.
    `lately` is the last third by itself. What is proven is so `until` the last third began, or else the last half,
    where nothing of it was earned there any more. Each is None where it is undefined.
    """

    verdict: Verdict
    sentence: str
    leg: Leg | None
    n_trades: int
    n_days: int
    p: float | None = None
    p_net: float | None = None
    p_alpha: float | None = None
    p_skill: float | None = None
    t_net: float | None = None
    t_alpha: float | None = None
    z_skill: float | None = None
    upper_bound: float | None = None
    sharpe: float | None = None
    psr: float | None = None
    dsr: float | None = None
    min_track_record_days: float | None = None
    ruined_on: str | None = None
    kept_late: float | None = None
    p_late: float | None = None
    sharpe_late: float | None = None
    lately: Lately | None = None
    until: str | None = None


@dataclass(frozen=True, slots=True)
class JointVerdict:
    """All profiles of a run, judged together.

    `n_trials` is K, `n_compared` of which took part in the step-down with their series; the others only count.
    `n_effective_trials` is how many independent ones they are worth; the DSR shown uses it, the verdict never does.
    `detectable_sharpe` is the annual net Sharpe ratio that would be proven in 80% of cases; the critical values are
    what the best of the trials must exceed; `critical_skill` is None where nothing could be compared.
    `sharpe_variance` is that of the known trials' daily Sharpe ratios, as it deflates them.
    """

    profiles: dict[str, ProfileVerdict]
    n_days: int
    n_trials: int
    n_effective_trials: float
    n_compared: int
    detectable_sharpe: float
    critical_net: float
    critical_skill: float | None
    sharpe_variance: float | None

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)
