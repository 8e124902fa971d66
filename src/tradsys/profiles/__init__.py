"""Strategy profiles: frozen values that turn forecasts into actions."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.profiles.catalogue import PROFILES, profile_named
    from tradsys.profiles.forecast import Forecasts
    from tradsys.profiles.profile import Actions, Profile
    from tradsys.profiles.rules import (
        AnyRegime,
        AuditorVeto,
        ConfidenceAbove,
        ExpectedReturnAbove,
        FullSize,
        NoAudit,
        NotQuiet,
        VolatilityTarget,
    )

__all__ = [
    "PROFILES",
    "Actions",
    "AnyRegime",
    "AuditorVeto",
    "ConfidenceAbove",
    "ExpectedReturnAbove",
    "Forecasts",
    "FullSize",
    "NoAudit",
    "NotQuiet",
    "Profile",
    "VolatilityTarget",
    "profile_named",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "PROFILES": "catalogue",
        "Actions": "profile",
        "AnyRegime": "rules",
        "AuditorVeto": "rules",
        "ConfidenceAbove": "rules",
        "ExpectedReturnAbove": "rules",
        "Forecasts": "forecast",
        "FullSize": "rules",
        "NoAudit": "rules",
        "NotQuiet": "rules",
        "Profile": "profile",
        "VolatilityTarget": "rules",
        "profile_named": "catalogue",
    },
)
