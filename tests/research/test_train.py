"""Training says who decides in the bundle, and why a network is not in it."""

import pytest

from tradsys.cli.train import _text
from tradsys.journal.ledger import Ledger
from tradsys.research.train import train_bundle
from tradsys.research.walk.experiment_spec import experiment_on


def test_a_bundle_without_the_network_that_was_asked_for_says_so_and_why(small_market, quick_config, tmp_path):
    pytest.importorskip("torch")
    toy = {"d_model": 8, "n_layers": 1, "n_heads": 1, "window": 8, "max_steps": 1, "learning_rate": 1e-9}
    few = {"folds.n_folds": 2, "labels.horizon": 12, "strategy_profile": "EDGE"}
    settings = few | {f"agent.{name}": value for name, value in (toy | {"name": "transformer"}).items()}
    config = quick_config.with_settings(settings)
    spec = experiment_on(small_market, config)
    trained = train_bundle(small_market, spec, tmp_path, Ledger(tmp_path / "ledger.jsonl"))
    assert (trained.has_network, trained.profile) == (False, "EDGE")
    assert "no network is kept: it saved " in trained.training
    skill = {"over_base": {"value": 1.0, "low": None, "high": None, "n": 9}}
    shown = _text({name: getattr(trained, name) for name in trained.__dataclass_fields__} | {"skill": skill})
    assert "EDGE is deployed; the bundle holds no network: what decides as transformer is the linear model" in shown
