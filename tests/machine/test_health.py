"""The check-up says what is wrong, and only then."""

from tests.machine.test_plan import machine

from tradsys.cli.doctor import usual_work
from tradsys.machine import health
from tradsys.machine.health import LEAST_DISK_BYTES, check_up


def found(report, name: str):
    return next(check for check in report.checks if check.name == name)


def test_a_folder_that_does_not_exist_yet_is_looked_at_through_its_parent_and_not_made(tmp_path):
    report = check_up(folders=[tmp_path / "runs" / "of mine"])
    assert "GB free" in found(report, f"disk of {tmp_path / 'runs' / 'of mine'}").found
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_a_fault(tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": LEAST_DISK_BYTES - 1})
    monkeypatch.setattr("shutil.disk_usage", lambda folder: usage)
    report = check_up(folders=[tmp_path])
    assert not report.is_well
    assert "make room" in found(report, f"disk of {tmp_path}").found


def test_a_folder_that_cannot_be_written_to_is_a_fault(tmp_path, monkeypatch):
    def refuse(**kind):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    assert (
        "cannot be written to (Permission denied)" in found(check_up(folders=[tmp_path]), f"disk of {tmp_path}").found
    )


def test_more_threads_than_cores_is_a_fault_with_the_variables_name(monkeypatch):
    monkeypatch.setattr(health, "limits", lambda: machine(cpus=2))
    monkeypatch.setattr(health, "thread_caps", lambda: {"OMP_NUM_THREADS": 64, "NUMBA_NUM_THREADS": 2})
    report = check_up()
    assert found(report, "threads").state == "FAIL"
    assert "OMP_NUM_THREADS=64: more threads than the 2 cores" in found(report, "threads").found


def test_threads_of_the_users_own_are_told_and_no_fault(monkeypatch):
    monkeypatch.setattr(health, "limits", lambda: machine(cpus=2))
    monkeypatch.setattr(health, "thread_caps", lambda: {"OMP_NUM_THREADS": 2, "NUMBA_NUM_THREADS": 1})
    threads = found(check_up(), "threads")
    assert threads.state == "note"
    assert threads.found.startswith("OMP_NUM_THREADS=2: set by you and kept")
    monkeypatch.setattr(health, "thread_caps", lambda: {"OMP_NUM_THREADS": 1, "NUMBA_NUM_THREADS": None})
    assert found(check_up(), "threads").state == "ok"


def test_the_report_lists_what_fits(monkeypatch):
    monkeypatch.setattr(health, "limits", lambda: machine(free=0.7))
    fits = [work["fits"] for work in check_up("safe", work=usual_work()).to_dict()["work"]]
    assert (fits[0], fits[-1]) == (True, False)


def test_the_extras_that_are_not_here_are_named(monkeypatch):
    monkeypatch.setattr(health, "absent", lambda modules: [name for name in modules if name in ("torch", "vectorbt")])
    here = found(check_up(), "extras").found
    assert here == "data, research, live, web, cloud, servers; not here: train, vectorbt (pip install 'tradsys[train]')"


def test_where_kernels_are_kept_is_told_and_that_they_are_not(monkeypatch):
    found = {check.name: check for check in check_up().checks}["kernels"]
    assert found.state == "ok" and "kept" in found.found
    monkeypatch.setattr("tradsys.core.kernels.kernel_folder", lambda kernel: None)
    found = {check.name: check for check in check_up().checks}["kernels"]
    assert found.state == "note" and "set NUMBA_CACHE_DIR" in found.found
