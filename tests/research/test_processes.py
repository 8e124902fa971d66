"""A run whose parts are done by several processes: the same bytes, nothing left behind, no torch without a network."""

import os
import signal
import sys

import pytest

from tradsys.cli.loading import working
from tradsys.core.errors import WorkerError
from tradsys.journal.ledger import Ledger
from tradsys.machine.backends import open_executor
from tradsys.machine.executor import INLINE
from tradsys.research.lookahead.lookahead import look_ahead
from tradsys.research.run import run
from tradsys.research.walk.experiment import run_experiment
from tradsys.research.walk.experiment_spec import experiment_on

CLOCK = {"manifest.json", "report.html"}
"""Files that say when and where a run was."""


def contents(folder) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in CLOCK
    }


def imported(name: str) -> bool:
    return name in sys.modules


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def steps_in_order(told: list[tuple[str, float, int]]) -> bool:
    """Whether no step is taken back, within each count of steps."""
    done: dict[int, float] = {}
    return all(done.get(total, 0.0) <= at and not done.update({total: at}) for _, at, total in told)


@pytest.mark.slow
def test_two_processes_write_the_bytes_of_one_say_what_they_do_and_import_no_torch(
    finished, small_market, quick_config, tmp_path
):
    first, told = finished[0].folder, []
    ledger = Ledger(tmp_path / "journal" / "ledger.jsonl")
    with working(2) as executor:
        options = {"root": tmp_path / "runs", "ledger": ledger, "executor": executor}
        again = run(small_market, quick_config, **options, progress=lambda *step: told.append(step))
        assert not any(executor.map(imported, ["torch"] * 4))
        assert all(executor.map(imported, ["tradsys.research.selection.combinatorial_paths"] * 4))
    assert contents(again.folder) == contents(first)
    folds = [step for step in told if step[0].startswith("fold ")]
    assert {"fold 1 of 6: regimes", "fold 6 of 6: boosted", "fold 6 of 6: deciding"} <= {what for what, *_ in folds}
    assert steps_in_order(folds)


@pytest.mark.slow
def test_networks_and_their_ensemble_are_the_same_wherever_they_were_trained(small_market, quick_config, tmp_path):
    shape = {"name": "all", "d_model": 16, "n_layers": 1, "n_heads": 2, "window": 64, "max_steps": 20}
    config = quick_config.model_copy(update={"agent": type(quick_config.agent)(**shape)})
    config = config.with_settings({"folds.n_folds": 2, "folds.path_groups": 0})
    found = []
    for n_processes in (1, 2):
        root = tmp_path / str(n_processes)
        with open_executor(n_processes) as executor:
            ledger = Ledger(root / "journal" / "ledger.jsonl")
            stored = run(small_market, config, root=root / "runs", ledger=ledger, executor=executor)
        found.append(contents(stored.folder))
    assert found[0] == found[1]


def test_a_killed_worker_ends_the_run_with_a_sentence_and_nothing_is_written(small_market, quick_config, tmp_path):
    ledger = Ledger(tmp_path / "journal" / "ledger.jsonl")
    with pytest.raises(WorkerError, match="did a part of the run was killed"), working(2) as executor:
        executor.submit(die)
        run(small_market, quick_config, root=tmp_path / "runs", ledger=ledger, executor=executor)
    assert list((tmp_path / "runs").iterdir()) == []
    assert ledger.entries("trial") == []


@pytest.mark.slow
def test_processes_look_ahead_as_one_does(small_market, quick_config):
    spec = experiment_on(small_market, quick_config.with_settings({"folds.n_folds": 2}))
    outcome = run_experiment(small_market, spec)
    with open_executor(2) as executor:
        looked = [look_ahead(outcome, spec, n_points=2, executor=one) for one in (INLINE, executor)]
    assert looked[0] == looked[1]
    assert looked[0].n_values > 10_000


def test_how_many_processes_there_are_is_no_part_of_what_is_tried(quick_config):
    assert quick_config.with_settings({"machine.processes": 3}).digest == quick_config.digest
