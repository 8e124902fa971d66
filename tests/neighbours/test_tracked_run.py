"""What is told of a run: every setting, the ends of intervals, nothing undefined; no tracker is needed for it."""

import math

import pytest
from tests.runs.example import write_example

from tradsys.core.errors import ConfigError, MissingExtraError
from tradsys.neighbours import as_tracked
from tradsys.neighbours.mlflow_server import MlflowServer
from tradsys.research.judging.rejudge import Replay
from tradsys.runs.tables import EQUITY


@pytest.fixture(scope="module")
def told(finished):
    return as_tracked(Replay(finished[0].folder))


def test_numbers_come_with_the_ends_of_their_intervals(told, finished):
    sharpe = finished[0].metrics.profiles["EDGE"].metrics["sharpe"]
    assert [told.metrics[f"EDGE/sharpe{end}"] for end in ("", "_low", "_high")] == [
        sharpe.value,
        sharpe.low,
        sharpe.high,
    ]
    gain = next(one for one in finished[0].metrics.skill.forecasters if one.name == "logistic").over_base
    assert told.metrics["skill/logistic/gain_millinats_high"] == gain.high
    assert told.metrics["EDGE/n_trades"] == finished[0].verdict.profiles["EDGE"].n_trades


def test_what_is_undefined_is_left_out(told, finished):
    assert all(math.isfinite(value) for value in told.metrics.values())
    judged = finished[0].verdict.profiles
    assert {name for name in judged if f"{name}/p_skill" in told.metrics} == {
        name for name, one in judged.items() if one.p_skill is not None
    }
    assert "skill/base_rate/gain_millinats" not in told.metrics  # over itself


def test_every_setting_is_told_and_those_that_differ_by_name(told, finished):
    assert told.params["labels.horizon"] == str(finished[0].manifest.config["labels"]["horizon"])
    assert told.tags["changed"].split(", ") == ["folds.path_groups=4", "regimes.n_starts=2"]


def test_equity_is_told_at_the_end_of_each_day(told, finished):
    own = [one for one in told.equity if one.name == "SNIPER/equity"]
    table = finished[0].table(EQUITY).filter(profile="SNIPER")
    assert own[-1].value == table["equity"][-1]
    assert [one.step for one in own] == list(range(table["ts"].dt.date().n_unique()))


def test_verdicts_are_tags_and_the_note_has_their_sentences(told, finished):
    for name, judged in finished[0].verdict.profiles.items():
        assert told.tags[f"verdict.{name}"] == judged.standing
        assert judged.sentence in told.tags["mlflow.note.content"]


def test_a_folder_is_no_tracking_server(monkeypatch):
    monkeypatch.setattr("tradsys.neighbours.mlflow_server.absent", lambda names: [])
    for uri in ("./mlruns", "file:///tmp/mlruns"):
        with pytest.raises(ConfigError, match=r"takes no plain folders .* sqlite:///mlflow\.db"):
            MlflowServer.at(uri)


def test_it_says_what_to_install_where_mlflow_is_not():
    with pytest.raises(MissingExtraError, match=r"pip install 'tradsys\[mlflow\]', in an environment of its own"):
        MlflowServer.at("sqlite:///mlflow.db")


def test_a_run_that_ranked_is_told_too_without_a_bundle(tmp_path):
    told = as_tracked(Replay(write_example(tmp_path, kind="ranks")))
    assert told.bundle is None and told.tags["kind"] == "ranks" and told.equity == ()
    assert told.metrics["buy_and_hold/sharpe"] == 0.5 and "buy_and_hold/sqn" not in told.metrics
    assert [path.name for path in told.files] == ["verdict.json", "metrics.json", "manifest.json"]
