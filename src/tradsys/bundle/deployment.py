"""What a bundle that is to be traded says about itself: where, on what, with which costs, and on whose word."""

from collections.abc import Mapping
from dataclasses import dataclass

from tradsys.core.costs import Costs


@dataclass(frozen=True, slots=True)
class OutsideColumn:
    """A column from outside that the features read, who provides it, and what a stale one means.

    `policy` is "nan" (the features go without) or "refuse" (no entry while it is stale).
    """

    name: str
    provider: str
    max_age_s: float
    policy: str


@dataclass(frozen=True, slots=True)
class DeployedPortfolio:
    """How the equity is shared: see `backtest.simulate.PortfolioSpec`."""

    fraction: float
    cap: float
    cash_quote: float
    sides: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeployedVerdict:
    """What the run's verdict was for this profile, and the head of the ledger that it counted."""

    profile: str
    verdict: str
    sentence: str
    ledger_head: str
    run: str

    @property
    def is_proven(self) -> bool:
        return self.verdict == "proven"


@dataclass(frozen=True, slots=True)
class Deployment:
    """The `deployment` part of a bundle's `about`; times are milliseconds since 1970, UTC."""

    venue: str
    symbols: tuple[str, ...]
    interval_ms: int
    trained_from_ms: int
    trained_to_ms: int
    created_ms: int
    expires_ms: int
    profile: str
    costs: Costs
    portfolio: DeployedPortfolio
    outside: tuple[OutsideColumn, ...]
    verdict: DeployedVerdict
    bands: Mapping[str, tuple[float, float]]
    """By feature the 1st and 99th percentile of the training part: what drift is measured against."""
