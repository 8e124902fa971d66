"""Barrier rules by name: ours and a user's alike, built from settings and kept in bundles."""

import difflib
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, cast

from tradsys.core.errors import ConfigError
from tradsys.core.plugins import told_of_own
from tradsys.core.registry import Registry
from tradsys.labels.pace import BarrierRule, Configured, EwmaVolatility, WilderAtr

_REGISTRY: Registry[type[BarrierRule]] = Registry("barrier rule")
_NEEDS = ("name", "lookback", "pace")


def register_barrier_rule[R: BarrierRule](cls: type[R]) -> type[R]:
    """Class decorator of a frozen dataclass that `labels.rule` may name: own labels, and the trades they stand for.

    Without a `configured` of its own it is built with its defaults. Its fields are what JSON knows: numbers, strings,
    and tuples of them.
    """
    parameters = getattr(cls, "__dataclass_params__", None)
    if parameters is None or not parameters.frozen:
        raise ConfigError(
            f"a barrier rule is a frozen dataclass, found {cls.__name__}; put @dataclass(frozen=True) above it"
        )
    if lacking := [need for need in _NEEDS if not hasattr(cls, need)]:
        raise ConfigError(
            f"a barrier rule has {', '.join(_NEEDS)}, and {cls.__name__} lacks {', '.join(lacking)}; labels.pace "
            "describes each"
        )
    name: object = cls.name
    if not (isinstance(name, str) and name.isidentifier()):
        raise ConfigError(
            f"a barrier rule's name is one word that stands in its class, found {name!r} in {cls.__name__}; such as "
            'name = "my_range"'
        )
    _REGISTRY.add(name, cls, cls.__module__)
    return cls


for _rule in (WilderAtr, EwmaVolatility):
    register_barrier_rule(_rule)


def check_rule(name: str) -> str:
    """The name, or a ValueError that says which barrier rules there are."""
    if name in _REGISTRY.entries:
        return name
    near = difflib.get_close_matches(name, _REGISTRY.entries, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise ValueError(
        f"there is no such barrier rule; {hint}known are {', '.join(_REGISTRY.entries)}, and those of plugins"
    )


def is_own_rule(name: str) -> bool:
    """Whether a user's module registered the rule."""
    return _REGISTRY.is_own(name)


def rule_owner(name: str) -> str:
    """The top-level module that registered the rule."""
    return _REGISTRY.owners[name]


def barrier_rule(name: str, settings: Any) -> BarrierRule:
    """The registered rule of this name, as section `labels` of the settings describes it."""
    cls = _REGISTRY.entries[name]
    with told_of_own(cls, f"the barrier rule {name!r}"):
        rule = cls.configured(settings) if issubclass(cls, Configured) else cls()
    if not _comes_back(rule):
        raise ConfigError(
            f"the barrier rule {name!r} cannot be written into a bundle and read again: its fields are numbers, "
            f"strings and tuples of them, none is called rule, and each can be given to its class; found {rule!r}"
        )
    return rule


def _comes_back(rule: BarrierRule) -> bool:
    """Whether a bundle would give the same rule back; known before any work is done with it."""
    try:
        return rule_from_dict(json.loads(json.dumps(rule_to_dict(rule)))) == rule
    except (TypeError, ValueError, ConfigError):
        return False


def rule_to_dict(rule: BarrierRule) -> dict[str, Any]:
    """Name and parameters, ready for JSON."""
    if _REGISTRY.entries.get(rule.name) is not type(rule):
        raise ConfigError(
            f"{type(rule).__name__} is no registered barrier rule; put @register_barrier_rule above its class"
        )
    return {"rule": rule.name, **{one.name: getattr(rule, one.name) for one in fields(cast(Any, rule))}}


def rule_from_dict(saved: Mapping[str, Any]) -> BarrierRule:
    """The rule that `rule_to_dict` described."""
    parameters = dict(saved)
    name = parameters.pop("rule", None)
    if name not in _REGISTRY.entries:
        raise ConfigError(f"there is no barrier rule {name!r}; known are {', '.join(_REGISTRY.entries)}")
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in parameters.items()}
    return _REGISTRY.entries[name](**values)
