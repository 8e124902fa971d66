"""The example of docs/own-parts.md, run: verdict, ledger, look-ahead sample and bundle are those of our own parts."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import unloaded

from tradsys.bundle.bundle import read_bundle
from tradsys.cli.app import main
from tradsys.core.errors import BundleError, ConfigError, LookaheadError
from tradsys.data import load_market
from tradsys.data.simulate import simulate
from tradsys.journal.ledger import Ledger
from tradsys.predictor import Predictor
from tradsys.research.judging.rejudge import Replay
from tradsys.research.run import run
from tradsys.research.train import train_bundle
from tradsys.research.walk.experiment_spec import experiment_on
from tradsys.runs.tables import TRADES
from tradsys.settings.config import RunConfig

PAGE = Path(__file__).resolve().parents[2] / "docs" / "own-parts.md"
PYTHON, TOML = (
    re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), flags=re.M | re.S) for language in ("python", "toml")
)
(EXAMPLE, LABEL), (SETTINGS,) = PYTHON, TOML
QUICK = "\n[regimes]\nn_starts = 1\n\n[folds]\npath_groups = 0\ninitial = 0.3\nn_folds = 2\n"

LEAK = EXAMPLE.replace("np.roll(close, self.window) - close", "np.roll(close, -1) - close")

PEEKING_LABEL = LABEL.replace(".to_numpy()", ".shift(-1).to_numpy()")

FITTED = """
import json
from dataclasses import dataclass, replace
import numpy as np
from tradsys.models import register_agent, register_fitted
from tradsys.profiles import Profile, register_profile, register_rule

@register_fitted
@dataclass(frozen=True)
class Level:
    level: float
    kind, memory = "level", 0
    def logits(self, X):
        return np.where(np.isfinite(X).all(axis=1, keepdims=True), self.level, np.nan) * np.ones((1, 2))
    def to_files(self):
        return {"level.json": json.dumps(self.level).encode()}
    @classmethod
    def from_files(cls, files):
        return cls(json.loads(files["level.json"]))

class Constant:
    name, memory = "constant", 0
    def fit(self, panel, rows, *, seed):
        return Level(float(np.log(panel.stack_y(rows).mean())))

@register_agent("constant")
def constant(settings, plan):
    return Constant()

@register_rule
@dataclass(frozen=True)
class OnEvenHours:
    refusal = "odd hour"
    def admits(self, forecasts):
        return forecasts.start // 3_600_000 % 2 == 0

register_profile(Profile("EVEN", "every other hour", entry=OnEvenHours()))
"""


@pytest.fixture(scope="module")
def market_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("bars") / "EDGE-1h.parquet"
    simulate("edge:3", seed=5, n_bars=3_500).write_parquet(path)
    return path


@pytest.fixture
def market(market_file):
    return load_market([market_file])


def ran(market, root, config):
    return run(market, config, root=root / "runs", ledger=Ledger(root / "journal" / "ledger.jsonl"))


def test_the_page_s_example_is_run_judged_compared_and_refused_without_it(
    written_plugin, market_file, tmp_path, capsys
):
    written_plugin("my_features", EXAMPLE)
    (tmp_path / "tradsys.toml").write_text(SETTINGS + QUICK)
    assert main(["run", "--bars", str(market_file)]) == 0
    shown = capsys.readouterr()
    assert "PICKY is deployed, by tradsys.toml" in shown.out
    assert "mirrored" in shown.out
    (folder,) = (tmp_path / "runs").iterdir()
    manifest = json.loads((folder / "manifest.json").read_text())
    ((module, whole),) = manifest["plugins"].items()
    assert manifest["config"]["plugins"] == [f"{module}@{whole[:16]}"]
    assert manifest["deployed_profile"] == "PICKY"
    assert (folder / "report.html").is_file()
    assert read_bundle(folder / "bundle")[1]["plugins"] == manifest["plugins"]
    trials = Ledger(tmp_path / "journal" / "ledger.jsonl").entries("trial")
    assert "PICKY" in {one.content["profile"] for one in trials}

    again = Predictor.load(folder / "bundle")
    assert again.profile.name == "PICKY"
    assert "reversal_12" in again.features.columns

    for command in (["compare"], ["backtest"]):
        assert main(command) == 0
    unloaded("my_features")
    (tmp_path / "tradsys.toml").unlink()
    capsys.readouterr()
    for command in (["compare"], ["backtest"], ["journal", "promote"]):
        assert main(command) == 2
        assert f"need the plugin my_features (source {whole[:16]}), which is not loaded" in capsys.readouterr().err
    assert main(["backtest", "--plugin", "my_features.py"]) == 0


def test_a_bundle_says_what_it_needs_and_refuses_another_source(written_plugin, market, tmp_path):
    path = written_plugin("my_features", EXAMPLE)
    config = RunConfig(
        plugins=[str(path)],
        strategy_profile="PICKY",
        agent={"name": "logistic"},
        features={"names": ["returns", "reversal"]},
        regimes={"n_starts": 1},
        folds={"path_groups": 0, "initial": 0.3, "n_folds": 2},
    )
    stored = ran(market, tmp_path, config)
    bundle, first = stored.folder / "bundle", stored.manifest
    expected = Predictor.load(bundle).decide_many(market.bars.head(2_000))

    unloaded("my_features")
    with pytest.raises(BundleError, match=r'which is not loaded.*Predictor.load\(..., plugins=\["my_features"\]\)'):
        Predictor.load(bundle)
    assert Predictor.load(bundle, plugins=path).decide_many(market.bars.head(2_000)).equals(expected)

    unloaded("my_features")
    written_plugin("my_features", EXAMPLE + "\n# another version\n")
    with pytest.raises(BundleError, match=r"were made with the plugin my_features of source .* take that version"):
        Predictor.load(bundle, plugins=["my_features"])
    changed = ran(market, tmp_path, config.with_settings({"plugins": "my_features"})).manifest
    assert (changed.experiment != first.experiment, changed.run != first.run) == (True, True)


def test_an_own_model_and_an_own_rule_come_back_from_a_bundle(written_plugin, market, tmp_path):
    written_plugin("my_parts", FITTED)
    config = RunConfig(
        plugins=["my_parts"],
        strategy_profile="EVEN",
        agent={"name": "constant"},
        features={"names": ["returns"]},
        regimes={"n_starts": 1},
        folds={"path_groups": 0, "initial": 0.3, "n_folds": 2},
    )
    stored = ran(market, tmp_path, config)
    assert set(stored.manifest.plugins) == {"my_parts"}
    replayed = Replay(stored.folder)
    assert len(replayed.simulate(replayed.profile("even")).trades) > 0
    trained = train_bundle(market, experiment_on(market, config), tmp_path / "trained", Ledger(tmp_path / "l.jsonl"))
    predictor = Predictor.load(trained.bundle)
    assert type(predictor.profile.entry).__name__ == "OnEvenHours"
    assert np.isfinite(predictor.forecasters["constant"].level)


def test_a_feature_that_sees_the_future_ends_the_run(written_plugin, market, tmp_path):
    written_plugin("my_features", LEAK)
    config = RunConfig(
        plugins=["my_features"],
        agent={"name": "logistic"},
        features={"names": ["returns", "reversal"]},
        regimes={"n_starts": 1},
        folds={"path_groups": 0, "initial": 0.3, "n_folds": 2},
    )
    with pytest.raises(LookaheadError, match="reversal_12"):
        ran(market, tmp_path, config)


@pytest.mark.slow
def test_the_page_s_label_is_traded_judged_and_decided_by_and_its_bundle_asks_for_it(
    written_plugin, market_file, market, tmp_path, capsys
):
    written_plugin("my_labels", LABEL)
    quick = ("agent.name=logistic", "features.names=returns", "regimes.n_starts=1", "folds.path_groups=0")
    shares = ("folds.initial=0.3", "folds.n_folds=2")
    given = [
        word for pair in (*quick, *shares, "labels.rule=my_range", "labels.atr_period=9") for word in ("--set", pair)
    ]
    assert main(["run", "--bars", str(market_file), "--plugin", "my_labels", *given]) == 0
    shown = capsys.readouterr()
    assert "labels.atr_period" not in shown.err  # a rule of one's own may read it
    (folder,) = (tmp_path / "runs").iterdir()
    run_again = Replay(folder)
    manifest, metrics = run_again.manifest, run_again.metrics
    assert set(manifest.plugins) == {"my_labels"}
    assert manifest.config["labels"]["rule"] == "my_range"
    assert metrics.labels.unit == "times my_range"
    assert any("1.5 times my_range ahead" in one for one in metrics.assumptions)
    report = (folder / "report.html").read_text()
    assert "1.5 times my_range" in report
    assert "labels.rule" in report
    about = read_bundle(folder / "bundle")[1]
    assert (about["barrier_rule"], about["plugins"]) == ("my_range", dict(manifest.plugins))
    (finished,) = Ledger(tmp_path / "journal" / "ledger.jsonl").entries("run")
    assert finished.content["changed"]["labels.rule"] == "my_range"

    trades, name = run_again.table(TRADES), manifest.deployed_profile
    replayed = run_again.simulate(run_again.profile())
    assert replayed.trades["pnl_quote"].to_list() == trades.filter(profile=name)["pnl_quote"].to_list()
    predictor = Predictor.load(folder / "bundle")
    decided = predictor.decide_many(market.bars)
    spread = (market.bars["high"] - market.bars["low"]).rolling_median(48)
    np.testing.assert_array_equal(decided["stop_distance"][48:], 1.5 * spread[48:])

    unloaded("my_labels")
    with pytest.raises(BundleError, match=r'which is not loaded.*Predictor.load\(..., plugins=\["my_labels"\]\)'):
        Predictor.load(folder / "bundle")
    assert main(["compare"]) == 2
    assert "need the plugin my_labels" in capsys.readouterr().err
    assert main(["lookahead", "--bars", str(market_file), "--points", "2", "--plugin", "my_labels", *given]) == 0
    again = Predictor.load(folder / "bundle", plugins=["my_labels"])
    assert again.decide_many(market.bars).equals(decided)


def test_a_label_that_sees_the_future_ends_the_run(written_plugin, market, tmp_path):
    written_plugin("my_labels", PEEKING_LABEL)
    config = RunConfig(
        plugins=["my_labels"],
        labels={"rule": "my_range"},
        agent={"name": "logistic"},
        features={"names": ["returns"]},
        regimes={"n_starts": 1},
        folds={"path_groups": 0, "initial": 0.3, "n_folds": 2},
    )
    with pytest.raises(LookaheadError, match=r"barriers: pace by my_range of .* saw 1 bar ahead"):
        ran(market, tmp_path, config)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            EXAMPLE.replace("np.roll(", "np.rol("),
            r"the feature 'reversal' of the plugin my_features failed: my_features.py, line \d+ \(return masked.*\): "
            "AttributeError",
        ),
        (
            EXAMPLE.replace("return masked(", "return np.ravel(").replace(", self.lookback)", ")"),
            r"a column for each of its names, shape \(\d+, 1\), found \(\d+,\)",
        ),
        (
            EXAMPLE.replace(
                '    name = "mirrored"', '    name = "mirrored"\n    def fit(self, *a, seed):\n        return a[9]'
            ),
            r"the agent 'mirrored' of the plugin my_features failed: my_features.py, line \d+ \(return a\[9\]\): Index",
        ),
    ],
)
def test_an_own_part_that_fails_is_named_with_its_line(written_plugin, market, tmp_path, source, words):
    written_plugin("my_features", source)
    config = RunConfig(
        plugins=["my_features"],
        agent={"name": "mirrored"},
        features={"names": ["returns", "reversal"]},
        regimes={"n_starts": 1},
        folds={"path_groups": 0, "initial": 0.3, "n_folds": 2},
    )
    with pytest.raises(ConfigError, match=words):
        ran(market, tmp_path, config)
