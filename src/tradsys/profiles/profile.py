"""A strategy profile: a frozen value that turns forecasts into actions, kept as JSON so that a bundle carries it."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.identity import OUTSIDE_IDENTITY, digest
from tradsys.core.sides import SIDES
from tradsys.profiles.forecast import Forecasts
from tradsys.profiles.rule_registry import rule_named
from tradsys.profiles.rules import (
    AnyRecord,
    AnyRegime,
    AuditRule,
    EntryRule,
    ExposureRule,
    FullExposure,
    FullSize,
    NoAudit,
    RecordRule,
    RegimeRule,
    SizingRule,
)


@dataclass(frozen=True, slots=True)
class Actions:
    """What a profile does a row: `action` (n,) -1, 0 or 1; `size` (n,) share of the full size; `reason` (n,)."""

    action: IntArray
    size: FloatArray
    reason: list[str]


@dataclass(frozen=True, slots=True)
class Profile:
    """When to enter, what the record must show, which regimes to sit out, what the auditor may veto, how large.

    The decision never looks at a venue: the simulation, paper and live call the same `decide`.
    """

    name: str
    description: str = field(metadata=OUTSIDE_IDENTITY)
    entry: EntryRule
    regimes: RegimeRule = AnyRegime()
    audit: AuditRule = NoAudit()
    sizing: SizingRule = FullSize()
    exposure: ExposureRule = FullExposure()
    record: RecordRule = AnyRecord()

    @property
    def digest(self) -> str:
        """The profile's name in the journal: a hash of what it does, class names included (`core.identity`)."""
        return digest(self)[:16]

    def decide(self, forecasts: Forecasts) -> Actions:
        """One action a row; rows without a forecast stay flat and say so."""
        size, share = self.audit.size(forecasts.audit), self.sizing.share(forecasts)
        exposed = self.exposure.share(forecasts)
        checks = (
            (forecasts.is_ready, "no forecast yet: warming up"),
            (self.record.allows(forecasts), "such decisions did not earn their costs out of fold"),
            (self.entry.admits(forecasts), self.entry.refusal),
            (self.regimes.allows(forecasts), self.regimes.refusal),
            (size > 0, "vetoed by the auditor"),
            (share > 0, "no forecast of volatility"),
            (exposed > 0, "risk-off in other markets"),
        )
        enters = np.logical_and.reduce([mask for mask, _ in checks])
        first_failed = np.argmin([mask for mask, _ in checks], axis=0)
        why_not = [text for _, text in checks]
        reasons = [
            f"enter {SIDES[choice]}" if enter else why_not[failed]
            for enter, failed, choice in zip(
                enters.tolist(), first_failed.tolist(), forecasts.best_side.tolist(), strict=True
            )
        ]
        direction = np.where(forecasts.best_side == 0, 1, -1)
        return Actions(
            np.where(enters, direction, 0).astype(np.int64), np.where(enters, size * share * exposed, 0.0), reasons
        )


PIECES = ("entry", "regimes", "audit", "sizing", "exposure", "record")
"""Fields of a profile that are rules."""


def profile_to_dict(profile: Profile) -> dict[str, Any]:
    """JSON-able; `profile_from_dict` gives back an equal profile."""
    pieces = {piece: getattr(profile, piece) for piece in PIECES}
    named = {piece: {"class": type(value).__name__, **asdict(value)} for piece, value in pieces.items()}
    return {"name": profile.name, "description": profile.description, **named}


def profile_from_dict(values: dict[str, Any]) -> Profile:
    """The profile that `profile_to_dict` wrote."""
    pieces = {piece: _rule(values[piece]) for piece in PIECES if piece in values}
    return Profile(name=values["name"], description=values["description"], **pieces)


def _rule(values: dict[str, Any]) -> Any:
    fields = dict(values)
    name = fields.pop("class")
    return rule_named(name)(**fields)
