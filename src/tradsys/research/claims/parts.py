"""The claims in parts: each fits its share of the networks into a cache, and the caches are merged.

Parts fit, and nothing else: no score is looked at and no profile traded, so that nothing enters a ledger. The whole
command does that, once, after the merge.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tradsys.core.files import write_atomically
from tradsys.core.json_text import canonical_json
from tradsys.core.threads import one_thread
from tradsys.data.market import Market
from tradsys.machine.executor import INLINE, Executor
from tradsys.machine.plan import Plan
from tradsys.research.claims.cache import ResultCache, read_piece
from tradsys.research.claims.fits import REFERENCE, Deadline, DevelopmentFolds, fit_variants
from tradsys.research.claims.variants import Agents, with_plan
from tradsys.research.parts.merge import PartResult, merged
from tradsys.research.parts.part import Part
from tradsys.research.parts.stated import StatedPart, TypedCommand
from tradsys.research.walk.experiment import Progress
from tradsys.settings.config import RunConfig

KIND = "claims"

_CLOCK = "seconds"
"""What the facts of a fit say of time."""


@dataclass(frozen=True, slots=True)
class FitPlan:
    """Every fit of a study; the seeds of a group are trained side by side, and no two parts tear them apart."""

    agents: tuple[str, ...]
    n_folds: int
    n_seeds: int
    group: int

    def of_part(self, part: Part) -> set[tuple[str, int, int]]:
        """What is a part's: variant, fold and the first seed of a group, or references, fold and 0."""
        folds, firsts = range(self.n_folds), range(0, self.n_seeds, self.group)
        references = [(REFERENCE, fold, 0) for fold in folds]
        fits = [(name, fold, first) for name in self.agents for fold in folds for first in firsts]
        return set(part.share_of([*references, *fits], row=lambda one: one[0], name=str))

    def pieces(self, own: Iterable[tuple[str, int, int]]) -> list[tuple[str | int, ...]]:
        """Their names in the cache, a seed each."""
        names: list[tuple[str | int, ...]] = []
        for name, fold, first in own:
            if name == REFERENCE:
                names.append((name, fold))
            else:
                names += [(name, fold, seed) for seed in range(first, min(first + self.group, self.n_seeds))]
        return names


@one_thread()
def fit_part(
    market: Market,
    config: RunConfig,
    agents: Agents,
    *,
    part: Part,
    typed: TypedCommand,
    seeds: int,
    group: int = 2,
    minutes: float | None = None,
    plan: Plan | None = None,
    executor: Executor = INLINE,
    progress: Progress = lambda *_: None,
) -> tuple[int, int]:
    """Fit what is the part's and not in the cache yet; how many of its pieces are there now, and of how many.

    The cache lies below `typed.out`. Networks train within `plan`, which each of the executor's processes may take.
    """
    cache = ResultCache.on(Path(typed.out), market, config, agents)
    development = DevelopmentFolds.on(market, config, agents)
    whole = FitPlan(tuple(agents), len(development.folds), seeds, group)
    share = whole.of_part(part)
    pieces = whole.pieces(share)
    asked = [cache.folder.name, seeds, group, whole.n_folds]
    keys = [cache.path(*piece).stem for piece in pieces]
    StatedPart.of(KIND, cache.folder.name, part, asked=asked, typed=typed, keys=keys, folder=cache.folder).write()
    deadline = Deadline(minutes)
    for first in range(0, seeds, group):
        own = range(first, min(first + group, seeds))
        fit_variants(
            development,
            with_plan(plan, agents),
            cache,
            seeds=own,
            deadline=deadline,
            progress=progress,
            executor=executor,
            takes=lambda name, fold, seed: (name, fold, seed - seed % group) in share,
        )
    return sum(cache.has(*piece) for piece in pieces), len(pieces)


def merge_claims(stated: Sequence[StatedPart], out: Path, *, is_any_code: bool = False) -> Path:
    """All fits of these parts in one cache below `out`, together with those that lie there already; its folder."""
    whole = out / stated[0].study
    names = {key for one in stated for key in one.keys}
    found = merged(
        stated,
        lambda one: _results(one.folder, one.keys),
        before=_results(whole, names),
        is_any_code=is_any_code,
    )
    whole.mkdir(parents=True, exist_ok=True)
    for name, one in found.items():
        path = whole / f"{name}.safetensors"
        if one.value.resolve() != path.resolve():
            write_atomically(path, one.value.read_bytes())
    return whole


def _results(folder: Path, names: Iterable[str]) -> dict[str, PartResult]:
    paths = {name: folder / f"{name}.safetensors" for name in names}
    return {name: _result(path) for name, path in paths.items() if path.is_file()}


def _result(path: Path) -> PartResult:
    arrays, facts = read_piece(path)
    timeless = {name: value for name, value in facts.items() if name not in (_CLOCK, "code")}
    hashed = hashlib.sha256(canonical_json(timeless).encode())
    for name, values in sorted(arrays.items()):
        hashed.update(f"{name} {values.dtype} {values.shape}\n".encode() + values.tobytes())
    order = canonical_json(facts).encode()
    return PartResult(str(path), str(facts.get("code")), hashed.hexdigest(), order, path)
