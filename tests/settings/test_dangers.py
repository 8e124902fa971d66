import json
import shutil
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from tradsys.core.costs import Costs
from tradsys.settings.dangers import dangers, volume_dangers

SAFE = {"taker_bps": 5.0, "maker_bps": 2.0, "slippage_bps": 1.0}


@pytest.mark.parametrize(
    ("costs", "sizes", "words"),
    [
        ({"maker_bps": -0.5}, {}, r"costs\.maker_bps is -0\.5: every such order is paid for"),
        ({"taker_bps": 0.0}, {}, r"costs\.taker_bps is 0: hardly any exchange"),
        ({"slippage_bps": 0.0}, {}, r"costs\.slippage_bps is 0: entries, stops and time exits"),
        ({}, {"fraction": 40.0}, r"one position is 40 times the equity"),
        ({}, {"cap": 4.0}, r"reach 4 times the equity, and a move of 25\.0% against them takes all of it"),
    ],
)
def test_each_danger_is_told_in_a_sentence(costs, sizes, words):
    (found,) = dangers(Costs(**SAFE | costs), **{"fraction": 1.0, "cap": 1.0} | sizes)
    import re

    assert re.search(words, found)


def test_ordinary_settings_are_none():
    assert dangers(Costs(**SAFE), fraction=None, cap=1.0) == []


def test_dangers_stand_in_metrics_report_and_summary(finished, tmp_path):
    from tradsys.cli.summary import summary
    from tradsys.report.page import page
    from tradsys.runs.stored import StoredRun

    assert finished[0].metrics.dangers == ()
    (told,) = dangers(Costs(slippage_bps=0.0), fraction=None, cap=1.0)
    folder = tmp_path / "flattered"
    shutil.copytree(finished[0].folder, folder)
    metrics = json.loads((folder / "metrics.json").read_text())
    (folder / "metrics.json").write_text(json.dumps({**metrics, "dangers": [told]}))
    run = StoredRun(folder)
    assert f"careful: {told}" in summary(run)
    assert told in page(run)


def test_the_slippage_that_was_charged_stands_in_report_and_summary(finished):
    from tradsys.cli.summary import summary
    from tradsys.report.page import page
    from tradsys.runs.slippage import charged_sentence, more_sentence

    run = finished[0]
    said = charged_sentence(run.metrics.slippage)
    assert said.startswith("slippage of a market order, estimated from the bars, is ")
    assert f"  {said}" in summary(run) and said in page(run)
    traded = {name: one.slippage for name, one in run.metrics.profiles.items() if one.metrics["total_trades"].value}
    assert traded
    for name, more in traded.items():
        assert f"  slippage of {name}: {more_sentence(more)}" in summary(run)
        assert f"{name}: {more_sentence(more)}" in page(run)


def bars(*volumes):
    opens = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(len(volumes))]
    return pl.DataFrame({"ts": opens, "volume": pl.Series(volumes, dtype=pl.Float64)})


def test_bars_that_do_not_tell_whether_anybody_traded_are_told_once():
    frames = {"A": bars(*[0.0] * 100), "B": bars(*[0.0] * 50, *[1.0] * 50), "C": bars(*[1.0] * 50, *[0.0] * 50)}
    (told,) = volume_dangers(frames)
    assert told.startswith("no volumes: those of A, B until 2024-01-03 are 0 or missing")


def test_volumes_that_are_there_are_no_danger_and_neither_is_a_listings_first_empty_hour():
    assert volume_dangers({"": bars(0.0, *[1.0] * 199), "B": bars(*[1.0, 0.0] * 100)}) == []
