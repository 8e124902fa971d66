"""RECKLESS: every confident forecast, in every regime, unaudited."""

from tradsys.profiles.profile import Profile
from tradsys.profiles.rules import ConfidenceAbove

RECKLESS = Profile(
    name="RECKLESS",
    description="the most confident 25% of forecasts, in every regime",
    entry=ConfidenceAbove(0.75),
)
