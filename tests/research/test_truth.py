"""The whole flow with its default settings, on markets whose truth is known."""

import pytest

from tradsys.data import load_market
from tradsys.journal.ledger import Ledger
from tradsys.research.run import run
from tradsys.settings.config import RunConfig

pytestmark = pytest.mark.slow


def default_run(bars, folder, **settings):
    """One run of five hourly years (or of a file) with nothing set but what is given, but for paths, of no verdict."""
    config = RunConfig(**settings).with_settings({"folds.path_groups": 0})
    return run(load_market([bars]), config, root=folder / "runs", ledger=Ledger(folder / "ledger.jsonl"))


def verdicts(finished):
    return {name: profile.verdict for name, profile in finished.verdict.profiles.items()}


@pytest.mark.parametrize("recipe", ["noise", "sv-martingale", "bull", "edge:0"])
def test_nothing_is_proven_where_there_is_no_edge_after_costs(recipe, tmp_path):
    assert "proven" not in verdicts(default_run(f"simulated:{recipe}", tmp_path)).values()


def test_a_true_edge_is_proven(tmp_path):
    finished = default_run("simulated:edge:3", tmp_path)
    assert set(verdicts(finished).values()) == {"proven"}
    assert finished.verdict.n_trials == 4


def test_foreseeable_volatility_is_skill_over_the_base_rate_and_none_over_volatility(tmp_path):
    finished = default_run("simulated:sv-martingale", tmp_path, labels={"horizon": 6})
    (decider,) = (row for row in finished.metrics.skill.forecasters if row.name == "decision maker")
    assert decider.over_base.value > 10
    assert decider.over_base.low > 0
    assert decider.over_volatility.low < 0 < decider.over_volatility.high
    assert "proven" not in verdicts(finished).values()


@pytest.mark.needs_data
def test_nothing_is_proven_on_the_bars_the_defaults_were_chosen_on(development_data, tmp_path):
    finished = default_run(development_data / "market" / "BTCUSDT-1h-binancefut.parquet", tmp_path)
    assert "proven" not in verdicts(finished).values()
    assert finished.verdict.n_trials > 300
    assert "in-sample at the level of design" in finished.metrics.assumptions[0]
