"""`manifest.json`: how to make a run again, where the ledger knows it, and which version of the schema it is in."""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field

import tradsys
from tradsys.core.costs import ESTIMATED, Costs
from tradsys.core.errors import DataError
from tradsys.core.sides import Side
from tradsys.runs.section import RunSection, json_object

NAME = "manifest.json"
SCHEMA = 4
"""Version that this code writes. 1 said no version, and left columns out of its tables that would have been empty; 2
had forecasts without a record of what such ones earned; 3 counted slippage among the fees of a trade.
"""

OLDEST_READ = 1

type Kind = Literal["experiment", "ranks"]
"""Which procedure made the run: forecasts on purged folds, or a rule that ranks symbols and forecasts nothing."""


class MachineFacts(RunSection):
    """What the machine gave the run."""

    cpus: int
    cpus_source: str
    free_bytes: int
    memory_bytes: int
    memory_source: str


class JudgedSpan(RunSection):
    """The bars of [opens, closes), ms, on which a run's trials were tested, and hashes of the data that they lie in."""

    blocks: tuple[str, ...]
    opens: int
    closes: int


class RunManifest(RunSection):
    """The settings, data, code and seed of a run, and what judging it again needs.

    `run` names it in the ledger, `trials` holds the digest of every profile's series there, `blocks` a hash of each
    month of its data, `files` the SHA-256 of every other file of the folder. `guard_bars` is how far apart two trades
    must lie to share no bar, `deciders` who decided in each fold; the last one decides in the bundle. `plugins` has the
    SHA-256 of the source of each module of own parts. `judged` is what the trials were tested on; None where an earlier
    version made the run, which did not say it.
    """

    schema_version: int = Field(default=1, alias="schema")
    kind: Kind = "experiment"
    run: str
    market: str
    title: str
    config: Mapping[str, Any]
    experiment: str
    fingerprint: str
    blocks: tuple[str, ...]
    seed: int
    code: str
    lock: str
    deployed_profile: str
    sides: tuple[Side, ...]
    machine: MachineFacts
    created: datetime
    hypothesis: str
    guard_bars: int
    trials: Mapping[str, str]
    files: Mapping[str, str]
    deciders: tuple[str, ...] = ()
    plugins: Mapping[str, str] = Field(default_factory=dict)
    judged: JudgedSpan | None = None

    @property
    def costs(self) -> Costs:
        """What trading cost in the run."""
        stored = self.config.get("costs")
        if not isinstance(stored, Mapping) or not all(
            isinstance(value, int | float) or value == ESTIMATED for value in stored.values()
        ):
            raise DataError(
                f"the manifest of {self.title} does not say its costs, found {stored!r}; make the run again"
            )
        portfolio = self.config.get("portfolio")
        tick = portfolio.get("tick") if isinstance(portfolio, Mapping) else None
        return Costs(**stored, tick=float(tick) if isinstance(tick, int | float) else 0.0)

    @property
    def has_resting_entries(self) -> bool:
        """Whether entries were limit orders."""
        portfolio = self.config.get("portfolio")
        return isinstance(portfolio, Mapping) and portfolio.get("entry") == "limit"

    @property
    def cash_quote(self) -> float | None:
        """What every account began with; None where the settings do not say."""
        portfolio = self.config.get("portfolio")
        cash = portfolio.get("cash_quote") if isinstance(portfolio, Mapping) else None
        return float(cash) if isinstance(cash, int | float) else None

    @classmethod
    def read(cls, path: Path) -> Self:
        """The manifest in a file; a DataError where it was written by a schema that is not known here."""
        content = json_object(path)
        version = content.get("schema", OLDEST_READ)
        if version not in range(OLDEST_READ, SCHEMA + 1):
            raise DataError(
                f"{path.parent.name} was written by schema {version}, this version reads {OLDEST_READ} to {SCHEMA}: "
                "read it with the version of tradsys that made it, or make the run again"
            )
        return cls.parse(content, str(path))


@cache
def code_digest() -> str:
    """SHA-256 over every Python file of the package: it changes with the code, committed or not."""
    root = Path(tradsys.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\n" + path.read_bytes())
    return digest.hexdigest()


@cache
def lock_digest() -> str:
    """SHA-256 over the names and versions of every installed package: what a lock file pins, as it really is."""
    installed = sorted({_pinned(one) for one in distributions()})
    return hashlib.sha256("\n".join(installed).encode()).hexdigest()


def _pinned(installed: Distribution) -> str:
    """`name==version` from the head of a package's metadata, all of which takes ten times as long to parse."""
    head = (installed.read_text("METADATA") or "").partition("\n\n")[0]
    said = dict(re.findall(r"^(Name|Version): *(.+?) *$", head, flags=re.M))
    name, version = said.get("Name") or installed.metadata["Name"], said.get("Version") or installed.version
    return f"{name}=={version}".lower()
