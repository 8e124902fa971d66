"""Ranks and universes that know the future are found out, each by name; those that ship are not."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from tests.research.ranking.hindsight import HOUR_MS, OfTheLastYear, OfTheWholeHistory, market

from tradsys.core.errors import LookaheadError
from tradsys.core.time import ts_ms
from tradsys.data.universe import UniverseSpec
from tradsys.journal.ledger import Ledger
from tradsys.machine.backends import open_executor
from tradsys.machine.executor import INLINE
from tradsys.predictor import rank_rule
from tradsys.research.procedures import ranks as rank_procedure
from tradsys.research.procedures.ranks import RankProcedure
from tradsys.research.ranking.lookahead import look_ahead_in_ranks
from tradsys.research.ranking.market_neutral import before_lockbox, market_neutral_from, trade
from tradsys.research.run import run
from tradsys.settings.config import RunConfig


def spec_of(universe: UniverseSpec | None = None):
    spec = market_neutral_from(RunConfig(universe={"size": 6}))
    return spec if universe is None else replace(spec, universe=universe)


def looked(spec, n_points: int = 3):
    frames, start, end = before_lockbox(market(), spec)
    traded = trade(frames, HOUR_MS, spec, start=start, end=end)
    return look_ahead_in_ranks(frames, HOUR_MS, spec, traded, start=start, end=end, n_points=n_points)


def parts(found) -> set[str]:
    return {finding.part for finding in found.findings}


def test_what_ships_saw_nothing():
    found = looked(spec_of())
    assert found.findings == ()
    assert found.n_values > 100_000


@pytest.mark.parametrize(
    "rule",
    [
        {"signal": "trend", "holds": "signal", "weighting": "inverse_volatility", "no_trade_band": 0.5},
        {"holds": "ranks", "neutral": "beta", "overlap": 3},
    ],
)
def test_portfolios_that_build_on_earlier_choices_saw_nothing(rule):
    config = RunConfig(universe={"size": 6}, rank=rule | {"risk_lookback": 120})
    assert looked(market_neutral_from(config), 2).findings == ()


def test_a_band_that_restarts_at_the_last_bar_is_caught(monkeypatch):
    """Counted from the end, a choice hangs on how much is to come."""
    honest = rank_rule.held_in_band

    def from_the_end(targets, closes, is_ranked, restarts, band, gross):
        return honest(targets, closes, is_ranked, np.arange(len(restarts))[::-1] % 5 == 0, band, gross)

    monkeypatch.setattr(rank_rule, "held_in_band", from_the_end)
    found = looked(market_neutral_from(RunConfig(universe={"size": 6}, rank={"no_trade_band": 0.5})), 2)
    assert "ranks" in parts(found)
    assert {finding.column for finding in found.findings if finding.part == "ranks"} == {"weight"}


def test_the_universe_holds_late_and_ended_symbols():
    """Else the leaks below would have nothing to see."""
    frames, start, end = before_lockbox(market(), spec_of())
    listed = [int(ts_ms(bars)[0]) for bars in frames.values()]
    ended = [int(ts_ms(bars)[-1]) + HOUR_MS for bars in frames.values()]
    assert any(start < time < end for time in listed)
    assert any(start < time < end - HOUR_MS for time in ended)


@pytest.mark.parametrize("universe", [OfTheWholeHistory(size=6), OfTheLastYear(size=6)])
def test_a_universe_chosen_in_hindsight_is_caught(universe):
    found = looked(spec_of(universe))
    assert "universe" in parts(found)
    assert max(finding.bars_ahead for finding in found.findings if finding.part == "universe") > 24


def test_ranks_over_symbols_that_are_not_listed_yet_are_caught(monkeypatch):
    """A backward fill gives every symbol its first price before it had one, and no universe keeps it out."""

    def filled(panel, frames, lookback):
        at = panel.spread({symbol: np.log(bars["close"].to_numpy()) for symbol, bars in frames.items()})
        known = pl.DataFrame(at).fill_nan(None).fill_null(strategy="backward").to_numpy()
        values = np.full(known.shape, np.nan)
        values[lookback:] = known[lookback:] - known[:-lookback]
        return values

    monkeypatch.setattr(rank_rule, "raw_momentum", filled)
    monkeypatch.setattr(rank_rule, "compared", lambda values, member: values)
    found = looked(spec_of())
    assert parts(found) >= {"ranks"}
    late = max(ts_ms(bars)[0] for bars in market().frames().values())
    assert any(finding.start < late for finding in found.findings)


def test_a_signal_of_the_next_bar_is_caught_one_ahead(monkeypatch):
    honest = rank_rule.raw_momentum

    def early(panel, frames, lookback):
        return np.roll(honest(panel, frames, lookback), -1, axis=0)

    monkeypatch.setattr(rank_rule, "raw_momentum", early)
    found = looked(spec_of())
    signals = [finding for finding in found.findings if finding.column == "signal"]
    assert {finding.bars_ahead for finding in signals} == {1}


def test_a_run_that_looked_ahead_is_refused_and_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(rank_procedure, "market_neutral_from", lambda config: spec_of(OfTheWholeHistory(size=6)))
    ledger = Ledger(tmp_path / "journal" / "ledger.jsonl")
    with pytest.raises(LookaheadError, match="universe: member of S"):
        run(market(), RunConfig(), procedure=RankProcedure.of, root=tmp_path / "runs", ledger=ledger)
    assert not list(tmp_path.glob("runs/*/manifest.json"))
    assert len(ledger.entries()) == 0


def test_processes_find_what_one_finds():
    spec = spec_of(OfTheLastYear(size=6))
    frames, start, end = before_lockbox(market(), spec)
    traded = trade(frames, HOUR_MS, spec, start=start, end=end)
    with open_executor(2) as executor:
        found = [
            look_ahead_in_ranks(frames, HOUR_MS, spec, traded, start=start, end=end, n_points=2, executor=one)
            for one in (INLINE, executor)
        ]
    assert found[0] == found[1]
    assert found[0].findings
