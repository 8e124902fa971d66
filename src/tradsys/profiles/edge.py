"""EDGE: enters when a trade is expected to earn more than it costs."""

from tradsys.profiles.profile import Profile
from tradsys.profiles.rules import ExpectedReturnAbove

EDGE = Profile(
    name="EDGE",
    description="every forecast whose calibrated return after costs is positive",
    entry=ExpectedReturnAbove(),
)
