"""A deployment such as a bundle carries, for tests of what reads it."""

from dataclasses import replace

from tradsys.bundle.deployment import DeployedPortfolio, DeployedVerdict, Deployment
from tradsys.core.costs import Costs

_PLAIN = Deployment(
    venue="scripted",
    symbols=("A", "B"),
    interval_ms=3_600_000,
    trained_from_ms=1_600_000_000_000,
    trained_to_ms=1_690_000_000_000,
    created_ms=1_690_000_000_000,
    expires_ms=1_790_000_000_000,
    profile="TAMED",
    costs=Costs(),
    portfolio=DeployedPortfolio(fraction=1.0, cap=1.0, cash_quote=10_000.0, sides=("long", "short")),
    outside=(),
    verdict=DeployedVerdict("TAMED", "not proven", "too little history", "0" * 64, "run"),
    bands={},
)


def deployment(**changes: object) -> Deployment:
    """One on the hours of two symbols, with what a test wants otherwise."""
    return replace(_PLAIN, **changes)  # type: ignore[arg-type]
