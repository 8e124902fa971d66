"""Trials on a run's test blocks count, by time and by symbol; what only trained does not."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tradsys.core.time import DAY_MS, HOUR_MS
from tradsys.data import load_market
from tradsys.data import market as market_module
from tradsys.data.fingerprint import month_blocks
from tradsys.data.simulate import simulate
from tradsys.journal.ledger import Ledger
from tradsys.journal.trial import TrialSeries
from tradsys.research.judging.trials import judged_data, open_lockbox, record_and_judge
from tradsys.research.ranking.market_neutral import market_neutral_from
from tradsys.research.walk.metrics import design_notes
from tradsys.settings.config import RunConfig


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    """LATE begins in the fifth month of EARLY."""
    folder = tmp_path_factory.mktemp("two")
    early, late = simulate("noise", seed=1, n_bars=24 * 240), simulate("noise", seed=2, n_bars=24 * 240)
    early.write_parquet(folder / "EARLY-1h.parquet")
    late.filter(pl.col("ts") >= early["ts"][24 * 120]).write_parquet(folder / "LATE-1h.parquet")
    return load_market([folder / "EARLY-1h.parquet", folder / "LATE-1h.parquet"])


@pytest.fixture
def spec():
    return market_neutral_from(RunConfig().with_settings({"verdict.n_bootstrap": 99}))


def first_open(market):
    return int(market.bars["ts"].dt.epoch("ms").min())


def record_of(market, days, seed=0):
    """A record of random days and no positions, tested from one day of the market to another."""
    opens = first_open(market) + days[0] * DAY_MS
    grid = np.arange(opens, opens + (days[1] - days[0]) * DAY_MS, HOUR_MS)
    daily = np.random.default_rng(seed).normal(0, 0.01, days[1] - days[0])
    flat = np.zeros((2, len(grid)), np.float32)
    number = grid[::24] // DAY_MS
    return [TrialSeries("RANKS", number, daily, grid, flat, flat + 1.0, market.symbols, 0)]


def judge(market, spec, ledger, days, seed):
    ledger.keep_paths(market.paths)
    own = record_of(market, days, seed)
    return record_and_judge(own, market, spec, ledger, guard_bars=24, code="c").judgement.n_trials


@pytest.mark.parametrize(("days", "n"), [((60, 120), 2), ((119, 180), 2), ((120, 180), 1), ((0, 60), 1)])
def test_only_what_was_tested_on_the_same_days_counts(days, n, market, spec, tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    assert judge(market, spec, ledger, (60, 120), seed=1) == 1
    assert judge(market, spec, ledger, days, seed=2) == n


def test_a_symbol_that_only_trained_or_was_not_there_yet_shares_nothing(market, spec, tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    path = tmp_path / "LATE-1h.parquet"
    market.frames()["LATE"].write_parquet(path)
    alone = load_market([path])
    before, after = (judged_data(market, first_open(market) + a * DAY_MS, alone.closes) for a in (30, 130))
    until = replace(before, blocks=judged_data(market, before.opens, before.opens + 60 * DAY_MS).blocks)
    mine = judged_data(alone, first_open(market), alone.closes)
    assert not ledger.share_judged(mine, until)
    assert ledger.share_judged(mine, after)


@pytest.mark.parametrize(("days", "looks"), [((30, 60), 352), ((95, 180), 0)])
def test_looks_that_chose_the_defaults_count_where_they_saw_the_test_blocks(days, looks, market, monkeypatch):
    first = first_open(market)
    seen = month_blocks(market.bars, opens=first, closes=first + 60 * DAY_MS)
    monkeypatch.setattr(market_module, "development_blocks", lambda: frozenset(seen))
    known = replace(market, is_development=True)
    span = tuple(first + day * DAY_MS for day in days)
    assert known.n_design_looks(*span) == looks
    (note,) = design_notes(known, span)
    assert ("in-sample at the level of design" in note) == bool(looks)
    assert ("nobody had looked at the test blocks" in note) == (not looks)
    assert design_notes(market, span) == []


def test_a_lockbox_counts_the_trials_that_were_tested_in_it_and_no_others(market, spec, tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for n, days in enumerate(((60, 120), (100, 220), (190, 230))):
        judge(market, spec, ledger, days, seed=n)
    ledger.append({"kind": "trial", "blocks": market.blocks})  # of before trials said their span
    opens, asked = first_open(market) + 200 * DAY_MS, []

    def judged_with(own, *, n_counted, **_):
        asked.append(n_counted)
        raise InterruptedError

    with pytest.MonkeyPatch.context() as patch, pytest.raises(InterruptedError):
        patch.setattr("tradsys.research.judging.trials.judge", judged_with)
        patch.setattr("tradsys.research.judging.trials.trial_series", lambda _: record_of(market, (200, 240)))
        patch.setattr("tradsys.research.judging.trials.ruin_causes", lambda _: {})
        open_lockbox(market, spec, dict, ledger, opens=opens, guard_bars=24, code="c")
    assert asked == [2]
    assert (
        judge(market, spec, ledger, (150, 200), seed=9) == 4
    )  # itself, both that reach in, the old one; not the opening
