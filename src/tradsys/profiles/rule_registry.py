"""Rules of profiles by class name, so that a bundle can name them: ours and a user's alike."""

from dataclasses import is_dataclass
from typing import Any

from tradsys.core.errors import BundleError, ConfigError
from tradsys.core.registry import Registry
from tradsys.profiles import rules

_REGISTRY: Registry[type[Any]] = Registry("rule")


def register_rule[R](cls: type[R]) -> type[R]:
    """Class decorator of a frozen dataclass that a profile is built from: an entry, a regime rule, an audit, a size.

    Its fields are what JSON knows: numbers, strings, and tuples of them that it makes of lists itself.
    """
    if not is_dataclass(cls):
        raise ConfigError(f"a rule is a frozen dataclass, found {cls.__name__}; put @dataclass(frozen=True) above it")
    _REGISTRY.add(cls.__name__, cls, cls.__module__)
    return cls


def rule_named(name: object) -> type[Any]:
    """The rule of this class name; a BundleError where there is none."""
    if name not in _REGISTRY.entries:
        raise BundleError(
            f"a profile is built from the rules of this version and of its plugins, found {name!r}; run again to write "
            "a new bundle, or import the plugin that registers it"
        )
    return _REGISTRY.entries[str(name)]


for _rule in [one for one in vars(rules).values() if isinstance(one, type) and is_dataclass(one)]:
    if _rule.__module__ == rules.__name__:
        register_rule(_rule)
