"""Profiles by name: ours and a user's alike."""

import sys
from collections.abc import Collection

from tradsys.core.errors import ConfigError
from tradsys.core.registry import Registry
from tradsys.profiles.profile import Profile

_REGISTRY: Registry[Profile] = Registry("profile")


def register_profile(profile: Profile) -> Profile:
    """Make a profile one of those that runs compare, each a trial; called in the module that it belongs to.

    A run compares a user's profiles where its setting `plugins` names their module. Names are in capitals.
    """
    if not isinstance(profile, Profile):
        raise ConfigError(f"register_profile takes a Profile, found {type(profile).__name__} {profile!r}")
    if profile.name != profile.name.upper() or not profile.name:
        raise ConfigError(f"a profile's name is in capitals, found {profile.name!r}; such as {profile.name.upper()!r}")
    _REGISTRY.add(profile.name, profile, sys._getframe(1).f_globals.get("__name__", "__main__"))
    return profile


def profiles_by(owners: Collection[str]) -> tuple[Profile, ...]:
    """The profiles that these top-level modules registered, in the order in which they did."""
    return tuple(profile for name, profile in _REGISTRY.entries.items() if _REGISTRY.owners[name] in owners)
