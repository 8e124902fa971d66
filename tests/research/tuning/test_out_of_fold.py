"""What tuning sees of a market, and what it makes of a purged fold."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import polars as pl
import pytest
from tests.research.tuning.conftest import market_of, quick, span_of

from tradsys.core.time import interval_ms, ts_ms
from tradsys.research.tuning.evaluate import evaluator, fit_batches
from tradsys.research.tuning.objective import TrialScore, seed_score
from tradsys.research.tuning.out_of_fold import N_FOLDS, FailedFit, FoldFit, FoldFitter, first_training_part
from tradsys.research.walk.dataset import Dataset
from tradsys.research.walk.experiment_spec import experiment_from
from tradsys.research.walk.folds import walk_forward


def scored(part, config, measure="skill"):
    forecasts = FoldFitter(part).fit_each([FoldFit(config, k) for k in range(N_FOLDS)])
    return TrialScore.of([seed_score(forecasts, experiment_from(config), measure, span_of(part))])


def opens_first(market, config):
    """When the first outer test block of a run with these settings opens, ms."""
    spec = experiment_from(config)
    last = market.bars["ts"].max() - (market.bars["ts"].max() - market.bars["ts"].min()) * config.folds.lockbox
    data = Dataset.build(market.bars.filter(pl.col("ts") < last), market.interval, spec.barriers, spec.costs)
    return walk_forward(data, spec, spec.embargo(market.interval))[0].opens


@pytest.mark.parametrize("events", ["every", "cusum"])
def test_no_bar_of_any_outer_test_block_is_in_the_part_whatever_the_horizon(edge_market, events):
    base = quick(events=events, cusum_threshold=3.0)
    part = first_training_part(edge_market, base, 96)
    closes = int(ts_ms(part.bars)[-1]) + interval_ms(part.interval)
    opens = [opens_first(edge_market, base.with_settings({"labels.horizon": h})) for h in (2, 24, 96)]
    assert closes <= min(opens)
    assert closes > min(opens) - 24 * interval_ms(part.interval)  # and hardly a bar is given away


def test_scores_do_not_change_with_what_comes_after_the_part(edge_market, edge_part):
    """The strongest form: every later bar another one."""
    n = len(edge_part.bars)
    later = edge_market.bars[n:].with_columns(pl.col("open", "high", "low", "close") * 1.5)
    other = replace(edge_market, bars=pl.concat([edge_market.bars[:n], later]))
    config = quick()
    assert scored(first_training_part(other, config, 24), config) == scored(edge_part, config)


def test_no_training_label_touches_the_left_out_fold_or_its_embargo(edge_part):
    fitter, config = FoldFitter(edge_part), quick(horizon=12)
    for fold in range(N_FOLDS):
        job = fitter._job(FoldFit(config, fold))
        start, end = job.prepared.panel.start[0], job.prepared.panel.last_end()[0]
        train, test = job.train[0], job.test[0]
        embargo = 12 * interval_ms(edge_part.interval)
        inside = (end[train] > start[test].min()) & (start[train] < end[test].max() + embargo)
        assert not inside.any()
        assert not (train & test).any()


def test_folds_leave_out_every_label_once(edge_part):
    fitter = FoldFitter(edge_part)
    jobs = [fitter._job(FoldFit(quick(), k)) for k in range(N_FOLDS)]
    assert (np.sum([job.test[0] for job in jobs], axis=0) == jobs[0].prepared.rows[0]).all()


@pytest.mark.parametrize("measure", ["skill", "growth"])
def test_a_strong_edge_is_seen_and_a_deaf_model_scores_nothing(edge_part, measure):
    free = quick().with_settings({"costs.taker_bps": 0.0, "costs.maker_bps": 0.0})
    assert scored(edge_part, free, measure).mean > 1
    # what is left of it are the training rows' base rates: a drift that is bet on for nothing, or against it
    assert scored(edge_part, free.with_settings({"agent.penalty": 1e6}), measure).mean < 0.5


@pytest.mark.slow
def test_processes_say_what_one_process_says(edge_part):
    fits = [FoldFit(quick(horizon=h), k) for h in (6, 24) for k in (0, 3)]
    found = []
    for n_processes in (1, 2):
        with evaluator(edge_part, n_processes) as evaluate:
            found.append([one.logits for one in evaluate(fits)])
    assert all((a == b).all() for a, b in zip(*found, strict=True))


def test_what_cannot_be_fitted_says_why_and_stops_no_other(edge_part):
    impossible = quick().with_settings({"agent.name": "transformer", "agent.d_model": 30, "agent.n_heads": 4})
    bad, good = FoldFitter(edge_part).fit_each([FoldFit(impossible, 0), FoldFit(quick(), 0)])
    assert isinstance(bad, FailedFit)
    assert "n_heads" in bad.reason or "heads" in bad.reason
    assert not isinstance(good, FailedFit)


def test_too_little_history_says_how_much_there_is(tmp_path):
    part = first_training_part(market_of(tmp_path, "noise", seed=1, n_bars=400), quick(), 24)
    (failed,) = FoldFitter(part).fit_each([FoldFit(quick(), 0)])
    assert "tuning needs 300 label" in failed.reason


@pytest.mark.slow
def test_networks_of_one_shape_train_side_by_side_whatever_their_barriers(edge_part):
    pytest.importorskip("torch")
    small = {"d_model": 8, "n_layers": 1, "n_heads": 2, "window": 4, "max_steps": 20}
    base = quick().with_settings({"agent.name": "transformer", **{f"agent.{k}": v for k, v in small.items()}})
    fits = [
        FoldFit(base.with_settings({"labels.horizon": h, "agent.learning_rate": lr}), 1)
        for h, lr in ((6, 1e-3), (24, 5e-3))
    ]
    fits += [FoldFit(quick(), 1), FoldFit(base.with_settings({"agent.d_model": 16}), 1)]
    assert fit_batches(fits) == [[0, 1], [2], [3]]
    assert fit_batches(fits, 2) == [[0], [1], [2], [3]]
    with evaluator(edge_part, 1) as evaluate:
        together = evaluate(fits)
    for one, other in zip(together, FoldFitter(edge_part).fit_each(fits), strict=True):
        assert np.abs(one.logits - other.logits).max() < 1e-4


@pytest.mark.parametrize("name", ["ensemble", "all"])
def test_several_agents_at_once_are_not_tuned(edge_part, name):
    pytest.importorskip("torch")
    (failed,) = FoldFitter(edge_part).fit_each([FoldFit(quick().with_settings({"agent.name": name}), 0)])
    assert "leave agent.name out and the study chooses among all of them" in failed.reason


@pytest.mark.slow
@pytest.mark.parametrize(("measure", "fees"), [("skill", 0.0), ("growth", 0.0), ("growth", 5.0)])
def test_noise_prefers_no_barrier(tmp_path, measure, fees):
    """Over 16 markets without an edge: none is worth anything, and none leads another beyond three standard errors."""
    barriers = [(1.0, 4), (1.5, 24), (3.0, 6), (3.0, 48)]
    fixed = {"costs.taker_bps": fees, "costs.maker_bps": fees, "agent.penalty": 0.1}
    markets = [market_of(tmp_path, "noise", seed=s, n_bars=4_000) for s in range(16)]
    configs = [quick(upper=width, lower=width, horizon=h).with_settings(fixed) for width, h in barriers]
    found = np.array([[scored(first_training_part(m, quick(), 48), c, measure).mean for c in configs] for m in markets])
    assert (found.mean(axis=0) < 2 * found.std(axis=0, ddof=1) / 4).all()
    for a, b in combinations(range(len(barriers)), 2):
        lead = found[:, a] - found[:, b]
        assert abs(lead.mean()) < 3 * lead.std(ddof=1) / 4
