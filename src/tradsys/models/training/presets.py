"""The transformers that the research journal named, as frozen values."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

from tradsys.core.errors import ConfigError

type JournalPreset = Literal["journal-base", "journal-trial0", "journal-golden", "journal-challenger"]
PRESETS: Final[tuple[JournalPreset, ...]] = get_args(JournalPreset.__value__)

EPOCH_STEPS = 16
"""Optimiser steps that stand for one of the journal's epochs: 25 of them are the default budget of 400."""

_SHAPES: Mapping[JournalPreset, Mapping[str, Any]] = {
    "journal-base": {"d_model": 64, "n_layers": 2, "n_heads": 4},
    "journal-trial0": {"d_model": 128, "n_layers": 3, "n_heads": 2, "learning_rate": 6.7e-5, "dropout": 0.23},
    "journal-golden": {"d_model": 128, "n_layers": 2, "n_heads": 4},
    "journal-challenger": {"d_model": 128, "n_layers": 4, "n_heads": 2, "max_steps": 25 * EPOCH_STEPS},
}


def preset(name: str) -> Mapping[str, Any]:
    """The transformer's settings of that name; what a preset leaves out stays at its default.

    `journal-base` is where the journal began, `journal-trial0` what its tuner's first study liked, `journal-golden` the
    configuration it kept, and `journal-challenger` the deeper one that scored a little better and was unstable.
    """
    for known in PRESETS:
        if known == name:
            return MappingProxyType(dict(_SHAPES[known]))
    raise ConfigError(f"no transformer is called {name!r}; there are {', '.join(PRESETS)}")
