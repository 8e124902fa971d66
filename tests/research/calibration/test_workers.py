"""Markets are tried once, whatever was stopped in between."""

import pytest

from tradsys.research.calibration import workers
from tradsys.research.calibration.cells import CELLS, cell_named
from tradsys.research.calibration.results import Results
from tradsys.research.calibration.workers import FIRST_SEED, calibrate, tasks


@pytest.fixture
def tried(monkeypatch):
    """Replaces the flow by a note of what was asked for."""
    seen = []

    def note(task, plan=None):
        seen.append((task.cell, task.seed))
        return {"preset": task.preset, "cell": task.cell, "seed": task.seed, "profiles": {}}

    monkeypatch.setattr(workers, "try_market", note)
    return seen


def test_every_cell_gets_the_same_number_of_markets_seed_by_seed():
    wanted = tasks("fast", CELLS[:2], 3, rivals_every=2)
    assert [(t.cell, t.seed - FIRST_SEED) for t in wanted] == [
        (cell, i) for i in range(3) for cell in ("noise", "noise-free")
    ]
    assert [t.with_rivals for t in wanted[::2]] == [True, False, True]
    assert not any(t.with_rivals for t in tasks("fast", CELLS, 2, rivals_every=0))


def test_a_second_call_tries_only_what_is_missing(tried, tmp_path):
    results, cells = Results(tmp_path / "fast.jsonl"), [cell_named("noise")]
    assert calibrate(tasks("fast", cells, 2), results, n_processes=1) == 2
    assert calibrate(tasks("fast", cells, 3), results, n_processes=1) == 1
    assert tried == [("noise", FIRST_SEED + i) for i in range(3)]
    assert calibrate(tasks("full", cells, 1), results, n_processes=1) == 1


def test_progress_counts_what_was_there_and_estimates_the_rest(tried, tmp_path):
    results, cells, told = Results(tmp_path / "fast.jsonl"), [cell_named("noise")], []
    calibrate(tasks("fast", cells, 1), results, n_processes=1)
    calibrate(tasks("fast", cells, 3), results, n_processes=1, progress=lambda *step: told.append(step))
    assert [step[1:] for step in told] == [(2, 3), (3, 3)]
    assert told[-1][0] == f"noise {FIRST_SEED + 2}, about 0 min left"


def test_a_failing_market_keeps_those_before_it(monkeypatch, tried, tmp_path):
    results = Results(tmp_path / "fast.jsonl")
    good = workers.try_market
    monkeypatch.setattr(workers, "try_market", lambda t, plan: good(t) if t.seed == FIRST_SEED else 1 / 0)
    with pytest.raises(ZeroDivisionError):
        calibrate(tasks("fast", [cell_named("noise")], 2), results, n_processes=1)
    assert len(results.read()) == 1


@pytest.mark.slow
def test_processes_give_what_one_process_gives(tmp_path):
    wanted = tasks("fast", [cell_named("noise")], 2, rivals_every=0)
    lines = []
    for n_processes in (1, 2):
        results = Results(tmp_path / f"{n_processes}.jsonl")
        calibrate(wanted, results, n_processes=n_processes)
        lines.append({x["seed"]: {k: v for k, v in x.items() if k not in ("cpu_s", "code")} for x in results.read()})
    assert lines[0] == lines[1]
    assert len(lines[0]) == 2
