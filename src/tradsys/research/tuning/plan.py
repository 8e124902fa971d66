"""What a study is about, which it never changes: otherwise its scores could not be compared."""

import json
from dataclasses import dataclass
from typing import Any

from tradsys.core.identity import SCHEMA, identity
from tradsys.core.settings import flattened
from tradsys.journal.entries import Data
from tradsys.research.tuning.forecasts import N_FOLDS
from tradsys.research.tuning.score import Measure
from tradsys.research.tuning.space import Space
from tradsys.settings.config import RunConfig


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """What makes scores comparable, hence what a study never changes: one digest of it is in the study's name."""

    data: Data
    base: RunConfig
    space: Space
    measure: Measure
    n_seeds: int
    parent: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "schema": SCHEMA,
            "fingerprint": self.data.fingerprint,
            "settings": {"seed": self.base.seed, **flattened(identity(self.base))},
            "space": self.space.to_dict(),
            "measure": self.measure,
            "n_seeds": self.n_seeds,
            "n_folds": N_FOLDS,
            "parent": self.parent,
        }


def difference(known: str, about: str) -> str:
    """In words, how two plans differ, both as JSON."""
    then, now = json.loads(known), json.loads(about)
    keys = [key for key in now if then.get(key) != now[key]]
    if keys == ["settings"]:
        before, after = then["settings"], now["settings"]
        changed = [key for key in sorted(before | after) if before.get(key) != after.get(key)]
        default = RunConfig().settings
        return "other settings: " + ", ".join(f"{key}={before.get(key, default[key])}" for key in changed)
    names = {"fingerprint": "other bars", "space": "another search space", "settings": "other settings"}
    return " and ".join(names.get(key, f"{key} {then.get(key)}") for key in keys)
