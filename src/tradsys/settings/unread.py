"""Settings that a command does not read: whoever sets one is told, instead of waiting for it to change something."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Final

from tradsys.labels.registry import is_own_rule
from tradsys.models.registry import own_agents
from tradsys.settings.config import RunConfig

_NETWORK: Final = ("dropout", "learning_rate", "max_steps", "window", "objective", "preset")
_TRANSFORMER: Final = ("d_model", "n_layers", "n_heads", "attention_start")
_FOCAL: Final = ("focal_gamma", "focal_alpha")
_OF_A_NETWORK: Final = tuple(f"agent.{name}" for name in (*_NETWORK, *_TRANSFORMER, *_FOCAL))

_RULE_OF: Final = {"labels.atr_period": "atr", "labels.volatility_span": "ewma_volatility"}
"""Settings of a barrier rule of ours, which one of a user's may read too."""

_PATHS, _SIZES = ("folds.path_*",), ("portfolio.fraction", "portfolio.cap", "portfolio.cash_quote", "portfolio.tick")
_RANK_READS: Final = (
    *("seed", "rank.*", "universe.*", "folds.initial", "folds.n_folds", "folds.lockbox", "funding.*", "verdict.*"),
    "alignment.*",
    *("costs.taker_bps", "costs.slippage_bps", "costs.funding_bps_per_8h", "costs.borrow_bps_per_year"),
    *("portfolio.cap", "portfolio.cash_quote", "portfolio.tick", "portfolio.lot", "portfolio.min_notional"),
    *("portfolio.no_volume", "portfolio.maintenance", "portfolio.liquidation_fee_bps", "machine.*", "data.*"),
)

READS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "rank": _RANK_READS,
        "lookahead --rank": tuple(one for one in _RANK_READS if one != "verdict.*"),
        "data": ("data.*",),
        "trade": ("strategy_profile",),
    }
)
"""Patterns of the keys that a command reads, of those that read few."""

IGNORES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "run": ("rank.*",),
        "train": ("rank.*", "verdict.*", *_PATHS, *_SIZES, "portfolio.lot"),
        "lookahead": ("rank.*", "verdict.*", *_PATHS),
        "tune": ("rank.*",),
        "compare --objectives": ("rank.*", "alignment.*", *_PATHS, "agent.name", *_OF_A_NETWORK, "strategy_profile"),
    }
)
"""Patterns of the keys that a command does not read, of those that read nearly all."""


def is_read(command: str, key: str) -> bool:
    """Whether the command reads this key, whatever the other settings are.

    >>> is_read("run", "labels.horizon"), is_read("run", "rank.horizon"), is_read("rank", "labels.horizon")
    (True, False, False)
    """
    if key.startswith(("remote.", "trade.")):
        return command == key.partition(".")[0]
    if command in READS:
        return _matches(key, READS[command])
    return not _matches(key, IGNORES.get(command, ()))


def unread(command: str, config: RunConfig, keys: Iterable[str]) -> dict[str, str]:
    """Why the command does not read some of these keys with these settings; in the order in which they came."""
    found = {}
    for key in keys:
        if not is_read(command, key):
            found[key] = f"tradsys {command} does not read it"
        elif command not in READS and (reason := _reason(command, config, key)):
            found[key] = reason
    return found


def _reason(command: str, config: RunConfig, key: str) -> str:
    """Why another setting makes this one mean nothing; empty where it means something."""
    agent = config.agent
    if key in _OF_A_NETWORK and command != "tune" and agent.name not in own_agents():
        name = key.removeprefix("agent.")
        if not agent.is_network:
            return f"the agent {agent.name} has no network"
        if name in _TRANSFORMER and agent.name == "resnet":
            return "it shapes the transformer, and the agent is the resnet"
        if name in _FOCAL and agent.objective != "focal":
            return f"it belongs to the focal loss, and agent.objective is {agent.objective}"
    rule = config.labels.rule
    if _RULE_OF.get(key, rule) != rule and not is_own_rule(rule):
        return f"it belongs to labels.rule={_RULE_OF[key]}, and that is {rule}"
    if key == "labels.cusum_threshold" and config.labels.events != "cusum":
        return f"it belongs to labels.events=cusum, and that is {config.labels.events}"
    if key in ("portfolio.entry_offset", "portfolio.entry_bars") and config.portfolio.entry != "limit":
        return f"it belongs to portfolio.entry=limit, and that is {config.portfolio.entry}"
    if key == "folds.path_tests" and config.folds.path_groups == 0:
        return "folds.path_groups=0 turns cross-validated paths off"
    if key.startswith("universe."):
        from tradsys.settings.market import ranks_of

        return "no feature in features.names compares symbols" if ranks_of(config) is None else ""
    return ""


def _matches(key: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in patterns)
