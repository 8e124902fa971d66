"""SNIPER: few entries, only where the confidence is among the highest twentieth."""

from tradsys.profiles.profile import Profile
from tradsys.profiles.rules import ConfidenceAbove, NotQuiet

SNIPER = Profile(
    name="SNIPER",
    description="the most confident 5% of forecasts, outside the quiet regime",
    entry=ConfidenceAbove(0.95),
    regimes=NotQuiet(),
)
