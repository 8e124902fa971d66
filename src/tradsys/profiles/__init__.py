"""Strategy profiles: frozen values that turn forecasts into actions."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.profiles.catalogue import PROFILES as PROFILES
    from tradsys.profiles.catalogue import profile_named as profile_named
    from tradsys.profiles.forecast import Forecasts as Forecasts
    from tradsys.profiles.profile import Actions as Actions
    from tradsys.profiles.profile import Profile as Profile
    from tradsys.profiles.registry import register_profile as register_profile
    from tradsys.profiles.rule_registry import register_rule as register_rule
    from tradsys.profiles.rules import AnyRecord as AnyRecord
    from tradsys.profiles.rules import AnyRegime as AnyRegime
    from tradsys.profiles.rules import AuditorVeto as AuditorVeto
    from tradsys.profiles.rules import ConfidenceAbove as ConfidenceAbove
    from tradsys.profiles.rules import EarnedReturnAbove as EarnedReturnAbove
    from tradsys.profiles.rules import ExpectedReturnAbove as ExpectedReturnAbove
    from tradsys.profiles.rules import FullSize as FullSize
    from tradsys.profiles.rules import MustEarn as MustEarn
    from tradsys.profiles.rules import NoAudit as NoAudit
    from tradsys.profiles.rules import NotQuiet as NotQuiet
    from tradsys.profiles.rules import VolatilityTarget as VolatilityTarget

__getattr__, __dir__, __all__ = attach(__name__, __file__)
