"""The journal's claims, run again on a small market with toy networks."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from tradsys.cli.app import main
from tradsys.core.errors import ConfigError, NotEnoughBars
from tradsys.data.market import load_market
from tradsys.journal.ledger import Ledger
from tradsys.research.claims import page
from tradsys.research.claims.cache import ResultCache
from tradsys.research.claims.claims import _seed_margin, loss_difference
from tradsys.research.claims.run import run_claims
from tradsys.research.claims.variants import BCE, CONTROL, FOCAL, FOCAL_RAW, SUPCON, journal_agents, quick_agents
from tradsys.settings.config import RunConfig
from tradsys.verdict.skill import Overlap

HOUR_MS = 3_600_000


def overlap(n):
    return Overlap(np.arange(n) * HOUR_MS, HOUR_MS, 6)


def losses(n_seeds, level, seed, spread=0.0, n=3000):
    rng = np.random.default_rng(seed)
    return level + 0.1 * rng.normal(size=n) + spread * rng.normal(size=(n_seeds, 1))


def test_a_claim_holds_only_where_its_interval_lies_above_zero():
    worse = losses(4, 0.70, 0)
    assert loss_difference(worse - 0.02, worse, overlap(3000)).standing == "holds"
    assert loss_difference(worse + 0.02, worse, overlap(3000)).standing == "does not hold"
    other = losses(4, 0.70, 1)
    assert loss_difference(other, worse, overlap(3000)).standing == "not shown"


def test_seeds_that_disagree_widen_the_interval_and_one_seed_has_none():
    worse = losses(5, 0.70, 0)
    agreed = loss_difference(worse - 0.02 + 0.001 * np.arange(5)[:, None], worse, overlap(3000))
    torn = loss_difference(losses(5, 0.68, 2, spread=0.05), worse, overlap(3000))
    assert agreed.standing == "holds"
    assert torn.high - torn.low > 3 * (agreed.high - agreed.low)
    assert torn.standing == "not shown"
    alone = loss_difference(worse[:1] - 0.02, worse, overlap(3000))
    assert alone.low is None
    assert alone.standing == "not shown"
    assert loss_difference(worse - 0.02, worse[:1], overlap(3000), fixed=(False, True)).standing == "holds"
    assert (agreed.n_ahead, agreed.n_paired) == (5, 5)


def test_a_stored_piece_of_work_comes_back_with_its_facts_and_belongs_to_its_identity(tmp_path):
    cache = ResultCache.of(tmp_path, "market", "settings")
    values = np.random.default_rng(0).normal(size=(5, 2))
    assert not cache.has("golden, focal", 1, 0)
    cache.put({"golden, focal": values}, {"training": "all 20 steps done"}, "golden, focal", 1, 0)
    arrays, facts = cache.get("golden, focal", 1, 0)
    assert arrays["golden, focal"].tobytes() == values.tobytes()
    assert facts == {"training": "all 20 steps done"}
    assert not ResultCache.of(tmp_path, "market", "other settings").has("golden, focal", 1, 0)


def test_variants_are_the_journals_networks_on_their_own():
    agents = journal_agents()
    assert [agent.objective for agent in agents.values()] == ["bce", "focal", "supcon", "focal", "focal", "focal"]
    assert agents[SUPCON].agent == agents[BCE] == replace(agents[FOCAL], objective="bce", focal_alpha=None)
    assert quick_agents().keys() == agents.keys()


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """One call with a seed, then one with two: what the first computed is not computed again."""
    root = tmp_path_factory.mktemp("claims")
    market = load_market(["simulated:edge:3"], seed=1)
    bars = market.bars.head(9_000)
    market = replace(market, bars=bars)
    config = RunConfig.load(overrides={"folds.n_folds": 2, "folds.initial": 0.4, "labels.horizon": 6})
    ledger = Ledger(root / "journal" / "ledger.jsonl")
    progress = []
    options = {"root": root / "claims", "ledger": ledger, "is_quick": True}
    options["progress"] = lambda what, done, total: progress.append((what, total))
    agents = {name: agent for name, agent in quick_agents().items() if name in (BCE, FOCAL, SUPCON)}
    first = run_claims(market, config, agents, seeds=1, **options)
    n_first = len(progress)
    second = run_claims(market, config, agents, seeds=2, **options)
    return first, second, progress[n_first:], ledger, market, config, agents, options


def test_a_second_call_goes_on_where_the_first_was(done):
    first, second, progress, *_ = done
    assert {row["name"]: row["n_seeds"] for row in first["forecasts"]["table"]}[FOCAL] == 1
    assert {row["name"]: row["n_seeds"] for row in second["forecasts"]["table"]}[FOCAL] == 2
    assert [what for what, _ in progress if "references" in what] == []
    assert sum("fold" in what for what, _ in progress) == 6  # three variants on two folds, the new seed alone


def test_contrast_is_shown_beside_its_control_and_its_trivial_loss(done):
    _, second, *_ = done
    names = [row["name"] for row in second["forecasts"]["table"]]
    assert {SUPCON, CONTROL, FOCAL_RAW, "logistic"} <= set(names)
    assert any(c["better"] == SUPCON and c["worse"] == CONTROL for c in second["forecasts"]["claims"])
    record = second["forecasts"]["training"][SUPCON]["record"]
    assert record["trivial_loss"] > 4
    assert second["forecasts"]["training"][FOCAL]["record"]["zero_information_loss"] < 0.1
    text = page.render(second)
    assert "embeddings that are all alike" in text
    assert "quick run with toy networks" in text


def test_the_linear_model_beats_toy_networks_where_the_edge_is_linear(done):
    _, second, *_ = done
    (claim,) = [c for c in second["forecasts"]["claims"] if c["worse"] == "logistic"]
    assert claim["standing"] == "does not hold"
    assert second["forecasts"]["confidence_set"]["inside"] == ["logistic"]
    assert "does not hold" in page.sentence(claim, "millinats")


def test_simulated_profiles_are_trials_and_so_are_the_forecasters_whose_scores_were_shown(done):
    *_, ledger, market, config, agents, options = done
    counted = ledger.trials_on(market.blocks)
    trials = [e for e in counted if e.kind == "trial"]
    assert {e.content["profile"] for e in trials} == {"SNIPER", "AUDITED", "RECKLESS", "EDGE"}
    assert {e.content["seed"] for e in trials} == {0, 1}
    scored = [(e.content["agent"], e.content["seed"]) for e in counted if e.kind == "scored"]
    assert sorted(scored) == sorted((name, seed) for name in {*agents, CONTROL, FOCAL_RAW} for seed in (0, 1))
    assert all(e.content["judged"]["opens"] > 0 for e in counted)
    assert [e.kind for e in ledger.entries("comparison")] == ["comparison"] * 2
    n = len(ledger.entries())
    run_claims(market, config, agents, seeds=2, **options)
    assert len(ledger.entries()) == n


def test_a_page_needs_the_source_tree(done, tmp_path):
    _, second, *_ = done
    with pytest.raises(ConfigError, match="found no docs below"):
        page.publish(second, tmp_path, today=date(2026, 1, 2))
    (tmp_path / "docs").mkdir()
    written = page.publish(second, tmp_path, today=date(2026, 1, 2)).read_text()
    assert written.startswith("# The journal's claims, run again")
    assert "2026-01-02" in written
    assert "there was time for fewer" not in written
    short = {**second, "about": {**second["about"], "n_seeds": 10}}
    assert "Asked for 10 seeds each; there was time for fewer of `bce` 2, `focal` 2" in page.render(short)
    assert str(tmp_path) not in written


def test_no_time_at_all_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    options = ["--bars", "simulated:noise", "--quick", "--minutes", "0", "--seeds", "1", "--folds", "2"]
    assert main(["compare", "--objectives", *options]) == 1
    assert "no variant has been fitted on every fold yet; give it more time" in capsys.readouterr().err


def test_json_is_one_object(monkeypatch, capsys, tmp_path):
    from tradsys.research.claims import run

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "run_claims", lambda *a, **k: {"seeds": k["seeds"], "quick": k["is_quick"]})
    assert main(["compare", "--objectives", "--json", "--bars", "simulated:noise", "--seeds", "3"]) == 0
    assert json.loads(capsys.readouterr().out) == {"seeds": 3, "quick": False}


def test_students_interval_is_that_of_the_means_over_seeds():
    margin = _seed_margin([np.array([1.0, 2.0, 3.0])])
    assert margin == pytest.approx(4.302653 / np.sqrt(3), rel=1e-6)


def test_a_short_history_is_refused_with_settings_that_work_before_anything_is_fitted(tmp_path, monkeypatch):
    market = load_market(["simulated:noise"], seed=1)
    market = replace(market, bars=market.bars.head(3_000))
    monkeypatch.setattr("tradsys.research.claims.fits.fit_models", None)
    ledger = Ledger(tmp_path / "ledger.jsonl")
    with pytest.raises(NotEnoughBars, match=r"bars kept apart .*; these work: --set folds\.initial=\d"):
        run_claims(market, RunConfig(), quick_agents(), root=tmp_path, ledger=ledger, seeds=1, is_quick=True)
