"""What sees the future is found and named, whatever it is; what does not is left in peace."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.research.leaky import HONEST, LEAKS, deciding_network, quick_experiment, without_purge
from tests.research.markets import bent_market, jumping_market, market_of, two_markets

from tradsys.core.bars import validate_bars
from tradsys.core.errors import LookaheadError
from tradsys.core.time import to_ms
from tradsys.data.simulate import simulate
from tradsys.data.simulate.market import HOUR
from tradsys.journal.ledger import Ledger
from tradsys.research.lookahead.findings import Leak, Lookahead, refuse
from tradsys.research.lookahead.lookahead import SAMPLE_POINTS, look_ahead, look_ahead_sample
from tradsys.research.lookahead.without_future import cut, mirrored, noised
from tradsys.research.run import run
from tradsys.research.walk import experiment
from tradsys.research.walk.experiment import run_experiment
from tradsys.research.walk.experiment_spec import experiment_from
from tradsys.settings.config import RunConfig


def outcome_of(leak, seed, monkeypatch):
    if leak.patch:
        monkeypatch.setattr(*leak.patch)
    spec = quick_experiment(seed=seed, **leak.spec(seed))
    return run_experiment(leak.market(seed), spec), spec


def of_leak(leak, looked):
    return [f for f in looked.findings if f.part.startswith(leak.part) and f.column.startswith(leak.column)]


@pytest.mark.parametrize("leak", LEAKS, ids=str)
def test_every_leak_is_found_with_its_column_and_how_far_it_saw(leak, monkeypatch):
    looked = look_ahead(*outcome_of(leak, 1, monkeypatch), n_points=2)
    (first, *_) = of_leak(leak, looked)
    least, most = leak.ahead
    assert least <= first.bars_ahead <= most


@pytest.mark.parametrize("leak", [leak for leak in LEAKS if leak.in_every_run], ids=str)
def test_the_sample_inside_every_run_finds_it_too_and_refuses(leak, monkeypatch):
    looked = look_ahead_sample(*outcome_of(leak, 3, monkeypatch))
    assert any(finding.part.startswith(leak.part) for finding in looked.findings)
    with pytest.raises(LookaheadError, match=r"may only use what was known at the time, found \d+ that saw later bars"):
        refuse(looked)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 12))
@pytest.mark.parametrize("leak", LEAKS, ids=str)
def test_no_leak_slips_through_on_more_markets(leak, seed, monkeypatch):
    looked = look_ahead(*outcome_of(leak, seed, monkeypatch), n_points=3)
    assert looked.findings


@pytest.mark.parametrize("specs", HONEST.values(), ids=HONEST)
@pytest.mark.parametrize("recipe", ["noise", "edge:3"])
def test_honest_parts_are_left_in_peace(specs, recipe):
    spec = quick_experiment(**specs(4))
    outcome = run_experiment(market_of(recipe, 4), spec)
    assert look_ahead(outcome, spec, n_points=4).findings == ()
    assert look_ahead_sample(outcome, spec).findings == ()


def test_a_network_that_decides_is_left_in_peace(monkeypatch):
    monkeypatch.setattr("tradsys.research.walk.deciding.convincing_challenger", lambda _: "transformer")
    spec = quick_experiment(**deciding_network())
    outcome = run_experiment(market_of("noise", 9), spec)
    assert all(result.fitted["transformer"].network for result in outcome.results)
    assert look_ahead(outcome, spec, n_points=4).findings == ()


@pytest.mark.parametrize("market", [two_markets, jumping_market, bent_market])
def test_holes_late_listings_and_jumps_are_no_leaks(market):
    spec = quick_experiment()
    assert look_ahead(run_experiment(market(5), spec), spec, n_points=6).findings == ()


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["edge:3", "sv-martingale"])
def test_the_default_parts_and_a_network_are_left_in_peace(recipe):
    spec = experiment_from(RunConfig(agent={"max_steps": 40}, regimes={"n_starts": 2}))
    looked = look_ahead(run_experiment(market_of(recipe, 6, n_bars=5_000), spec), spec, n_points=6)
    assert looked.findings == ()
    assert looked.n_values > 500_000


def test_every_run_writes_what_it_looked_at_and_nothing_of_the_clock(finished):
    looked = json.loads((finished[0].folder / "metrics.json").read_text())["lookahead"]
    assert looked["findings"] == []
    assert looked["n_points"] == SAMPLE_POINTS
    assert looked["n_values"] > 100_000


def test_a_run_that_saw_the_future_leaves_no_verdict_and_no_trial(tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, "walk_forward", without_purge)
    monkeypatch.setattr("tradsys.research.procedures.experiment.experiment_on", lambda *_: quick_experiment())
    ledger = Ledger(tmp_path / "ledger.jsonl")
    with pytest.raises(LookaheadError, match="training rows: labels of fold 2 of X saw 6 bars ahead"):
        run(market_of("noise", 8), RunConfig(), root=tmp_path / "runs", ledger=ledger)
    assert ledger.entries() == []
    assert not list(tmp_path.glob("runs/*/verdict.json"))


def test_the_same_run_looks_at_the_same_points():
    spec = quick_experiment()
    outcome = run_experiment(market_of("noise", 7), spec)
    assert look_ahead_sample(outcome, spec) == look_ahead_sample(outcome, spec)
    assert look_ahead_sample(outcome, replace(spec, seed=1)).n_values != look_ahead_sample(outcome, spec).n_values


def test_a_sentence_says_what_where_and_how_far():
    finding = Leak("features", "bfill", "BTC", 1_234, 1_551_398_400_000, 3)
    assert finding.sentence == "features: bfill of BTC saw 3 bars ahead, first in row 1,234 (2019-03-01 00:00)"
    assert Lookahead(2, 10, (finding,)).to_dict()["findings"][0]["start"] == "2019-03-01 00:00"


def test_a_time_cuts_off_what_had_not_closed():
    bars = simulate("noise", n_bars=50)
    assert cut(bars, HOUR, to_ms(bars["ts"][30])).equals(bars[:30])
    assert cut(bars, HOUR, to_ms(bars["ts"][30]) + 1).equals(bars[:30])
    assert len(cut(bars, HOUR, to_ms(bars["ts"][49]) + 3_600_000)) == 50


def test_noise_keeps_the_past_and_the_times_and_makes_other_bars_of_the_rest():
    bars = simulate("noise", n_bars=400)
    other = noised(bars, HOUR, to_ms(bars["ts"][300]))
    assert other[:300].equals(bars[:300])
    assert other["ts"].equals(bars["ts"])
    assert (other["close"][300:] != bars["close"][300:]).all()
    validate_bars(other)
    assert np.log(other["close"]).diff()[300:].abs().max() <= np.log(bars["close"]).diff()[:300].abs().max() + 1e-12
    assert noised(bars, HOUR, to_ms(bars["ts"][300])).equals(other)


def test_the_opposite_future_falls_as_far_as_it_rose():
    bars = simulate("noise", n_bars=400)
    other = mirrored(bars, HOUR, to_ms(bars["ts"][300]))
    assert other[:300].equals(bars[:300])
    validate_bars(other)
    steps, opposite = np.log(bars["close"]).diff()[300:], np.log(other["close"]).diff()[300:]
    np.testing.assert_allclose(opposite, -steps, rtol=0, atol=1e-12)
