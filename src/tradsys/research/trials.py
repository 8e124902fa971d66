"""Trials: what the ledger keeps of a run's profiles, and the verdict over everything ever tried on the data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tradsys.backtest.simulate import Simulation
from tradsys.data.market import Market
from tradsys.journal.ledger import Ledger
from tradsys.journal.trial import TrialSeries
from tradsys.research.spec import Experiment
from tradsys.verdict.procedure import judge
from tradsys.verdict.results import Judgement


@dataclass(frozen=True, slots=True)
class Judged:
    """A judgement and the state of the ledger that it holds for."""

    judgement: Judgement
    ledger_head: str


def trial_series(simulations: Mapping[str, Simulation], symbols: Sequence[str]) -> list[TrialSeries]:
    """Each profile's record as the verdict and the ledger need it."""
    return [
        TrialSeries(
            key=name,
            days=one.days,
            daily=one.daily,
            grid=one.grid,
            position=one.position,
            opens=one.opens,
            symbols=tuple(symbols),
            n_trades=len(one.trades),
        )
        for name, one in simulations.items()
    ]


def judge_and_record(
    own: Sequence[TrialSeries], market: Market, spec: Experiment, ledger: Ledger, *, guard_bars: int, code: str
) -> Judged:
    """Judge the profiles against every trial the ledger holds for this data, then enter them there.

    On the data that the defaults were chosen on, the looks that chose them are trials too, known by number only.
    An identical re-run finds its own entries, is compared with the others alone, and appends nothing.
    """
    earlier = ledger.earlier(market.blocks, but=[trial.digest for trial in own])
    judgement = judge(
        own,
        earlier.series,
        n_counted=earlier.n_counted + market.n_design_looks,
        spec=spec.verdict,
        guard_bars=guard_bars,
        seed=spec.seed,
    )
    for trial, profile in zip(own, spec.profiles, strict=True):
        content = {
            "experiment": spec.digest,
            "profile": profile.name,
            "profile_digest": profile.digest,
            "seed": spec.seed,
            "code": code,
            "sources": market.sources,
            "fingerprint": market.fingerprint,
            "blocks": market.blocks,
        }
        ledger.append_trial(content, trial)
    return Judged(judgement, ledger.head_for(market.blocks))
