"""Runs side by side: only what differs, and plainly on which data and days."""

import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from tests.report.conftest import write_run

from tradsys.runs.stored import StoredRun
from tradsys.web.runs.differing import common_equity, data_sentences, differing_settings, skill_rows


@pytest.fixture
def pair(tmp_path):
    return [StoredRun(write_run(tmp_path / name, 300)) for name in ("a", "b")]


def rewritten(run, file, **fields):
    path = run.folder / f"{file}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    return StoredRun(run.folder)


def equity(run, days, values):
    """The run with a profile's equity of two bars a day, the last of which are these values."""
    rows = [
        {"profile": "EDGE", "ts": datetime(2026, 1, day, hour, tzinfo=UTC), "equity": value - (hour == 1)}
        for day, value in zip(days, values, strict=True)
        for hour in (1, 23)
    ]
    schema = {"profile": pl.String, "ts": pl.Datetime("ms", "UTC"), "equity": pl.Float64}
    pl.DataFrame(rows, schema=schema).write_parquet(run.folder / "equity.parquet")
    return StoredRun(run.folder)


def test_only_settings_that_are_not_the_same_in_all_are_listed(pair):
    one = rewritten(
        pair[0], "manifest", config={"seed": 0, "labels": {"horizon": 24, "upper": 1.5}, "machine": {"n": 1}}
    )
    other = rewritten(
        pair[1], "manifest", config={"seed": 0, "labels": {"horizon": 12, "upper": 1.5}, "machine": {"n": 2}}
    )
    assert [(row.key, row.values) for row in differing_settings([one, other])] == [("labels.horizon", ("24", "12"))]


def test_a_setting_that_one_run_does_not_know_differs(pair):
    one = rewritten(pair[0], "manifest", config={"labels": {"horizon": 24}})
    other = rewritten(pair[1], "manifest", config={})
    assert ("labels.horizon", ("24", "not set")) in [(row.key, row.values) for row in differing_settings([one, other])]


def test_the_same_data_and_time_are_called_the_same(pair):
    same, tested = data_sentences(pair)
    assert "same data" in same and "not" not in same
    assert tested.startswith("All were tested from ")


def test_other_data_other_periods_and_other_counts_are_said(pair):
    other = rewritten(pair[1], "manifest", fingerprint="other")
    market = other.metrics.to_json()["market"] | {"tested_from": "2020-01-01", "tested_to": "2020-06-01"}
    other = rewritten(other, "metrics", market=market)
    other = rewritten(other, "verdict", n_trials=99)
    not_same, periods, trials = data_sentences([pair[0], other])
    assert not_same.startswith("They were not judged on the same data")
    assert "b: 1 Jan 2020 to 1 Jun 2020" in periods
    assert "and 99 trials counted" in trials


def test_equity_is_laid_side_by_side_on_common_days_from_one(pair):
    one, other = equity(pair[0], (1, 2, 3), (100, 110, 121)), equity(pair[1], (2, 3, 4), (50, 100, 25))
    common = common_equity([one, other], ["EDGE", "EDGE"])
    assert common.n_days == 2
    assert common.frame.filter(profile="a EDGE")["equity"].to_list() == pytest.approx([1.0, 1.1])
    assert common.frame.filter(profile="b EDGE")["equity"].to_list() == [1.0, 2.0]
    assert common.frame["ts"][1] - common.frame["ts"][0] == timedelta(days=1)


def test_without_two_days_in_common_there_is_no_picture(pair):
    runs = [equity(pair[0], (1, 2), (1, 2)), equity(pair[1], (2, 3), (1, 2))]
    assert common_equity(runs, ["EDGE", "EDGE"]) is None


def test_skill_has_an_interval_and_a_forecaster_that_is_missing_is_none(pair):
    skill = pair[1].metrics.to_json()["skill"]
    first, *_ = skill["forecasters"]
    other = rewritten(pair[1], "metrics", skill=skill | {"forecasters": [first]})
    rows = {row.forecaster: row.cells for row in skill_rows([pair[0], other])}
    assert len(rows) > 1
    for name, (own, theirs) in rows.items():
        assert " to " in own.interval
        assert (theirs is None) == (name != first["name"])
