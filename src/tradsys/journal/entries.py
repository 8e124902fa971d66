"""What the ledger's entries say: one type a kind, the one place that knows their fields, and which kinds are trials.

A trial is one procedure that was looked at out of sample: its trades on outer folds were simulated, or the score of its
forecasts there was shown. Only trials are in the number K that a verdict counts. Whatever was chosen or scored inside
training parts belongs to the procedure and counts for nobody who tests later; a study counts for whoever tests on the
part that it was scored in. Openings of a lock-box count among themselves too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Literal

from tradsys.journal.judged import JudgedData

COUNTED = frozenset({"trial", "training", "scored"})
"""Kinds that are trials."""

LOCKBOX = "lockbox"
"""Kind of an opening, which counts for whatever else is judged in its span."""

TUNING = "tuning"
"""Kind of a study's trial, which counts for whatever is judged on the training part that it was scored in."""

RESTORED = "restored"
"""Kind of the line that says of those after it that they were lost and written again; it is about no data."""

type Decided = Literal["adopted", "rejected", "negative"]
type Choosable = Literal["agent", "objective", "threshold", "regime map", "profile"]


@dataclass(frozen=True, slots=True)
class Data:
    """What an entry is about: the market's name for people, a hash of each month for machines."""

    market: str
    blocks: tuple[str, ...]
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What all entries share; `content` is what `Ledger.append` takes."""

    kind: ClassVar[str]
    data: Data

    def content(self) -> dict[str, Any]:
        """As plain values, the kind and the data beside the entry's own fields."""
        own = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "data"}
        return {"kind": self.kind, **asdict(self.data), **own}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial(Content):
    """One profile of one configuration, simulated on the outer folds; `Ledger.append_trial` adds its series.

    A configuration that a `study` tunes is a trial like any other once its outer trades were simulated. `judged` are
    the test blocks; a trial that does not say them counts by all of its data.
    """

    kind: ClassVar[str] = "trial"
    run: str
    experiment: str
    profile: str
    profile_digest: str
    seed: int
    code: str
    sources: tuple[str, ...]
    study: str = ""
    judged: JudgedData | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningTrial(Content):
    """A configuration scored inside a training part alone: it counts for whatever is judged there, in another range.

    `judged` is that training part. `parent` is the study that this one zooms into; `outcome` is "complete", "pruned" or
    what went wrong.
    """

    kind: ClassVar[str] = TUNING
    study: str
    number: int
    seed: int
    code: str
    settings: Mapping[str, Any]
    scores: Mapping[str, float | None]
    experiment: str = ""
    parent: str = ""
    outcome: str = "complete"
    judged: JudgedData | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Training(Content):
    """An agent that was fitted on all but the lock-box, and what its forecasts of the outer folds gained, in millinats.

    No trades were simulated, but the gain was shown: a trial that is known by number alone.
    """

    kind: ClassVar[str] = "training"
    experiment: str
    agent: str
    seed: int
    code: str
    gain: float
    low: float | None
    high: float | None
    n: int
    judged: JudgedData | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredForecaster(Content):
    """A forecaster whose forecasts of the outer folds were compared with others', with one seed; nothing was traded.

    A trial that is known by number alone.
    """

    kind: ClassVar[str] = "scored"
    experiment: str
    agent: str
    seed: int
    judged: JudgedData | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Content):
    """Something that each fold's training part chose: recorded, not counted; `by_fold` is in the order of the folds."""

    kind: ClassVar[str] = "choice"
    run: str
    what: Choosable
    by_fold: Sequence[Any]
    among: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Content):
    """Forecasters and profiles compared on outer folds; each `ScoredForecaster` and what was traded are the trials.

    `seeds` is how many of them each was run with, `standing` what became of each claim.
    """

    kind: ClassVar[str] = "comparison"
    experiment: str
    code: str
    seeds: Mapping[str, int]
    standing: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LockboxOpening(Content):
    """A look at the last part of the history, entered before it; counts as a trial of whatever else is judged there."""

    kind: ClassVar[str] = LOCKBOX
    experiment: str
    profile: str
    seed: int
    code: str
    judged: JudgedData | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockboxResult(Content):
    """What an opening showed."""

    kind: ClassVar[str] = "lockbox result"
    run: str
    profile: str
    result: "Result"


@dataclass(frozen=True, slots=True)
class Result:
    """A profile's verdict and annual net Sharpe ratio with its 95% interval; numbers are None where undefined.

    `until` is the day since which a proven edge was not earned any more.
    """

    verdict: str
    p: float | None
    sharpe: float | None
    low: float | None
    high: float | None
    n_trades: int
    n_days: int
    until: str | None = None


NOT_FITTED = "nothing is fitted"
"""What `FoldScore.training` says of a rule without forecasts, which have no gain that could come apart."""


@dataclass(frozen=True, slots=True)
class FoldScore:
    """A test block (ISO times), what its forecasts gained over the base rate, and how a network's training ended."""

    test_from: str
    test_to: str
    gain_millinats: float | None
    training: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun(Content):
    """A run and what it found when it ended; `run` names it whatever its folder is called.

    `n_trials` is K then, `n_design_looks` of which chose the defaults on this data. `decided` says in sentences which
    profile is deployed, who decided in which fold, and what challengers lacked; `changed` holds the settings that
    differ from their defaults, by dotted key.
    """

    kind: ClassVar[str] = "run"
    run: str
    experiment: str
    seed: int
    code: str
    title: str
    n_trials: int
    n_design_looks: int
    ledger_head: str
    results: Mapping[str, Result]
    folds: Sequence[FoldScore]
    decided: Sequence[str] = ()
    changed: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRun(Content):
    """A run that could not be fitted: an unstable configuration is remembered as one.

    `changed` holds the settings that differ from their defaults.
    """

    kind: ClassVar[str] = "failure"
    run: str
    experiment: str
    seed: int
    code: str
    reason: str
    changed: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnwrittenRun(FailedRun):
    """A run whose trials were entered and count, and whose folder could not be written: no fault of its settings."""

    kind: ClassVar[str] = "unwritten"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis(Content):
    """What somebody believes of a market, written down before a run looks; `expect` is what would bear it out."""

    kind: ClassVar[str] = "hypothesis"
    text: str
    expect: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look(Content):
    """A run looks at a hypothesis (content hash); entered when the run starts."""

    kind: ClassVar[str] = "look"
    hypothesis: str
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedDecision(Content):
    """What was made of a run or a hypothesis; `replaces` is the content hash of the decision before."""

    kind: ClassVar[str] = "decision"
    subject: str
    decision: Decided
    why: str
    replaces: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Champion(Content):
    """A profile of a configuration took the market's seat; `replaces` is the content hash of the entry before."""

    kind: ClassVar[str] = "champion"
    run: str
    experiment: str
    profile: str
    standing: Literal["proven", "candidate"]
    why: str
    replaces: str = ""
