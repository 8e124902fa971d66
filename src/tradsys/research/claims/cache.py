"""Where a study's fits are kept, so that a call that was stopped goes on where it was."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from tradsys.core.errors import DataError
from tradsys.core.files import write_atomically
from tradsys.data.market import Market
from tradsys.research.claims.variants import Agents
from tradsys.settings.config import RunConfig


@dataclass(frozen=True, slots=True)
class ResultCache:
    """Named arrays with a few facts about them, as safetensors files in one folder; each is there whole or not at all.

    The folder belongs to one market and one configuration: another one's results are never found in it.
    """

    folder: Path

    @classmethod
    def on(cls, root: Path, market: Market, config: RunConfig, agents: Agents) -> "ResultCache":
        """That of these agents on the market with these settings: in words, so that another network is another one."""
        return cls.of(root, market.fingerprint, config.digest, str(config.seed), repr(dict(agents)))

    @classmethod
    def of(cls, root: Path, *identity: str) -> "ResultCache":
        """The folder below `root` of everything that was computed for this identity."""
        return cls(root / hashlib.sha256("\n".join(identity).encode()).hexdigest()[:16])

    def path(self, *name: str | int) -> Path:
        """Where a piece of work lies; its names are the parts of the file's."""
        plain = ["".join(c if c.isalnum() else "-" for c in str(part)) for part in name]
        return self.folder / f"{'_'.join(plain)}.safetensors"

    def has(self, *name: str | int) -> bool:
        return self.path(*name).is_file()

    def put(self, arrays: Mapping[str, npt.NDArray[Any]], facts: Mapping[str, Any], *name: str | int) -> None:
        """Write the results of a piece of work, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        whole = {key: np.ascontiguousarray(value) for key, value in arrays.items()}
        write_atomically(self.path(*name), save(whole, {"facts": json.dumps(facts, sort_keys=True)}))

    def get(self, *name: str | int) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
        return read_piece(self.path(*name))


def read_piece(path: Path) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """The arrays and the facts of a piece of work that lies there."""
    try:
        with safe_open(path, framework="numpy") as file:
            facts: dict[str, Any] = json.loads(file.metadata()["facts"])
            return {key: file.get_tensor(key) for key in file.keys()}, facts  # noqa: SIM118  # a file, no dict
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}); delete it, and it is computed again") from None
