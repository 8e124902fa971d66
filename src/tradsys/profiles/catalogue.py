"""All profiles by name, in the order in which they are compared."""

import difflib
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, Protocol

from tradsys.core.errors import ConfigError
from tradsys.profiles.profile import Profile
from tradsys.profiles.registry import profiles_by, register_profile
from tradsys.profiles.rules import AuditorVeto, ConfidenceAbove, EarnedReturnAbove, MustEarn, NotQuiet, RiskOffSize

SNIPER = Profile(
    name="SNIPER",
    description="the most confident 5% of forecasts, outside the quiet regime",
    entry=ConfidenceAbove(0.95),
    regimes=NotQuiet(),
)


AUDITED = Profile(
    name="AUDITED",
    description="the most confident 25% of forecasts, outside the quiet regime, approved by the auditor",
    entry=ConfidenceAbove(0.75),
    regimes=NotQuiet(),
    audit=AuditorVeto(),
)


RECKLESS = Profile(
    name="RECKLESS",
    description="the most confident 25% of forecasts, in every regime",
    entry=ConfidenceAbove(0.75),
)


EDGE = Profile(
    name="EDGE",
    description="every forecast that, as such ones earned out of fold, pays its costs by .8 standard errors; none if "
    "they did not",
    entry=EarnedReturnAbove(),
    record=MustEarn(),
)


for _profile in (SNIPER, AUDITED, RECKLESS, EDGE):
    register_profile(_profile)

PROFILES: tuple[Profile, ...] = profiles_by(("tradsys",))


class HasName(Protocol):
    """A profile of any kind, found by its name."""

    @property
    def name(self) -> str:
        """The name in capitals, as the command line takes it."""


def profile_named(name: str, profiles: tuple[Profile, ...] = PROFILES) -> Profile:
    """The profile of that name, whatever its case."""
    return named(name, profiles)


def named[P: HasName](name: str, profiles: Sequence[P]) -> P:
    """The one of that name, whatever its case, of profiles of any kind."""
    by_name = {profile.name: profile for profile in profiles}
    if name.upper() in by_name:
        return by_name[name.upper()]
    near = difflib.get_close_matches(name.upper(), by_name, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(by_name)}"
    raise ConfigError(f"no profile is called {name!r}; {hint}")


def reading_confidence_as(
    confidence: Literal["rank", "probability"], profiles: tuple[Profile, ...] = PROFILES
) -> tuple[Profile, ...]:
    """The profiles with their confidence thresholds read as ranks or, literally, as probabilities."""
    return tuple(
        replace(profile, entry=replace(profile.entry, confidence=confidence))
        if isinstance(profile.entry, ConfidenceAbove)
        else profile
        for profile in profiles
    )


def supervised(profile: Profile, size: float) -> Profile:
    """The profile with `size` of its size in risk-off, as a profile of its own: `SNIPER_MACRO`.

    >>> supervised(SNIPER, 0.5).description
    'the most confident 5% of forecasts, outside the quiet regime; at 0.5 of its size in risk-off'
    """
    what = f"at {size:g} of its size in risk-off" if size else "not in risk-off"
    return replace(
        profile,
        name=f"{profile.name}_MACRO",
        description=f"{profile.description}; {what}",
        exposure=RiskOffSize(size),
    )
