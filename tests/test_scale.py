"""The page on scale has the numbers of its benchmark, and the benchmark the rates of the code."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from tradsys.cli import expected, loading
from tradsys.research import run

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def scale():
    spec = spec_from_file_location("bench_scale", ROOT / "benchmarks" / "bench_scale.py")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_the_page_has_what_the_benchmark_prints(scale, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["bench_scale.py"])
    scale.main()
    assert capsys.readouterr().out in (ROOT / "docs" / "scale.md").read_text()


def test_rates_are_those_of_the_code_and_pages_that_they_name(scale):
    rates = scale.Rates()
    assert rates.memory.value == loading._ROW
    assert rates.base.value == loading.RESEARCH_BYTES + loading._COMPILING
    assert rates.start.value == expected._START_S
    assert rates.written.value == run._ROW
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    assert "2.63 M stored bars loaded | .15 s by the clock (.29 with both cores busy), .21 of processors" in page
    assert rates.read.value == round(0.21 / 2.63, 2)
    assert "reading once what must be read, 71 MB" in page
    assert rates.stored.value == round(71 / 2.63)
    assert f"compared, whether they are one market | {1e3 * rates.market.value:.0f} ms" in page


def test_an_hour_of_work_is_counted_by_hand(scale):
    rate = scale.Rate(0.0, "", "", "")
    second_a_row = scale.Rate(1e6, "", "", "")
    rates = scale.Rates(*[rate] * 2, second_a_row, rate, rate, rate, scale.Rate(1e9, "", "", ""), rate, rate, rate)
    # 100 bars a year, 31 weeks tested in folds that train on 20 to 80 bars, 50 on average
    job = scale.Job(n_symbols=12, bars_a_year=100, years=1, n_splits=0)
    assert (job.n_bars, job.n_folds) == (100, 31)
    assert job.rows_walked == 31 * 50
    one = scale.Symbol.of(job, rates)
    assert one.hours == pytest.approx(31 * 50 / 3600)
    fleet = scale.Fleet.of(3, job, scale.Machine(cores=8, memory_gb=2.5), rates)
    assert fleet.at_once == 2
    assert fleet.memory == pytest.approx(2 * one.hours)  # four symbols a machine, two at once
    assert fleet.cores == pytest.approx(one.hours)
    assert fleet.bottleneck == "memory"


@pytest.mark.parametrize(
    ("changed", "bottleneck"),
    [
        ({}, "memory"),
        ({"memory_gb": 10_000.0}, "cores"),
        ({"source_gbit": 0.001}, "network"),
    ],
)
def test_more_of_one_thing_moves_the_bottleneck(scale, changed, bottleneck):
    machine = scale.Machine(**changed)
    assert scale.Fleet.of(10, scale.MINUTES, machine, scale.Rates()).bottleneck == bottleneck


def test_a_price_is_the_users(scale, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["bench_scale.py", "--price", "0.05", "--cores", "8"])
    scale.main()
    shown = capsys.readouterr().out
    assert "| cost |" in shown and "8 cores" in shown
