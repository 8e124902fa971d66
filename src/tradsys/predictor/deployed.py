"""Which profile decides for a bot: an argument over the environment over `.env` over the bundle's own."""

import logging
from collections.abc import Sequence
from typing import Final, NamedTuple

from tradsys.core.errors import ConfigError
from tradsys.core.variables import DEPLOYED, PREFIX, refuse_mistyped, variables
from tradsys.profiles.catalogue import PROFILES, profile_named
from tradsys.profiles.profile import Profile

ARGUMENT: Final = "the argument"
BUNDLE: Final = "the bundle"

_log = logging.getLogger(__name__)


class Deployed(NamedTuple):
    """The profile that decides and what named it, e.g. "STRATEGY_PROFILE in .env"."""

    profile: Profile
    source: str


def deployed(own: Profile, others: Sequence[Profile], asked: Profile | str | None) -> Deployed:
    """The profile that decides in a bundle whose own is `own`; names are looked up among `others` too.

    A name that no profile has is a ConfigError, and so is a variable that was meant to be STRATEGY_PROFILE. Where a
    variable puts another profile in the place of the bundle's own, that is logged as a warning.
    """
    if asked is not None:
        return Deployed(profile_called(asked, own, others), ARGUMENT)
    named = Deployed(own, BUNDLE)
    for where, given in variables().items():
        refuse_mistyped(given, (DEPLOYED,), where)
        for variable in (PREFIX + DEPLOYED, DEPLOYED):
            if name := given.get(variable):
                named = Deployed(profile_called(name, own, others), f"{variable} in {where}")
    if named.profile != own:
        _log.warning("%s decides, by %s; the bundle's own is %s", named.profile.name, named.source, own.name)
    return named


def profile_called(asked: Profile | str, own: Profile, others: Sequence[Profile]) -> Profile:
    """A profile by name, the bundle's own first, or the profile that was given."""
    if isinstance(asked, Profile):
        return asked
    if not isinstance(asked, str):
        raise ConfigError(f"a profile is one, or the name of one, found {asked!r}; such as {own.name!r}")
    known = {profile.name: profile for profile in (*(others or PROFILES), own)}
    return profile_named(asked, tuple(known.values()))
