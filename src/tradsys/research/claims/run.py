"""`tradsys compare --objectives` as one function: fit, trade, compare, and remember in the ledger that it was done."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict, cast

from tradsys.core.files import write_atomically
from tradsys.core.json_text import pretty_json
from tradsys.core.threads import one_thread
from tradsys.data.market import Market
from tradsys.journal.entries import Comparison, ScoredForecaster
from tradsys.journal.ledger import Ledger
from tradsys.machine.executor import INLINE, Executor
from tradsys.machine.plan import Plan
from tradsys.research.claims.cache import ResultCache
from tradsys.research.claims.claims import forecast_results, profile_results
from tradsys.research.claims.fits import Deadline, DevelopmentFolds, fit_variants, trade_profiles
from tradsys.research.claims.forecasts import collect_forecasts
from tradsys.research.claims.variants import FIXED, Agents, with_plan
from tradsys.research.judging.trials import data_of, judged_data
from tradsys.research.walk.experiment import Progress
from tradsys.runs.manifest import code_digest
from tradsys.settings.config import RunConfig


class _Budget(TypedDict):
    """How much is done now, and by whom."""

    seeds: Sequence[int]
    deadline: Deadline
    progress: Progress
    executor: Executor


@one_thread()
def run_claims(
    market: Market,
    config: RunConfig,
    agents: Agents,
    *,
    root: Path,
    ledger: Ledger,
    seeds: int,
    group: int = 2,
    minutes: float | None = None,
    plan: Plan | None = None,
    is_quick: bool = False,
    executor: Executor = INLINE,
    progress: Progress = lambda *_: None,
) -> dict[str, Any]:
    """Results of everything that is complete, as plain values; also written to `results.json` in the cache's folder.

    Seeds come in groups that are trained side by side, every variant with one group before the next begins: whenever
    the time is up, all have been run with much the same number of seeds. Called again, it goes on where it was.
    Networks train within `plan`, which is what each of the executor's processes may take.
    """
    cache = ResultCache.on(root, market, config, agents)
    deadline = Deadline(minutes)
    development = DevelopmentFolds.on(market, config, agents)
    for first in range(0, seeds, group):
        own = range(first, min(first + group, seeds))
        budget: _Budget = {"seeds": own, "deadline": deadline, "progress": progress, "executor": executor}
        fit_variants(development, with_plan(plan, agents), cache, **budget)
        trade_profiles(market, config, cache, ledger, **budget)
    return conclude(market, config, agents, development, cache, ledger, seeds=range(seeds), is_quick=is_quick)


def conclude(
    market: Market,
    config: RunConfig,
    agents: Agents,
    development: DevelopmentFolds,
    cache: ResultCache,
    ledger: Ledger,
    *,
    seeds: Sequence[int],
    is_quick: bool,
) -> dict[str, Any]:
    """Compare what was computed, enter it in the ledger, and write it down."""
    forecasts = collect_forecasts(development, agents, cache, seeds)
    about = {
        "market": data_of(market).market,
        "first": f"{cast(datetime, market.bars['ts'].min()):%Y-%m-%d}",
        "last": f"{max(cast(datetime, frame['ts'].max()) for frame in development.data.frames.values()):%Y-%m-%d}",
        "n_folds": len(development.folds),
        "is_development": market.n_design_looks(development.folds[0].opens, development.data.closes) > 0,
        "n_seeds": len(seeds),
        "is_quick": is_quick,
        "fingerprint": market.fingerprint,
        "experiment": config.digest,
        "code": code_digest(),
        "fitted_by": sorted({str(fit["code"]) for fits in forecasts.fits.values() for fit in fits}),
    }
    command = f"tradsys compare --objectives --seeds {len(seeds)} --folds {len(development.folds)}"
    results: dict[str, Any] = {
        "about": about,
        "command": command,
        "forecasts": forecast_results(forecasts),
        "profiles": profile_results(cache, seeds),
    }
    entry = Comparison(
        data=data_of(market),
        experiment=config.digest,
        code=code_digest(),
        seeds={row["name"]: row["n_seeds"] for row in results["forecasts"]["table"]},
        standing={
            claim["text"]: claim["standing"]
            for part in ("forecasts", "profiles")
            if results[part]
            for claim in results[part]["claims"]
        },
    )
    ledger.keep_paths(market.paths)
    judged = judged_data(market, development.folds[0].opens, development.folds[-1].closes)
    for name, own in forecasts.seeds.items():
        for seed in own if name not in FIXED else ():
            scored = ScoredForecaster(
                data=data_of(market), experiment=config.digest, agent=name, seed=seed, judged=judged
            )
            ledger.append(scored.content())
    ledger.append(entry.content())
    write_atomically(cache.folder / "results.json", pretty_json(results).encode())
    return results
