"""`/calibration`: each rate with its interval and n, those of this version and those measured here."""

import json
import shutil

from tradsys.verdict.error_rates import measured_error_rates
from tradsys.web.rates import RateMark, rate_table


def test_every_published_rate_stands_with_interval_and_n(visited):
    page = visited.guest().get("/calibration").text
    for summary in measured_error_rates().values():
        for name, cell in summary["cells"].items():
            rates = cell["own_proven"] if "formula" in cell else cell["proven"]
            assert f"<code>{name}</code>" in page
            assert all(f"n = {rate['n']}" in page for rate in rates.values())
    assert "tradsys calibrate" in page


def test_a_mark_lies_where_its_numbers_say():
    mark = RateMark.of({"k": 1, "n": 4, "low": 0.1, "high": 0.5})
    assert (mark.low, mark.point, mark.high) == (10.0, 25.0, 50.0)
    assert (mark.share, mark.interval) == ("25.0%", "[10.0%, 50.0%]")
    assert RateMark.of({"k": 0, "n": 0, "low": 0.0, "high": 1.0}) is None and RateMark.of(None) is None


def test_a_rate_that_its_n_cannot_show_does_not_hold():
    cells = measured_error_rates()["fast"]["cells"]
    table = rate_table({**measured_error_rates()["fast"], "cells": {**cells, "noise": _few(cells["noise"])}})
    (row,) = [one for one in table.without if one.market == "noise"]
    assert (row.standing, row.tone) == ("n too small to say", "careful")


def _few(cell):
    return {**cell, "standing": dict.fromkeys(cell["standing"], "n too small to say")}


def test_results_of_this_machine_come_first_and_broken_ones_are_said(visited, repository):
    folder = visited.site.calibration
    folder.mkdir()
    lines = (repository / "measurements" / "calibration" / "fast.jsonl").read_text().splitlines(keepends=True)
    (folder / "fast.jsonl").write_text("".join(lines[:56]))
    (folder / "full.jsonl").write_text(json.dumps({"cell": "<script>"}) + "\n")
    page = visited.guest().get("/calibration").text
    assert page.index("Fast: 56 markets") < page.index(f"Fast: {measured_error_rates()['fast']['n_markets']:,} markets")
    assert "full.jsonl cannot be read" in page and "<script>" not in page.split("</head>")[1].split("</footer>")[0]
    shutil.rmtree(folder)
    assert "Fast: 56 markets" not in visited.guest().get("/calibration").text
