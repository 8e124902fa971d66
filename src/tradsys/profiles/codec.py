"""Profiles as JSON: class names and values, so that a bundle carries the very profile that was judged."""

from dataclasses import asdict
from typing import Any

from tradsys.core.errors import BundleError
from tradsys.profiles import rules
from tradsys.profiles.profile import Profile

_PIECES = ("entry", "regimes", "audit", "sizing", "exposure")


def profile_to_dict(profile: Profile) -> dict[str, Any]:
    """JSON-able; `profile_from_dict` gives back an equal profile."""
    pieces = {piece: getattr(profile, piece) for piece in _PIECES}
    named = {piece: {"class": type(value).__name__, **asdict(value)} for piece, value in pieces.items()}
    return {"name": profile.name, "description": profile.description, **named}


def profile_from_dict(values: dict[str, Any]) -> Profile:
    """The profile that `profile_to_dict` wrote."""
    pieces = {piece: _rule(values[piece]) for piece in _PIECES if piece in values}
    return Profile(name=values["name"], description=values["description"], **pieces)


def _rule(values: dict[str, Any]) -> Any:
    fields = dict(values)
    name = fields.pop("class")
    kind = getattr(rules, name, None)
    if not isinstance(kind, type):
        raise BundleError(
            f"a profile is built from the rules of this version, found {name!r}; run again to write a new bundle"
        )
    return kind(**fields)
