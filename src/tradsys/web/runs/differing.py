"""Runs side by side: the settings that differ, the data each was judged on, their skill, equity on common days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

import polars as pl

from tradsys.core.settings import flattened
from tradsys.report.numbers import UNKNOWN, count, day, interval_text, number, plain
from tradsys.runs.section import MeasuredGain
from tradsys.runs.stored import StoredRun
from tradsys.runs.tables import EQUITY

_OF_MACHINE: Final = "machine."
_ABSENT: Final = "not set"


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting, and what each run has for it, in the order of the runs."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SkillCell:
    """What a forecaster of one run gained over the base rate, in millinats, with its 95% interval."""

    value: str
    interval: str
    n: str


@dataclass(frozen=True, slots=True)
class SkillRow:
    """One forecaster in each run; None where the run had none of that name."""

    forecaster: str
    cells: tuple[SkillCell | None, ...]


@dataclass(frozen=True, slots=True)
class CommonEquity:
    """Daily equity of each run, 1 on the first day that all have; a column `profile` names the curve."""

    frame: pl.DataFrame
    labels: tuple[str, ...]
    n_days: int
    first: str
    last: str


def differing_settings(runs: Sequence[StoredRun]) -> list[SettingRow]:
    """Every setting that is not the same in all; how a machine was used is none."""
    configs = [_settings(run) for run in runs]
    keys = dict.fromkeys(key for config in configs for key in config)
    rows = (SettingRow(key, tuple(config.get(key, _ABSENT) for config in configs)) for key in keys)
    return [row for row in rows if len(set(row.values)) > 1]


def data_sentences(runs: Sequence[StoredRun]) -> list[str]:
    """Whether all were judged on the same data and in the same time, plainly."""
    prints = {run.manifest.fingerprint for run in runs}
    spans = [_tested(run) for run in runs]
    listed = "; ".join(f"{run.name}: {first} to {last}" for run, (first, last) in zip(runs, spans, strict=True))
    if len(prints) > 1:
        n = "all different" if len(prints) == len(runs) else f"{len(prints)} different ones among {len(runs)}"
        told = [f"They were not judged on the same data (fingerprints: {n}): what differs below may be the market's."]
    else:
        told = ["All were judged on the same data (one fingerprint)."]
    if len(set(spans)) > 1:
        told.append(f"Their test periods differ. {listed}.")
    else:
        told.append(f"All were tested from {spans[0][0]} to {spans[0][1]}.")
    trials = {run.verdict.n_trials for run in runs}
    if len(trials) > 1:
        numbers = [count(run.verdict.n_trials) for run in runs]
        listed = f"{', '.join(numbers[:-1])} and {numbers[-1]}"
        told.append(f"When they ended, {listed} trials counted: where there were more, the test was harder.")
    return told


def skill_rows(runs: Sequence[StoredRun]) -> list[SkillRow]:
    """Every forecaster's gain over the base rate in each run; empty where no run forecast."""
    gains = [_gains(run) for run in runs]
    names = dict.fromkeys(name for own in gains for name in own)
    return [SkillRow(name, tuple(_cell(own.get(name)) for own in gains)) for name in names]


def common_equity(runs: Sequence[StoredRun], profiles: Sequence[str]) -> CommonEquity | None:
    """The profile of each run on the days that all of them have; None where those are fewer than two."""
    labels = tuple(f"{run.name} {profile}" for run, profile in zip(runs, profiles, strict=True))
    daily = [_daily(run, profile) for run, profile in zip(runs, profiles, strict=True)]
    days = reduce(lambda one, other: one.join(other.select("ts"), on="ts", how="inner"), daily).select("ts").sort("ts")
    if len(days) < 2:
        return None
    shared = [days.join(own, on="ts", how="left") for own in daily]
    frame = pl.concat(
        own.select(
            pl.lit(label).alias("profile"),
            pl.col("ts"),
            (pl.col("equity") / pl.col("equity").first()).alias("equity"),
        )
        for label, own in zip(labels, shared, strict=True)
    )
    return CommonEquity(frame, labels, len(days), day(days["ts"][0]), day(days["ts"][-1]))


def _settings(run: StoredRun) -> dict[str, str]:
    manifest = run.manifest
    config: Mapping[str, Any] = flattened(manifest.config)
    own = {key: plain(value) for key, value in config.items() if not key.startswith(_OF_MACHINE)}
    return {
        "market": manifest.market,
        "data": ", ".join(run.metrics.market.sources),
        **own,
        "deployed profile": manifest.deployed_profile,
        "code": manifest.code[:12],
        "packages": manifest.lock[:12],
    }


def _tested(run: StoredRun) -> tuple[str, str]:
    market, folds = run.metrics.market, run.metrics.folds
    first = market.tested_from or (folds[0].test_from if folds else None)
    last = market.tested_to or (folds[-1].test_to if folds else None)
    return day(first), day(last)


def _gains(run: StoredRun) -> dict[str, MeasuredGain]:
    skill = run.metrics.skill
    found = skill.forecasters if skill is not None else ()
    return {one.name: one.over_base for one in found if one.over_base is not None}


def _cell(gain: MeasuredGain | None) -> SkillCell | None:
    if gain is None:
        return None
    return SkillCell(number(gain.value, signed=True), interval_text(gain.low, gain.high) or UNKNOWN, count(gain.n))


def _daily(run: StoredRun, profile: str) -> pl.DataFrame:
    """The last equity of each UTC day."""
    own = run.table(EQUITY).filter(pl.col("profile") == profile).drop_nulls().sort("ts")
    return own.group_by(pl.col("ts").dt.truncate("1d"), maintain_order=True).agg(pl.col("equity").last())
