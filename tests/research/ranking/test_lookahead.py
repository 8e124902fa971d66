"""Ranks and universes that know the future are found out, each by name; those that ship are not."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest

from tradsys.core.bars import split_symbols
from tradsys.core.errors import LookaheadError
from tradsys.core.time import ts_ms
from tradsys.data.fingerprint import fingerprint, month_blocks
from tradsys.data.listings import Listing
from tradsys.data.market import Market
from tradsys.data.simulate import simulate_universe
from tradsys.data.universe import Universe, UniverseSpec
from tradsys.features import cross_section
from tradsys.features.cross_section import rank_columns
from tradsys.journal.ledger import Ledger
from tradsys.research.lookahead.findings import Search
from tradsys.research.lookahead.futures import cut, noised
from tradsys.research.ranking import neutral
from tradsys.research.ranking import run as rank_run
from tradsys.research.ranking.lookahead import columns_seen, look_ahead_in_ranks
from tradsys.research.ranking.neutral import neutral_from, trade
from tradsys.research.ranking.run import before_lockbox, run_ranks
from tradsys.research.run import run
from tradsys.research.walk.dataset import Dataset
from tradsys.settings.config import RunConfig
from tradsys.settings.market import RankColumns, with_ranks

HOUR = timedelta(hours=1)
HOUR_MS = 3_600_000


@cache
def market() -> Market:
    """Ten symbols, of which some list late and some end early."""
    bars = simulate_universe(10, 0.03, seed=1, n_bars=9_000)
    return Market(bars, HOUR, ("t",), tuple(split_symbols(bars)), (), fingerprint(bars), month_blocks(bars), False)


def spec_of(universe: UniverseSpec | None = None):
    spec = neutral_from(RunConfig(universe={"size": 6}))
    return spec if universe is None else replace(spec, universe=universe)


def looked(spec, n_points: int = 3):
    frames, start, end = before_lockbox(market(), spec)
    traded = trade(frames, HOUR_MS, spec, start=start, end=end)
    return look_ahead_in_ranks(frames, HOUR_MS, spec, traded, start=start, end=end, n_points=n_points)


def parts(found) -> set[str]:
    return {finding.part for finding in found.findings}


@dataclass(frozen=True, slots=True)
class OfTheWholeHistory(UniverseSpec):
    """Members are those that trade most over the whole history, listed by then or not."""

    def choose(self, frames, bar_ms, listings: Mapping[str, Listing] = {}):
        own = UniverseSpec.choose(self, frames, bar_ms, listings)
        volume = [float((bars["volume"] * bars["close"]).sum()) for bars in frames.values()]
        member = np.zeros(own.member.shape, bool)
        member[:, np.argsort(volume)[-self.size :]] = True
        return Universe(own.symbols, own.times, member)


@dataclass(frozen=True, slots=True)
class OfTheLastYear(UniverseSpec):
    """Members are those that have not ended by the last bar: survivors, known in hindsight."""

    def choose(self, frames, bar_ms, listings: Mapping[str, Listing] = {}):
        own = UniverseSpec.choose(self, frames, bar_ms, listings)
        last = max(int(ts_ms(bars)[-1]) for bars in frames.values())
        is_left = np.array([int(ts_ms(bars)[-1]) == last for bars in frames.values()])
        return Universe(own.symbols, own.times, own.member & is_left)


def test_what_ships_saw_nothing():
    found = looked(spec_of())
    assert found.findings == ()
    assert found.n_values > 100_000


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

    monkeypatch.setattr(neutral, "raw_momentum", filled)
    monkeypatch.setattr(neutral, "compared", lambda values, member: values)
    found = looked(spec_of())
    assert parts(found) >= {"ranks"}
    late = max(ts_ms(bars)[0] for bars in market().frames().values())
    assert any(finding.start < late for finding in found.findings)


def test_a_signal_of_the_next_bar_is_caught_one_ahead(monkeypatch):
    honest = neutral.raw_momentum

    def early(panel, frames, lookback):
        return np.roll(honest(panel, frames, lookback), -1, axis=0)

    monkeypatch.setattr(neutral, "raw_momentum", early)
    found = looked(spec_of())
    signals = [finding for finding in found.findings if finding.column == "signal"]
    assert {finding.bars_ahead for finding in signals} == {1}


def test_a_run_that_looked_ahead_is_refused_and_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(rank_run, "neutral_from", lambda config: spec_of(OfTheWholeHistory(size=6)))
    ledger = Ledger(tmp_path / "journal" / "ledger.jsonl")
    with pytest.raises(LookaheadError, match="universe: member of S"):
        run_ranks(market(), RunConfig(), root=tmp_path / "runs", ledger=ledger)
    assert not list(tmp_path.glob("runs/*/manifest.json"))
    assert len(ledger.entries()) == 0


@pytest.mark.parametrize("future", [cut, noised])
@pytest.mark.parametrize("leak", [None, "universe", "strength"])
def test_columns_of_ranks_that_saw_the_future_are_caught(leak, future, monkeypatch):
    universe = OfTheWholeHistory(size=6) if leak == "universe" else UniverseSpec(size=6)
    if leak == "strength":
        whole = cross_section.strength
        monkeypatch.setattr(cross_section, "strength", lambda values: whole(values) - np.nanmean(values))
    frames = market().frames()
    listings = {"S00": Listing(None, None)}
    made = rank_columns(frames, HOUR_MS, universe, lookbacks=(72,), listings=listings)
    carried = {symbol: bars.with_columns(made[symbol]) for symbol, bars in frames.items()}
    closes = {symbol: ts_ms(bars) + HOUR_MS for symbol, bars in carried.items()}
    search = Search(np.unique(np.concatenate(list(closes.values()))), closes)
    columns_seen(search, Dataset(HOUR, carried, {}), RankColumns(universe, listings, (72,)), 4_000 * HOUR_MS
                 + int(ts_ms(market().bars).min()), future)  # fmt: skip
    seen = {(finding.part, finding.column) for finding in search.found.values()}
    assert search.n_values > 10_000
    assert bool(seen) == (leak is not None)
    assert leak != "strength" or seen == {("columns of ranks", "rank_strength_72")}


@pytest.mark.slow
def test_a_run_whose_columns_of_ranks_saw_the_future_is_refused(monkeypatch, tmp_path):
    whole = cross_section.strength
    monkeypatch.setattr(cross_section, "strength", lambda values: whole(values) - np.nanmean(values))
    bars = simulate_universe(6, 0.03, seed=1, n_bars=5_000)
    plain = Market(bars, HOUR, ("t",), tuple(split_symbols(bars)), (), fingerprint(bars), month_blocks(bars), False)
    features = {"names": ("returns", "relative_strength")}
    config = RunConfig(agent={"name": "logistic"}, folds={"n_folds": 2, "path_groups": 0}, features=features)
    ledger = Ledger(tmp_path / "journal" / "ledger.jsonl")
    with pytest.raises(LookaheadError, match="columns of ranks: rank_strength_"):
        run(with_ranks(plain, config), config, root=tmp_path / "runs", ledger=ledger)
