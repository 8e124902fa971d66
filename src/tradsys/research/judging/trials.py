"""Trials: what the ledger keeps of a run's profiles, and the verdict over everything ever tried on the data."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol, cast

from tradsys.backtest.simulate import PortfolioSpec, Simulation
from tradsys.core.costs import Costs
from tradsys.core.errors import ConfigError, NotEnoughBars
from tradsys.core.time import format_interval, interval_ms
from tradsys.core.whole_steps import whole
from tradsys.data.market import Market
from tradsys.journal.counting import trial_name
from tradsys.journal.entries import Data, LockboxOpening, Trial
from tradsys.journal.judged import JudgedData
from tradsys.journal.ledger import Ledger
from tradsys.journal.trial import TrialSeries
from tradsys.research.walk.lockbox import lockbox_opens
from tradsys.verdict.alpha import Benchmark
from tradsys.verdict.procedure import judge
from tradsys.verdict.results import JointVerdict, VerdictSpec


class TriedProfile(Protocol):
    """A profile as the ledger knows it."""

    @property
    def name(self) -> str:
        """Name of the profile."""

    @property
    def digest(self) -> str:
        """Digest of its rules, whatever its name."""


class HasLockbox(Protocol):
    """How the history is shared out."""

    @property
    def lockbox(self) -> float:
        """Share that is left alone."""


class Rules(Protocol):
    """What a verdict asks of a record."""

    @property
    def min_days(self) -> int:
        """Days below which there is none."""


class Tried(Protocol):
    """What was tried: an experiment, or whatever else was simulated and is to be judged."""

    @property
    def digest(self) -> str:
        """Digest of the configuration that was tried."""

    @property
    def seed(self) -> int:
        """Seed of every random stream."""

    @property
    def profiles(self) -> Sequence[TriedProfile]:
        """The profiles, each a trial."""

    @property
    def folds(self) -> HasLockbox:
        """How the history is shared out."""

    @property
    def verdict(self) -> VerdictSpec:
        """How the profiles are judged."""

    @property
    def benchmark(self) -> Benchmark:
        """What the profiles' alphas are measured against."""

    @property
    def costs(self) -> Costs:
        """Fees, slippage, funding and borrowing."""

    @property
    def portfolio(self) -> PortfolioSpec:
        """How much of the equity a position takes."""

    @property
    def deployed(self) -> str:
        """Name of the one that is put forward."""

    @property
    def sides(self) -> Sequence[str]:
        """Sides that may be traded."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A judgement and the state of the ledger that it holds for."""

    judgement: JointVerdict
    ledger_head: str


def trial_series(simulations: Mapping[str, Simulation]) -> list[TrialSeries]:
    """Each profile's record as the verdict and the ledger need it."""
    return [
        TrialSeries(
            key=name,
            days=one.days,
            daily=one.daily,
            grid=one.grid,
            position=one.position,
            opens=one.opens,
            symbols=one.symbols,
            n_trades=len(one.trades),
            delayed=one.delayed,
        )
        for name, one in simulations.items()
    ]


def ruin_causes(simulations: Mapping[str, Simulation]) -> dict[str, str]:
    """What ruined each profile that was, in words."""
    return {name: one.ruin.cause for name, one in simulations.items() if one.ruin is not None}


def data_of(market: Market) -> Data:
    """How the ledger knows a market: its symbols and interval as a name, and its months."""
    name = f"{' + '.join(market.symbols)} {format_interval(market.interval)}"
    return Data(name, market.blocks, market.fingerprint)


def judged_data(market: Market, opens: int, closes: int) -> JudgedData:
    """What of a market is judged in [opens, closes), ms, as the ledger knows it."""
    return JudgedData(market.blocks_within(opens, closes), opens, closes)


def traded_span(own: Sequence[TrialSeries], market: Market) -> tuple[int, int]:
    """When the bars open and close that a run's profiles could trade on, ms."""
    return int(own[0].grid[0]), int(own[0].grid[-1]) + interval_ms(market.interval)


def judged_by(own: Sequence[TrialSeries], market: Market) -> JudgedData:
    """What a run judged, as the ledger knows it: the bars that its profiles could trade on."""
    return judged_data(market, *traded_span(own, market))


def run_name(market: Market, spec: Tried, code: str) -> str:
    """What a run is called in the ledger: the same data, configuration, seed and code are the same run."""
    return hashlib.sha256(f"{market.fingerprint} {spec.digest} {spec.seed} {code}".encode()).hexdigest()


def record(own: Sequence[TrialSeries], market: Market, spec: Tried, ledger: Ledger, *, code: str) -> JudgedData:
    """Enter the profiles in the ledger, and say which data judges them."""
    judged = judged_by(own, market)
    with whole():  # all profiles count, or none
        for trial, profile in zip(own, spec.profiles, strict=True):
            entry = Trial(
                data=data_of(market),
                run=run_name(market, spec, code),
                experiment=spec.digest,
                profile=profile.name,
                profile_digest=profile.digest,
                seed=spec.seed,
                code=code,
                sources=market.sources,
                judged=judged,
            )
            ledger.append_trial(entry.content(), trial)
    return judged


def record_and_judge(
    own: Sequence[TrialSeries],
    market: Market,
    spec: Tried,
    ledger: Ledger,
    *,
    guard_bars: int,
    code: str,
    causes: Mapping[str, str] = MappingProxyType({}),
) -> Judged:
    """Enter the profiles in the ledger, then judge them against every other trial that it holds for this data.

    What counts is which data was judged, here the bars that the profiles could trade on. Where the defaults were chosen
    on some of them, the looks that chose them are trials too, known by number only. An identical re-run finds its own
    entries, is compared with the others alone, and appends nothing.
    """
    judged = record(own, market, spec, ledger, code=code)
    looks = market.n_design_looks(*traded_span(own, market))
    return judge_now(own, judged, looks, spec, ledger, guard_bars=guard_bars, causes=causes)


def judge_now(
    own: Sequence[TrialSeries],
    judged: JudgedData,
    n_design_looks: int,
    spec: Tried,
    ledger: Ledger,
    *,
    guard_bars: int,
    causes: Mapping[str, str] = MappingProxyType({}),
) -> Judged:
    """Judge a run's profiles against the ledger as it is; all that is counted was read at one moment.

    `causes` says by profile what ruined it.
    """
    earlier = ledger.earlier(judged, but=[trial.digest for trial in own])
    judgement = judge(
        own,
        earlier.series,
        n_counted=earlier.n_counted + n_design_looks,
        spec=spec.verdict,
        benchmark=spec.benchmark,
        guard_bars=guard_bars,
        seed=spec.seed,
        causes=causes,
    )
    return Judged(judgement, ledger.head_for(judged))


def check_lockbox(market: Market, share: float, rules: Rules) -> None:
    """A NotEnoughBars where the lock-box holds too few days for any verdict: it would be spent for nothing.

    A ConfigError where there is none.
    """
    if not share:
        raise ConfigError("--open-lockbox needs one, found folds.lockbox=0; leave a share of the history in it")
    opens, last = lockbox_opens(market.bars, share), cast(datetime, market.bars["ts"].max())
    days = (last.date() - opens.date()).days + 1
    if days < rules.min_days:
        raise NotEnoughBars(
            f"the lock-box holds {days:,} days, and a verdict needs {rules.min_days:,} (verdict.min_days): opened, it "
            "would be spent for nothing, so that it stays closed; run without --open-lockbox, or load a longer history"
        )


def _tested_in(judged: JudgedData, ledger: Ledger) -> set[str]:
    """Trials that say their test blocks, and had them within this data; of one that does not, none is assumed here."""
    trials = (one for one in ledger.trials_on(judged) if one.kind != LockboxOpening.kind)
    return {trial_name(one) for one in trials if JudgedData.of_entry(one.content).is_dated}


def open_lockbox(
    market: Market,
    spec: Tried,
    simulate: Callable[[], Mapping[str, Simulation]],
    ledger: Ledger,
    *,
    opens: int,
    guard_bars: int,
    code: str,
) -> dict[str, Any]:
    """Record the opening for good, then simulate the deployed profile from `opens` (ms) on and judge it.

    The profile was chosen before, so it is one trial; every other opening that reaches into this lock-box counts as one
    more, and so does every trial that was tested on bars of it.
    """
    judged = judged_data(market, opens, market.closes)
    opening = LockboxOpening(
        data=data_of(market), experiment=spec.digest, profile=spec.deployed, seed=spec.seed, code=code, judged=judged
    )
    entry = ledger.append(opening.content())  # before looking: a look that crashes was a look all the same
    others = [other for other in ledger.openings_on(judged) if other.hash != entry.hash]
    tested = _tested_in(judged, ledger)
    simulations = simulate()
    (own,) = trial_series(simulations)
    judgement = judge(
        [own],
        n_counted=len(others) + len(tested) + market.n_design_looks(opens, market.closes),
        spec=spec.verdict,
        benchmark=spec.benchmark,
        guard_bars=guard_bars,
        seed=spec.seed,
        causes=ruin_causes(simulations),
    )
    shown = asdict(judgement.profiles[own.key])
    return {
        "profile": own.key,
        "n_other_openings": len(others),
        "n_tested_inside": len(tested),
        "detectable_sharpe": judgement.detectable_sharpe,
        **shown,
        "sentence": shown["sentence"] + _looked_before(len(others), len(tested)),
    }


def _looked_before(n_openings: int, n_tested: int) -> str:
    """What of a lock-box was seen before this opening, as the end of its sentence; empty where nothing was."""
    parts = []
    if n_tested:
        parts.append(f"{n_tested:,} {'trial was' if n_tested == 1 else 'trials were'} tested on days of it")
    if n_openings:
        parts.append(f"it was opened {n_openings:,} {'time' if n_openings == 1 else 'times'}")
    return f"; nobody's first look: before, {' and '.join(parts)}, and this verdict counts them" if parts else ""
