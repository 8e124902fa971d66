"""Which feature classes there are: by class name for files, by feature name for people."""

import difflib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from tradsys.core.errors import ConfigError
from tradsys.core.registry import Registry
from tradsys.features.feature import Feature

_REGISTRY: Registry[Any] = Registry("feature class")
_CLASSES = _REGISTRY.entries
_NEEDS = ("name", "columns", "lookback", "is_odd", "is_volatility")


def register[F: Feature](cls: type[F]) -> type[F]:
    """Class decorator that makes a feature known by its class name and its `name`.

    Parameters that are not numbers, strings or tuples of them need a `to_dict` and a `from_dict` on the class.
    """
    lacking = [need for need in _NEEDS if not hasattr(cls, need)]
    if lacking:
        raise ConfigError(
            f"a feature has {', '.join(_NEEDS)}, and {cls.__name__} lacks {', '.join(lacking)}; features.feature "
            "describes each"
        )
    taken = {other.name: name for name, other in _CLASSES.items()}
    if cls.name in taken:
        owner = _REGISTRY.owners[taken[cls.name]]
        raise ConfigError(
            f"a feature named {cls.name!r} ({cls.__name__}) is registered already, by {owner}; choose another name"
        )
    _REGISTRY.add(cls.__name__, cls, cls.__module__)
    return cls


def owner_of(name: str) -> str:
    """The top-level module that registered the feature of this name."""
    return _REGISTRY.owners[type(feature_named(name)).__name__]


def registered() -> dict[str, type[Feature]]:
    """Every known class, by class name."""
    return dict(_CLASSES)


def feature_named(name: str) -> Feature:
    """The feature of this name with its default parameters."""
    for cls in _CLASSES.values():
        if name == cls.name:
            feature: Feature = cls()
            return feature
    names = sorted(cls.name for cls in _CLASSES.values())
    raise ConfigError(f"there is no feature {name!r}{_nearest(name, names)}; known are {', '.join(names)}")


def feature_to_dict(feature: Feature) -> dict[str, Any]:
    """Class name and parameters, ready for JSON."""
    name = type(feature).__name__
    if name not in _CLASSES:
        raise ConfigError(f"{name} is not a registered feature; put @register above its class")
    cls = _CLASSES[name]
    if hasattr(cls, "to_dict"):
        return {"feature": name, **cls.to_dict(feature)}
    return {"feature": name, **{field.name: getattr(feature, field.name) for field in fields(cls)}}


def feature_from_dict(saved: Mapping[str, Any]) -> Feature:
    """The feature that `feature_to_dict` described."""
    parameters = dict(saved)
    name = parameters.pop("feature", None)
    if name not in _CLASSES:
        known = sorted(_CLASSES)
        raise ConfigError(
            f"there is no feature class {name!r}{_nearest(str(name), known)}; known are {', '.join(known)}; "
            "import the module that registers it first"
        )
    cls = _CLASSES[name]
    if hasattr(cls, "from_dict"):
        own: Feature = cls.from_dict(parameters)
        return own
    unknown = parameters.keys() - {field.name for field in fields(cls)}
    if unknown:
        raise ConfigError(f"{name} has no parameter {', '.join(sorted(unknown))}; was it saved by another version?")
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in parameters.items()}
    plain: Feature = cls(**values)
    return plain


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f", did you mean {close[0]!r}?" if close else ""
