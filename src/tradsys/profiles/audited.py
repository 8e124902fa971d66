"""AUDITED: more entries, each approved and sized by the auditor."""

from tradsys.profiles.profile import Profile
from tradsys.profiles.rules import AuditorVeto, ConfidenceAbove, NotQuiet

AUDITED = Profile(
    name="AUDITED",
    description="the most confident 25% of forecasts, outside the quiet regime, approved by the auditor",
    entry=ConfidenceAbove(0.75),
    regimes=NotQuiet(),
    audit=AuditorVeto(),
)
