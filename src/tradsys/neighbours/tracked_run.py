"""A run as a tracking server is told of it: settings, numbers with the ends of their intervals, tags and files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Final

import polars as pl

from tradsys.core.files import sha256_of
from tradsys.core.json_text import canonical_json
from tradsys.core.settings import flattened
from tradsys.core.time import DAY_MS, to_ms
from tradsys.research.judging.rejudge import Replay
from tradsys.runs.manifest import NAME as MANIFEST
from tradsys.runs.metrics import RunMetrics
from tradsys.runs.section import Band, Number
from tradsys.runs.tables import EQUITY
from tradsys.runs.verdict import RunVerdict

type Metrics = dict[str, float]

FILES: Final = ("report.html", "verdict.json", "metrics.json", MANIFEST)
"""What is kept of the folder; its tables stay in it."""

_JUDGED: Final = ("p", "p_net", "p_skill", "p_alpha", "n_trades", "n_days", "upper_bound", "psr", "dsr", "sharpe_late")


@dataclass(frozen=True, slots=True)
class TrackedEquity:
    """A profile's equity at the end of a UTC day: `step` counts the days of the run, `at_ms` is the day's last bar."""

    name: str
    step: int
    at_ms: int
    value: float


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """What is told of a run, from its folder alone; `digest` is the SHA-256 of its manifest, which names every file.

    `run` is its name in the ledger, `name` that of its folder. Metrics are `PROFILE/metric`, with `_low` and `_high`
    for the ends of an interval; what is not defined is left out.
    """

    name: str
    run: str
    digest: str
    market: str
    fingerprint: str
    created_ms: int
    params: Mapping[str, str]
    metrics: Metrics
    equity: tuple[TrackedEquity, ...]
    tags: Mapping[str, str]
    files: tuple[Path, ...]
    bundle: Path | None


def as_tracked(run: Replay) -> TrackedRun:
    """Everything that is told of a finished run; a DataError where its folder is broken or of an unknown schema."""
    manifest, bundle = run.manifest, run.folder / "bundle"
    return TrackedRun(
        name=run.name,
        run=manifest.run,
        digest=sha256_of(run.folder / MANIFEST),
        market=manifest.market,
        fingerprint=manifest.fingerprint,
        created_ms=to_ms(manifest.created),
        params={key: as_text(value) for key, value in flattened(manifest.config).items()},
        metrics=numbers_of(run.metrics, run.verdict),
        equity=tuple(_equity(run)),
        tags=_tags(run),
        files=tuple(path for name in FILES if (path := run.folder / name).is_file()),
        bundle=bundle if bundle.is_dir() else None,
    )


def as_text(value: Any) -> str:
    """A setting as `--set` takes it.

    >>> as_text("logistic"), as_text(0.5), as_text([1, 2]), as_text(None)
    ('logistic', '0.5', '[1,2]', 'null')
    """
    return value if isinstance(value, str) else canonical_json(value)


def numbers_of(metrics: RunMetrics, verdict: RunVerdict) -> Metrics:
    """What was measured and judged: a profile's, a forecaster's, the market's, and the trials that were counted."""
    found: Metrics = {}
    for name, profile in metrics.profiles.items():
        for metric, measured in profile.metrics.items():
            found |= _band(f"{name}/{metric}", measured)
        judged = verdict.profiles[name]
        found |= _numbers(f"{name}/", {field: getattr(judged, field) for field in _JUDGED})
    found |= _numbers("", {"n_trials": verdict.n_trials, "detectable_sharpe": verdict.detectable_sharpe})
    found |= _numbers("", {"n_effective_trials": verdict.n_effective_trials, "n_bars": metrics.market.n_bars})
    found |= _numbers("buy_and_hold/", metrics.buy_and_hold)
    return found | _skill(metrics)


def _skill(metrics: RunMetrics) -> Metrics:
    if metrics.skill is None:
        return {}
    found = _numbers("skill/", {"n": metrics.skill.n, "effective_n": metrics.skill.effective_n})
    for one in metrics.skill.forecasters:
        head = f"skill/{one.name}"
        found |= _numbers(f"{head}/", {"log_loss": one.log_loss, "brier": one.brier, "auc": one.auc})
        if one.over_base is not None:
            found |= _band(f"{head}/gain_millinats", one.over_base)
    return found


def _band(name: str, band: Band) -> Metrics:
    return _numbers("", {name: band.value, f"{name}_low": band.low, f"{name}_high": band.high})


def _numbers(head: str, values: Mapping[str, Number]) -> Metrics:
    return {head + name: float(one) for name, one in values.items() if one is not None and isfinite(one)}


def _equity(run: Replay) -> Iterator[TrackedEquity]:
    days = run.table(EQUITY).drop_nulls().with_columns(day=pl.col("ts").dt.epoch("ms") // DAY_MS)
    ends = days.group_by("profile", "day", maintain_order=True).agg(pl.col("ts").last(), pl.col("equity").last())
    for profile, day, ts, equity in ends.select("profile", pl.col("day") - pl.col("day").min(), "ts", "equity").rows():
        yield TrackedEquity(f"{profile}/equity", day, to_ms(ts), equity)


def _tags(run: Replay) -> dict[str, str]:
    """What a run is found and told by; the verdicts are those of the day it ended."""
    manifest, verdict = run.manifest, run.verdict
    changed = run.config.changed
    told = [f"**{name}**: {one.sentence}" for name, one in verdict.profiles.items()]
    return {
        "mlflow.runName": run.name,
        "mlflow.source.name": "tradsys",
        "mlflow.note.content": "\n\n".join([manifest.title, *told, verdict.power, *run.metrics.dangers]),
        "tradsys_run": manifest.run,
        "kind": run.kind,
        "market": manifest.market,
        "data": manifest.fingerprint,
        "code": manifest.code,
        "lock": manifest.lock,
        "configuration": manifest.experiment,
        "deployed": manifest.deployed_profile,
        "changed": ", ".join(f"{key}={as_text(value)}" for key, value in changed.items()) or "default settings",
        **{f"verdict.{name}": one.standing for name, one in verdict.profiles.items()},
    }
