"""Markets are tried once, whatever was stopped in between."""

import pytest

from tradsys.research.calibration import monte_carlo
from tradsys.research.calibration.monte_carlo import FIRST_SEED, ResultsFile, calibrate, planned_replications
from tradsys.research.calibration.scenarios import SCENARIOS, scenario_named
from tradsys.runs.at_work import jobs


@pytest.fixture
def tried(monkeypatch):
    """Replaces the flow by a note of what was asked for."""
    seen = []

    def note(replication, plan=None):
        seen.append((replication.scenario, replication.seed))
        return {"preset": replication.preset, "cell": replication.scenario, "seed": replication.seed, "profiles": {}}

    monkeypatch.setattr(monte_carlo, "replicate", note)
    return seen


def test_every_cell_gets_the_same_number_of_markets_seed_by_seed():
    wanted = planned_replications("fast", SCENARIOS[:2], 3, competitors_every=2)
    assert [(t.scenario, t.seed - FIRST_SEED) for t in wanted] == [
        (scenario, i) for i in range(3) for scenario in ("noise", "noise-free")
    ]
    assert [t.has_competitors for t in wanted[::2]] == [True, False, True]
    assert not any(t.has_competitors for t in planned_replications("fast", SCENARIOS, 2, competitors_every=0))


def test_a_second_call_tries_only_what_is_missing(tried, tmp_path):
    results, scenarios = ResultsFile(tmp_path / "fast.jsonl"), [scenario_named("noise")]
    assert calibrate(planned_replications("fast", scenarios, 2), results, n_processes=1) == 2
    assert calibrate(planned_replications("fast", scenarios, 3), results, n_processes=1) == 1
    assert tried == [("noise", FIRST_SEED + i) for i in range(3)]
    assert calibrate(planned_replications("full", scenarios, 1), results, n_processes=1) == 1


def test_progress_counts_what_was_there_and_estimates_the_rest(tried, tmp_path):
    results, scenarios, shown = ResultsFile(tmp_path / "fast.jsonl"), [scenario_named("noise")], []
    calibrate(planned_replications("fast", scenarios, 1), results, n_processes=1)
    calibrate(
        planned_replications("fast", scenarios, 3), results, n_processes=1, progress=lambda *step: shown.append(step)
    )
    assert [step[1:] for step in shown] == [(2, 3), (3, 3)]
    assert shown[-1][0] == f"noise {FIRST_SEED + 2}, about 0 min left"


def test_a_calibration_at_work_leaves_a_mark_beside_its_results(tried, tmp_path):
    seen = []
    results, wanted = ResultsFile(tmp_path / "own" / "fast.jsonl"), planned_replications("fast", SCENARIOS[:1], 1)
    calibrate(wanted, results, n_processes=1, progress=lambda *_: seen.extend(jobs(tmp_path / "own")))
    assert [one.title for one in seen] == ["calibration, fast"]
    assert jobs(tmp_path / "own") == []


def test_a_failing_market_keeps_those_before_it(monkeypatch, tried, tmp_path):
    results = ResultsFile(tmp_path / "fast.jsonl")
    good = monte_carlo.replicate
    monkeypatch.setattr(monte_carlo, "replicate", lambda t, plan: good(t) if t.seed == FIRST_SEED else 1 / 0)
    with pytest.raises(ZeroDivisionError):
        calibrate(planned_replications("fast", [scenario_named("noise")], 2), results, n_processes=1)
    assert len(results.read()) == 1


@pytest.mark.slow
def test_processes_give_what_one_process_gives(tmp_path):
    wanted = planned_replications("fast", [scenario_named("noise")], 2, competitors_every=0)
    lines = []
    for n_processes in (1, 2):
        results = ResultsFile(tmp_path / f"{n_processes}.jsonl")
        calibrate(wanted, results, n_processes=n_processes)
        lines.append({x["seed"]: {k: v for k, v in x.items() if k not in ("cpu_s", "code")} for x in results.read()})
    assert lines[0] == lines[1]
    assert len(lines[0]) == 2
