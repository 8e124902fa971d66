"""A finished run's verdict against the ledger as it is now: a view, the run's folder is never touched."""

from dataclasses import dataclass, replace

from tradsys.backtest.grid import Grid
from tradsys.core.errors import LedgerError
from tradsys.core.json_text import plain
from tradsys.journal.entries import LockboxOpening
from tradsys.journal.ledger import Ledger
from tradsys.journal.trial import TrialSeries
from tradsys.research.judging.replay import Replay
from tradsys.research.judging.trials import judge_now, verdict_json
from tradsys.runs.verdict import RunVerdict


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
        if not self.has_grown:
            return ()
        n_then, n_now = self.then.n_trials, self.now.n_trials
        grown = f"More has been tried on this data since: {n_then:,} trials then, {n_now:,} now."
        changed = [
            f'{name}: its "proven" has lapsed; it is {self.now.profiles[name].verdict} now that '
            f"{n_now:,} trials count instead of {n_then:,}."
            if name in self.lapsed
            else f"{name}: {before.verdict} then, {self.now.profiles[name].verdict} now."
            for name, before in self.then.profiles.items()
            if before.verdict != self.now.profiles[name].verdict
        ]
        return (grown, *(changed or ["No verdict has changed by that."]))


def rejudge(run: Replay, ledger: Ledger) -> Rejudged:
    """Judge the run again; with an unchanged ledger this is its stored verdict, to the last bit.

    The profiles' series come from the ledger, the prices from the run's bars.
    """
    manifest, metrics, then = run.manifest, run.metrics, run.verdict
    judged = judge_now(
        _own_series(run, ledger),
        manifest.blocks,
        metrics.market.n_design_looks,
        run.tried,
        ledger,
        guard_bars=manifest.guard_bars,
    )
    now = RunVerdict.parse(plain(verdict_json(judged, metrics.to_json())), "the verdict as of now")
    n_since = 0
    if then.lockbox is not None:
        openings = [entry for entry in ledger.entries_on(manifest.blocks) if entry.kind == LockboxOpening.kind]
        n_since = len(openings) - 1 - then.lockbox.n_other_openings
        now = now.model_copy(update={"lockbox": then.lockbox})
    return Rejudged(then, now, n_since)


def _own_series(run: Replay, ledger: Ledger) -> list[TrialSeries]:
    """The run's profiles in their order, with the opens of its bars."""
    digests, blocks = run.manifest.trials, run.manifest.blocks
    known = {entry.content.get("series") for entry in ledger.trials_on(blocks)}
    if missing := [name for name, digest in digests.items() if digest not in known]:
        raise LedgerError(
            f"{ledger.path} does not hold the trials of {run.name} ({', '.join(missing)}); give the journal "
            "that it was run with (--journal), or look at it --as-stored"
        )
    grid = Grid.of(run.frames, *run.span)
    opens = grid.forward_filled(grid.prices.open)
    names = [profile.name for profile in run.tried.profiles]
    return [replace(ledger.load_trial(digests[name]), opens=opens, symbols=grid.symbols) for name in names]
