"""The look-ahead check of rank columns."""

import numpy as np
import pytest
from tests.research.ranking.hindsight import HOUR, HOUR_MS, OfTheWholeHistory, market

from tradsys.core.bars import split_symbols
from tradsys.core.errors import LookaheadError
from tradsys.core.time import ts_ms
from tradsys.data.fingerprint import fingerprint, month_blocks
from tradsys.data.market import Market
from tradsys.data.simulate import simulate_universe
from tradsys.data.universe import Listing, UniverseSpec
from tradsys.features import universe_ranks
from tradsys.features.universe_ranks import MOMENTUM, rank_columns
from tradsys.journal.ledger import Ledger
from tradsys.research.lookahead.computed_tables import compare_rank_columns
from tradsys.research.lookahead.findings import Search
from tradsys.research.lookahead.without_future import cut, noised
from tradsys.research.run import run
from tradsys.research.walk.dataset import Dataset
from tradsys.settings.config import RunConfig
from tradsys.settings.market import RankColumns, with_ranks


@pytest.mark.parametrize("future", [cut, noised])
@pytest.mark.parametrize("leak", [None, "universe", "strength", "market_mean"])
def test_columns_of_ranks_that_saw_the_future_are_caught(leak, future, monkeypatch):
    universe = OfTheWholeHistory(size=6) if leak == "universe" else UniverseSpec(size=6)
    if leak in ("strength", "market_mean"):
        whole = getattr(universe_ranks, leak)
        monkeypatch.setattr(universe_ranks, leak, lambda values: whole(values) - np.nanmean(values))
    frames = market().frames()
    listings = {"S00": Listing(None, None)}
    made = rank_columns(frames, HOUR_MS, universe, lookbacks=(72,), listings=listings, kinds=MOMENTUM)
    carried = {symbol: bars.with_columns(made[symbol]) for symbol, bars in frames.items()}
    closes = {symbol: ts_ms(bars) + HOUR_MS for symbol, bars in carried.items()}
    search = Search(np.unique(np.concatenate(list(closes.values()))), closes)
    at = 4_000 * HOUR_MS + int(ts_ms(market().bars).min())
    ranks = RankColumns(universe, listings, (72,), MOMENTUM)
    compare_rank_columns(search, Dataset(HOUR, carried, {}), ranks, at, future)
    seen = {(finding.part, finding.column) for finding in search.found.values()}
    assert search.n_values > 10_000
    assert bool(seen) == (leak is not None)
    if leak in ("strength", "market_mean"):
        assert seen == {("columns of ranks", f"rank_{leak.partition('_')[0]}_72")}


@pytest.mark.slow
def test_a_run_whose_columns_of_ranks_saw_the_future_is_refused(monkeypatch, tmp_path):
    whole = universe_ranks.strength
    monkeypatch.setattr(universe_ranks, "strength", lambda values: whole(values) - np.nanmean(values))
    bars = simulate_universe(6, 0.03, seed=1, n_bars=5_000)
    plain = Market(bars, HOUR, ("t",), tuple(split_symbols(bars)), (), fingerprint(bars), month_blocks(bars), False)
    features = {"names": ("returns", "relative_strength")}
    config = RunConfig(agent={"name": "logistic"}, folds={"n_folds": 2, "path_groups": 0}, features=features)
    ledger = Ledger(tmp_path / "journal" / "ledger.jsonl")
    with pytest.raises(LookaheadError, match="columns of ranks: rank_strength_"):
        run(with_ranks(plain, config), config, root=tmp_path / "runs", ledger=ledger)
