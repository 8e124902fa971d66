"""One line of the list of runs, from the three small files of a run's folder; its tables stay unread."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from pydantic import ValidationError

from tradsys.core.errors import DataError
from tradsys.report.cards import best_first
from tradsys.runs.manifest import NAME as MANIFEST
from tradsys.runs.manifest import RunManifest
from tradsys.runs.section import Measurement, Number, RunSection, faults
from tradsys.runs.verdict import ProfileJudgement, RunVerdict

FILES = (MANIFEST, "verdict.json", "metrics.json")


class _ListedMetrics(RunSection):
    sharpe: Measurement


class _ListedProfile(RunSection):
    metrics: _ListedMetrics


class _ListedMarket(RunSection):
    symbols: tuple[str, ...]
    interval: str
    first: datetime | None
    last: datetime | None


class _Listed(RunSection):
    """The little of `metrics.json` that a line shows: parsing all of it takes ten times as long."""

    market: _ListedMarket
    profiles: Mapping[str, _ListedProfile]


@dataclass(frozen=True, slots=True)
class ListedVerdict:
    """A profile's verdict when the run ended, with its net Sharpe ratio a year and the 95% interval of that."""

    profile: str
    verdict: str
    standing: str
    sharpe: Number
    low: Number
    high: Number
    n_trades: int


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as the list shows it; `verdicts` come best first, `run` is its name in the ledger."""

    name: str
    run: str
    created: datetime
    market: str
    title: str
    symbols: tuple[str, ...]
    first: datetime | None
    last: datetime | None
    kind: str
    agent: str
    seed: int
    deployed: str
    n_trials: int
    fingerprint: str
    verdicts: tuple[ListedVerdict, ...]

    @property
    def sharpe(self) -> Number:
        """That of the best profile; None where there is none."""
        return self.verdicts[0].sharpe if self.verdicts else None

    @property
    def is_proven(self) -> bool:
        """Whether any profile was, when the run ended."""
        return any(one.verdict == "proven" for one in self.verdicts)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The line of a run's folder; a DataError where it is none, broken or another version's."""
        manifest = RunManifest.read(folder / MANIFEST)
        verdict = RunVerdict.read(folder / "verdict.json")
        metrics = _listed(folder / "metrics.json")
        if verdict.profiles.keys() != metrics.profiles.keys():
            raise DataError(f"verdict.json and metrics.json in {folder} are not of one run; make the run again")
        return cls(
            name=folder.name,
            run=manifest.run,
            created=manifest.created if manifest.created.tzinfo else manifest.created.replace(tzinfo=UTC),
            market=manifest.market,
            title=manifest.title,
            symbols=metrics.market.symbols,
            first=metrics.market.first,
            last=metrics.market.last,
            kind=manifest.kind,
            agent=agent_of(manifest),
            seed=manifest.seed,
            deployed=manifest.deployed_profile,
            n_trials=verdict.n_trials,
            fingerprint=manifest.fingerprint,
            verdicts=tuple(
                _verdict(name, verdict.profiles[name], metrics.profiles[name].metrics.sharpe)
                for name in best_first(verdict.profiles)
            ),
        )


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A folder among the runs that is none, or none any more; `trouble` says why in a sentence."""

    name: str
    changed: datetime
    trouble: str


def agent_of(manifest: RunManifest) -> str:
    """Who challenged the logistic, or by what was ranked."""
    section, key = ("rank", "signal") if manifest.kind == "ranks" else ("agent", "name")
    settings = manifest.config.get(section)
    found = settings.get(key) if isinstance(settings, Mapping) else None
    return f"ranks by {found}" if manifest.kind == "ranks" and found else str(found or "unknown")


def _listed(path: Path) -> _Listed:
    try:
        return _Listed.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise DataError(f"metrics.json is missing in {path.parent}, which is no finished run") from None
    except ValidationError as error:
        raise DataError(f"{path} is not what this version reads: {faults(error)}; make the run again") from None


def _verdict(name: str, judged: ProfileJudgement, measured: Measurement) -> ListedVerdict:
    is_known = measured.value is not None
    return ListedVerdict(
        profile=name,
        verdict=judged.verdict,
        standing=judged.standing,
        sharpe=measured.value if is_known else judged.sharpe,
        low=measured.low if is_known else None,
        high=measured.high if is_known else None,
        n_trades=judged.n_trades,
    )
