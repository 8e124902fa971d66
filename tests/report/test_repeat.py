"""tests `report/repeat.py`"""

import shlex

import pytest
from tests.report.conftest import changed

from tradsys.cli.loading import overrides
from tradsys.report.repeat import changed_settings, repetition
from tradsys.settings.config import RunConfig


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"labels.horizon": 6, "costs.slippage_bps": 1.5},
        {"features.names": ["returns", "average_distance"], "portfolio.sides": ["long"]},
        {"agent.name": "logistic", "agent.penalty": 0.5, "universe.listings": '"a, b.csv"'},
        {"strategy_profile": "EDGE", "portfolio.fraction": 0.25},
    ],
)
def test_the_command_line_reads_back_what_the_run_was_made_with(settings):
    config = RunConfig().with_settings(settings)
    said, unknown = changed_settings(config.model_dump(mode="json"))
    assert unknown == ()
    assert RunConfig.load(overrides=overrides([f"{key}={value}" for key, value in said.items()], {})) == config


def test_the_command_names_data_seed_and_what_differs(run):
    told = changed(
        run,
        manifest={"seed": 7, "config": RunConfig().with_settings({"labels.horizon": 6}).model_dump(mode="json")},
        metrics={"market": run.metrics.to_json()["market"] | {"sources": ["my bars.csv", "simulated:edge:3"]}},
    )
    words = shlex.split(repetition(told).text.replace("\\\n", ""))
    assert words[:2] == ["tradsys", "run"]
    assert words[2:] == [
        *("--bars", "my bars.csv", "--bars", "simulated:edge:3", "--seed", "7", "--set", "labels.horizon=6"),
    ]


def test_settings_by_their_earlier_names_are_said_by_the_new_and_unknown_ones_are_named():
    said, unknown = changed_settings({"flow": {"sources": ["binance"]}, "gone": {"key": 1}})
    assert said == {"positions.sources": '["binance"]'}
    assert unknown == ("gone.key",)
