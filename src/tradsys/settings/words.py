"""What traders call settings, and the nearest right key for one that there is not."""

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Final

WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("target", "take_profit", "profit_target", "tp"), "labels.upper"),
        **dict.fromkeys(("stop", "stop_loss", "stoploss", "sl"), "labels.lower"),
        **dict.fromkeys(("timeout", "time_limit", "max_bars", "holding", "max_holding"), "labels.horizon"),
        **dict.fromkeys(("fee", "fees", "fee_bps", "commission", "taker", "taker_fee"), "costs.taker_bps"),
        **dict.fromkeys(("maker", "maker_fee"), "costs.maker_bps"),
        **dict.fromkeys(("slippage", "spread"), "costs.slippage_bps"),
        **dict.fromkeys(("leverage", "exposure", "max_exposure"), "portfolio.cap"),
        **dict.fromkeys(("position_size", "stake", "risk"), "portfolio.fraction"),
        **dict.fromkeys(("cash", "capital", "balance", "equity"), "portfolio.cash_quote"),
        **dict.fromkeys(("side", "direction"), "portfolio.sides"),
        **dict.fromkeys(("lr",), "agent.learning_rate"),
        **dict.fromkeys(("steps", "epochs", "n_steps"), "agent.max_steps"),
        **dict.fromkeys(("model", "agent"), "agent.name"),
        **dict.fromkeys(("loss",), "agent.objective"),
        **dict.fromkeys(("folds", "n_splits", "splits"), "folds.n_folds"),
        **dict.fromkeys(("train", "train_size", "first_part"), "folds.initial"),
        **dict.fromkeys(("holdout", "test_size"), "folds.lockbox"),
        **dict.fromkeys(("profile", "strategy"), "strategy_profile"),
        **dict.fromkeys(("random_state", "random_seed"), "seed"),
    }
)

type IsRead = Callable[[str], bool]
"""Whether the command at hand reads a key."""


def nearest(key: str, known: Sequence[str], is_read: IsRead = lambda _: True) -> str | None:
    """The key that was meant; None where nothing is near. What the command reads comes first.

    A section that was given is kept where it has anything near, and a name that is right but for its section is found.

    >>> known = ("seed", "labels.upper", "labels.horizon", "rank.horizon", "costs.taker_bps")
    >>> nearest("horizon", known), nearest("labels.target", known), nearest("cost.taker_bps", known)
    ('labels.horizon', 'labels.upper', 'costs.taker_bps')
    """
    section, dot, name = key.rpartition(".")
    own = [one for one in known if one.startswith(section + dot)] if dot else []
    if dot and (meant := WORDS.get(name)) in own:
        return meant
    if own and (near := _alike(key, own, 0.75)):
        return near
    ordered = sorted(known, key=lambda one: not is_read(one))
    named = [one for one in ordered if one.rpartition(".")[2] == name]
    meant = WORDS.get(name)
    if named and (is_read(named[0]) or meant not in known):
        return named[0]
    if meant in known:
        return meant
    return _alike(key, [one for one in known if is_read(one)], 0.6) or _alike(key, known, 0.3)


def _alike(key: str, known: Collection[str], cutoff: float) -> str | None:
    found = difflib.get_close_matches(key, known, n=1, cutoff=cutoff)
    return found[0] if found else None
