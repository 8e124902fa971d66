"""Every command that trains is bounded by the container's limits: told what does not fit before it starts."""

import proclimits
import pytest
from tests.machine.pods import GIB, write_pod

from tradsys.cli.app import main
from tradsys.cli.calibrate import calibrate_work
from tradsys.cli.compare import claims_work
from tradsys.cli.loading import plan_for, processes_for, replay_work, run_work, side_by_side, worker_bytes
from tradsys.cli.tune import tune_work
from tradsys.core.errors import MachineError
from tradsys.research.judging.rejudge import Replay

COMMANDS = {
    "run": ("run",),
    "train": ("train",),
    "lookahead": ("lookahead",),
    "rank": ("rank", "--bars", "simulated:universe:8"),
    "lookahead of ranks": ("lookahead", "--rank", "--bars", "simulated:universe:8"),
    "tune": ("tune",),
    "compare": ("compare", "--objectives"),
    "calibrate": ("calibrate", "--preset", "full"),
}


@pytest.fixture
def pod(monkeypatch, tmp_path):
    """Writes a container's control groups; the real ones are back afterwards."""
    yield lambda **kind: write_pod(monkeypatch, tmp_path / "pod", **kind)
    monkeypatch.undo()
    proclimits.clear_cache()


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_pod_of_488_megabytes_is_refused_with_a_sentence(pod, monkeypatch, tmp_path, capsys, words, version):
    monkeypatch.chdir(tmp_path)
    pod(version=version, cpus=1, memory_bytes=488 * 10**6, used_bytes=60 * 10**6)
    assert main(list(words)) == 1
    said = capsys.readouterr().err
    assert "of memory, the safe plan has 214 MB" in said
    assert not any(tmp_path.glob("runs/*")) and not any(tmp_path.glob("c*/*.jsonl"))


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("words", [("backtest", "--run"), ("compare", "--run"), ("journal", "promote")], ids=" ".join)
def test_a_run_that_does_not_fit_is_not_read_back(pod, finished, monkeypatch, tmp_path, capsys, words, version):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Replay, "spec", property(lambda _: pytest.fail("began without room")))
    folder = finished[0].folder
    pod(version=version, cpus=1, memory_bytes=300 * 10**6, used_bytes=60 * 10**6)
    assert main([*words, folder.name, "--runs", str(folder.parent)]) == 1
    assert "reading back a run of" in (said := capsys.readouterr().err)
    assert "the beast plan has 204 MB; close other programs" in said


def test_what_was_measured_of_reading_runs_back_fits_into_what_is_asked_for():
    measured = {(43_800, False): 297, (129_280, False): 328, (129_280, True): 847}  # bars, network, MB
    for (n_rows, has_network), took_mb in measured.items():
        assert took_mb * 10**6 < replay_work(n_rows, has_network=has_network).n_bytes < 1.15 * took_mb * 10**6


def test_what_was_measured_of_runs_fits_into_what_is_asked_for():
    """At their peaks: one, four and twelve symbols pooled."""
    without = {(32_320, False): 718, (145_167, False): 1_084, (417_504, False): 1_935}  # bars, network, MB
    measured = without | {(145_167, True): 1_791}
    for (n_rows, has_network), took_mb in measured.items():
        assert took_mb * 10**6 < run_work(n_rows, has_network=has_network).n_bytes < 1.25 * took_mb * 10**6


def test_processes_are_as_many_as_fit_and_more_are_refused_by_number(pod):
    pod(version=2, cpus=8, memory_bytes=8 * GIB)
    work = calibrate_work("full")
    plan = plan_for("safe", work)
    assert side_by_side(plan, work, None) == 2
    assert side_by_side(plan, work, 1) == 1
    with pytest.raises(MachineError, match=r"^3 processes, trying full markets.*; 2 would fit \(--processes 2\)"):
        side_by_side(plan, work, 3)
    assert side_by_side(plan_for("beast", work), work, None) == 4


@pytest.mark.parametrize(
    ("cpus", "memory_bytes", "n_processes"),
    [(8, 16 * GIB, 8), (2, 16 * GIB, 2), (8, 4 * GIB, 5), (8, GIB + GIB // 4, 1)],
)
def test_less_memory_and_fewer_cores_are_fewer_processes_of_a_run(pod, cpus, memory_bytes, n_processes):
    work, n_rows = run_work(40_000, has_network=False), 40_000
    pod(version=2, cpus=cpus, memory_bytes=memory_bytes)
    plan = plan_for("beast", work)
    assert processes_for(work, n_rows, plan, None) == n_processes
    each = worker_bytes(n_rows, has_network=False)
    assert n_processes == 1 or work.n_bytes + n_processes * each <= plan.memory_bytes


def test_a_short_run_takes_one_process(pod):
    pod(version=2, cpus=8, memory_bytes=16 * GIB)
    work = run_work(3_000, has_network=False)
    assert processes_for(work, 3_000, plan_for("beast", work), None) == 1


def test_more_processes_of_a_run_than_fit_are_refused_with_the_number_that_would(pod):
    work = run_work(40_000, has_network=False)
    pod(version=2, cpus=8, memory_bytes=4 * GIB)
    plan = plan_for("safe", work)
    room = processes_for(work, 40_000, plan, None)
    assert 1 < room < 8 and processes_for(work, 40_000, plan, room) == room
    with pytest.raises(MachineError, match=rf"in {room + 1} processes needs.*--processes {room} would fit"):
        processes_for(work, 40_000, plan, room + 1)


def test_calibration_takes_the_plan_that_is_named(pod, monkeypatch, tmp_path, capsys):
    """1.2 GB hold a fast market's process only in full."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tradsys.research.calibration.monte_carlo.calibrate", lambda *given, **named: 0)
    monkeypatch.setattr("tradsys.research.calibration.rates.summarise", lambda lines: {})
    pod(version=2, cpus=1, memory_bytes=1_200 * 10**6)
    assert main(["calibrate", "--plan", "beast", "--json"]) == 0
    assert main(["calibrate", "--plan", "safe"]) == 1
    assert "which has room" in capsys.readouterr().err


def test_what_processes_share_is_no_more_than_the_plan(pod):
    pod(version=2, cpus=6, memory_bytes=16 * GIB)
    plan = plan_for("safe", run_work(10_000, has_network=False))
    own = plan.shared(4)
    assert own.cpus == 1
    assert 4 * own.memory_bytes <= plan.memory_bytes and 4 * own.device_bytes <= plan.device_bytes


def test_more_seeds_and_networks_need_more():
    alone, network = (tune_work(30_000, has_network=one).n_bytes for one in (False, True))
    assert alone < network < claims_work(30_000, 2).n_bytes < claims_work(30_000, 5).n_bytes
