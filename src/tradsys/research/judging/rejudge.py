"""A stored run again, its folder untouched: any profile on its forecasts, its verdict against today's ledger."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property

import numpy as np
import polars as pl

from tradsys.backtest.grid import Grid
from tradsys.backtest.simulate import Simulation
from tradsys.core.bars import split_symbols, to_arrays
from tradsys.core.errors import DataError, LedgerError
from tradsys.core.json_text import plain
from tradsys.core.threads import one_thread
from tradsys.core.time import infer_interval, interval_ms, to_ms, ts_ms
from tradsys.journal.chain import LedgerEntry
from tradsys.journal.entries import LockboxOpening
from tradsys.journal.judged import JudgedData
from tradsys.journal.ledger import Ledger
from tradsys.journal.trial import TrialSeries
from tradsys.profiles.catalogue import profile_named
from tradsys.profiles.forecast import Forecasts
from tradsys.profiles.profile import Profile
from tradsys.research.judging.trials import Tried, judge_now
from tradsys.research.judging.verdict_file import verdict_json
from tradsys.research.ranking.market_neutral import market_neutral_from
from tradsys.research.walk.experiment import profile_decisions, simulate_decisions
from tradsys.research.walk.experiment_spec import Experiment, experiment_from
from tradsys.runs.manifest import Kind
from tradsys.runs.stored import StoredRun
from tradsys.runs.tables import BARS, FORECASTS, MACRO_STATES
from tradsys.runs.verdict import RunVerdict
from tradsys.settings.config import RunConfig

_TRIED: Mapping[Kind, Callable[["Replay"], Tried]] = {
    "experiment": lambda run: run.spec,
    "ranks": lambda run: market_neutral_from(run.config),
}
"""What a run of each kind tried, from the settings that are stored with it."""


@dataclass(frozen=True)
class Replay(StoredRun):
    """A stored run with its settings as objects: its forecasts, and any profile simulated on them again."""

    @cached_property
    def config(self) -> RunConfig:
        return RunConfig.stored(self.manifest.config)

    @cached_property
    def tried(self) -> Tried:
        """What was tried and how it is judged, whichever procedure made the run."""
        return _TRIED[self.kind](self)

    @cached_property
    def spec(self) -> Experiment:
        """The experiment; a DataError where the run was none."""
        if self.kind != "experiment":
            raise DataError(
                f"{self.name} ranked symbols and made no forecasts, which this needs; name a run of tradsys "
                "run, or look at this one with tradsys compare"
            )
        n_symbols = len(self.metrics.market.symbols)  # those that are listed in the lock-box alone included
        return experiment_from(self.config, n_symbols=n_symbols, sides=self.manifest.sides)

    @cached_property
    def frames(self) -> dict[str, pl.DataFrame]:
        return split_symbols(self.table(BARS))

    @property
    def interval(self) -> timedelta:
        return infer_interval(next(iter(self.frames.values())))

    @property
    def span(self) -> tuple[int, int]:
        """When the first test block opens and the last bar has closed, ms."""
        opens = min(to_ms(fold.test_from) for fold in self.metrics.folds)
        return opens, max(int(ts_ms(frame)[-1]) for frame in self.frames.values()) + interval_ms(self.interval)

    def profile(self, name: str | None = None) -> Profile:
        """The profile of that name, or the deployed one, read as the run read it."""
        return profile_named(name or self.spec.deployed, self.spec.profiles)

    def forecasts(self) -> dict[str, Forecasts]:
        """What was known at each decision, a symbol."""
        stored = self.table(FORECASTS)
        return {
            symbol: self._forecasts(stored.filter(pl.col("symbol") == symbol), frame)
            for symbol, frame in self.frames.items()
        }

    def _forecasts(self, stored: pl.DataFrame, bars: pl.DataFrame) -> Forecasts:
        sides = [stored.filter(pl.col("side") == side) for side in (1, -1)]
        start = sides[0]["start"].dt.epoch("ms").to_numpy()
        arrays = to_arrays(bars)
        rows = np.searchsorted(arrays.ts + interval_ms(self.interval), start)
        regimes = [name for name in stored.columns if name.startswith("regime_")]
        states = [name for name in MACRO_STATES if stored[name].null_count() < len(stored)]
        recorded = stored["net_error"].null_count() < len(stored)
        audited = [one["audit"].to_numpy().astype(np.float64) for one in sides]
        return Forecasts(
            start=start,
            probability=np.column_stack([one["probability"] for one in sides]),
            expected_net=np.column_stack([one["expected_net"] for one in sides]),
            best_side=np.isnan(audited[0]).astype(np.int64),
            rank=np.column_stack([one["rank"] for one in sides]),
            regime=sides[0].select(regimes).to_numpy(),
            audit=np.where(np.isnan(audited[0]), audited[1], audited[0]),
            atr=self.spec.barriers.pace(bars)[rows],
            is_ready=np.ones(len(start), bool),
            net_error=np.column_stack([one["net_error"] for one in sides]) if recorded else None,
            has_earned=sides[0]["has_earned"].to_numpy() if recorded else None,
            macro=sides[0].select(states).to_numpy() if states else None,
        )

    def simulate(self, profile: Profile) -> Simulation:
        """The profile's trades from the kernel: those of `trades.parquet`, to the last bit."""
        decisions, (opens, closes) = profile_decisions(self.forecasts().items(), profile, self.spec), self.span
        return simulate_decisions(self.frames, decisions, self.spec, start=opens, end=closes)


@dataclass(frozen=True, slots=True)
class Rejudged:
    """The verdict as it was when the run ended, and as it is now.

    A lock-box is not judged again; `n_openings_since` says how often others have looked into it since.
    """

    then: RunVerdict
    now: RunVerdict
    n_openings_since: int = 0

    @property
    def has_grown(self) -> bool:
        """Whether the ledger holds more on this data than when the run ended."""
        return self.then.ledger_head != self.now.ledger_head

    @property
    def asks_more(self) -> bool:
        """Whether the run was judged by an earlier version, which asked fewer questions."""
        then = self.then.profiles
        is_new = any(one.p_late is not None and then[name].p_late is None for name, one in self.now.profiles.items())
        return any(one.p is not None and one.p_alpha is None for one in then.values()) or (
            is_new and not self.has_grown
        )

    @property
    def lapsed(self) -> tuple[str, ...]:
        """Profiles that were proven and are not any more."""
        was = (name for name, judged in self.then.profiles.items() if judged.verdict == "proven")
        return tuple(name for name in was if self.now.profiles[name].verdict != "proven")

    @property
    def sentences(self) -> tuple[str, ...]:
        """What has changed, in words; empty where nothing has."""
        looks = "1 more look" if self.n_openings_since == 1 else f"{self.n_openings_since:,} more looks"
        opened = f"The lock-box verdict has lapsed: {looks} into it since, which it does not count."
        return (*self._changes(), *([opened] if self.n_openings_since else []))

    def _changes(self) -> tuple[str, ...]:
        if not self.has_grown and not self.asks_more:
            return ()
        n_then, n_now = self.then.n_trials, self.now.n_trials
        reasons = [f"{n_now:,} trials count instead of {n_then:,}"] if self.has_grown else []
        told = []
        if self.has_grown:
            told.append(f"More has been tried on this data since: {n_then:,} trials then, {n_now:,} now.")
        if self.asks_more:
            told.append(
                "A verdict asks more now than when this run was made: an alpha, orders one bar later, and that what is "
                "left then is no luck where most trials that look as good keep less."
            )
            reasons.append("more is asked")
        why = " and ".join(reasons)
        changed = [
            f'{name}: its "proven" has lapsed; it is {self.now.profiles[name].verdict} now that {why}.'
            if name in self.lapsed
            else f"{name}: {before.standing} then, {self.now.profiles[name].standing} now."
            for name, before in self.then.profiles.items()
            if before.standing != self.now.profiles[name].standing
        ]
        return (*told, *(changed or ["No verdict has changed by that."]))


@one_thread()
def rejudge(run: Replay, ledger: Ledger) -> Rejudged:
    """Judge the run again; with an unchanged ledger and procedure this is its stored verdict, to the last bit.

    The profiles' series come from the ledger, the prices from the run's bars.
    """
    manifest, metrics, then = run.manifest, run.metrics, run.verdict
    judged = judge_now(
        _own_series(run, ledger),
        _judged_by(run, ledger),
        metrics.market.n_design_looks,
        run.tried,
        ledger,
        guard_bars=manifest.guard_bars,
        causes={name: one.ruin.cause for name, one in metrics.profiles.items() if one.ruin},
    )
    now = RunVerdict.parse(plain(verdict_json(judged, metrics.to_json(), run.tried.verdict)), "the verdict as of now")
    n_since = 0
    if then.lockbox is not None:
        n_since = len(_openings(run, ledger)) - 1 - then.lockbox.n_other_openings
        now = now.model_copy(update={"lockbox": then.lockbox})
    return Rejudged(then, now, n_since)


def _judged_by(run: Replay, ledger: Ledger) -> JudgedData:
    """What the run's trials say that they judged; all of its data where they were entered before trials said so."""
    own = (entry for entry in _trials(ledger) if entry.content.get("run") == run.manifest.run)
    return next((JudgedData.of_entry(entry.content) for entry in own), JudgedData.of(run.manifest.blocks))


def _trials(ledger: Ledger) -> list[LedgerEntry]:
    """Those of the ledger, and those whose lines it has lost."""
    return [entry for entry in (*ledger.entries(), *ledger.lost) if entry.kind == "trial"]


def _openings(run: Replay, ledger: Ledger) -> list[LedgerEntry]:
    """Every opening that reaches into the lock-box which the run opened, its own among them."""
    manifest = run.manifest
    mine = {name: getattr(manifest, name) for name in ("fingerprint", "experiment", "seed", "code")}
    own = ledger.latest(LockboxOpening.kind, profile=manifest.deployed_profile, **mine)
    return ledger.openings_on(JudgedData.of(manifest.blocks) if own is None else JudgedData.of_entry(own.content))


def _own_series(run: Replay, ledger: Ledger) -> list[TrialSeries]:
    """The run's profiles in their order, with the opens of its bars."""
    digests = run.manifest.trials
    known = {entry.content.get("series") for entry in _trials(ledger)}
    if missing := [name for name, digest in digests.items() if digest not in known]:
        raise LedgerError(
            f"{ledger.path} does not hold the trials of {run.name} ({', '.join(missing)}); give the journal "
            "that it was run with (--journal), or look at it --as-stored"
        )
    grid = Grid.of(run.frames, *run.span)
    opens = grid.forward_filled(grid.prices.open)
    names = [profile.name for profile in run.tried.profiles]
    return [replace(ledger.load_trial(digests[name]), opens=opens, symbols=grid.symbols) for name in names]
