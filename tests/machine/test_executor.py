"""tests the executors of `machine/`: `executor.py`, `backends.py`, `sharing.py` and `processes.py`"""

import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tradsys.core.errors import ConfigError, WorkerError
from tradsys.machine.backends import open_executor
from tradsys.machine.executor import INLINE, Executor, Shared


@pytest.fixture(scope="module", params=[1, 2], ids=["inline", "processes"])
def executor(request: pytest.FixtureRequest):
    with open_executor(request.param) as opened:
        yield opened


@pytest.fixture(scope="module")
def two():
    with open_executor(2, doing="added", kept="nothing was lost", imports=["csv"]) as opened:
        yield opened


def late(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def refuse(item: int) -> int:
    raise ConfigError(f"{item} is refused")


def add(big: Shared[dict], item: int) -> float:
    return float(big.value["x"][item] + big.value["frame"]["y"][item])


def change(big: Shared[np.ndarray], item: int) -> float:
    big.value[0] += item
    return float(big.value[0])


def made(path: Path, text: str) -> str:
    with path.open("a") as file:
        file.write(f"{os.getpid()}\n")
    return text


def length(text: Shared[str], item: int) -> int:
    return len(text.value) + item


def tell(say, item: int) -> int:
    say(f"item {item}")
    return item


def test_results_come_in_the_order_of_the_items(executor: Executor):
    assert list(executor.map(late, [0.2, 0.0, 0.1])) == [0.2, 0.0, 0.1]


def test_what_is_done_first_comes_first_and_no_item_is_taken_before_a_worker_has_time(two: Executor):
    taken = []

    def items():
        for seconds in (0.5, 0.0, 0.1):
            taken.append(seconds)
            yield seconds

    order = []
    for item, result in two.as_done(late, items()):
        assert item == result
        if not order:
            assert taken == [0.5, 0.0]
        order.append(result)
    assert order == [0.0, 0.1, 0.5]


def test_an_error_is_the_one_that_was_raised(executor: Executor):
    with pytest.raises(ConfigError, match="7 is refused"):
        executor.submit(refuse, 7).result()


def test_work_is_done_once_however_often_its_result_is_asked_for(executor: Executor, tmp_path):
    task = executor.submit(made, tmp_path / f"log{executor.n_processes}", "text")
    assert [task.result(), task.result()] == ["text", "text"]
    assert len((tmp_path / f"log{executor.n_processes}").read_text().splitlines()) == 1


def test_what_is_shared_is_the_same_everywhere(executor: Executor):
    frame = pl.DataFrame({"y": [1.0, None, 3.0], "when": pl.Series([1, 2, 3]).cast(pl.Datetime("ms", "UTC"))})
    big = {"x": np.arange(3.0), "frame": frame, "empty": np.empty((0, 2)), "none": pl.DataFrame()}
    shared = executor.share(big)
    assert executor.submit(same_as, shared, big).result()
    assert list(executor.map(partial(add, shared), [0, 2])) == [1.0, 5.0]


def same_as(shared: Shared[dict], big: dict) -> bool:
    held = shared.value
    arrays = all(np.array_equal(held[k], big[k]) and held[k].flags.writeable for k in ("x", "empty"))
    return arrays and held["frame"].equals(big["frame"]) and held["none"].equals(big["none"]) and held is shared.value


def test_an_array_that_is_shared_is_no_copy_in_what_is_sent_and_a_worker_changes_its_own_alone(two: Executor):
    big = np.zeros(200_000)
    shared = two.share(big)
    from multiprocessing.reduction import ForkingPickler

    assert len(ForkingPickler.dumps(shared)) < 2_000
    assert max(two.map(partial(change, shared), [1] * 6)) >= 3
    assert big[0] == 0


def test_each_worker_makes_for_itself_once_what_is_made_there(executor: Executor, tmp_path):
    log = tmp_path / f"log{executor.n_processes}"
    text = executor.once(made, log, "four")
    assert not log.exists()
    assert list(executor.map(partial(length, text), range(6))) == [4, 5, 6, 7, 8, 9]
    makers = log.read_text().splitlines()
    assert len(makers) == len(set(makers)) <= executor.n_processes


def test_what_work_says_is_heard_here_before_its_result(executor: Executor):
    heard = []
    say = executor.heard(heard.append)
    assert list(executor.map(partial(tell, say), [1, 2, 3])) == [1, 2, 3]
    assert sorted(heard) == ["item 1", "item 2", "item 3"]


def imported(name: str) -> bool:
    return name in sys.modules


def test_processes_import_beforehand_what_they_are_told_and_nothing_heavy_besides(two: Executor):
    assert two.submit(imported, "csv").result()
    assert not two.submit(imported, "torch").result()


def die(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("ask", ["map", "as_done"])
def test_a_killed_worker_is_a_sentence(ask, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with (
        pytest.raises(WorkerError, match=r"a process that added was killed, .* fewer --processes: nothing was lost"),
        open_executor(2, doing="added", kept="nothing was lost") as executor,
    ):
        executor.share(np.zeros(10))
        assert [path.name.startswith("tradsys-") for path in tmp_path.iterdir()] == [True]
        list(getattr(executor, ask)(die, [1]))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def heard_interrupts():
    """Python's own handler, which a shell's background jobs lack."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard_interrupts")
def test_an_interrupt_is_heard_while_a_result_is_waited_for_and_ends_the_workers():
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), open_executor(2) as executor:
        assert executor.submit(late, 0.0).result() == 0.0
        executor.submit(interrupt, os.getpid())
        executor.submit(late, 60.0).result()
    assert time.monotonic() - began < 20


def interrupt(process: int) -> None:
    os.kill(process, signal.SIGINT)


def test_in_this_process_nothing_is_done_before_it_is_asked_for(tmp_path):
    tasks = [INLINE.submit(made, tmp_path / "log", "text"), INLINE.map(partial(made, tmp_path / "log"), ["text"])]
    assert len(tasks) == 2
    assert not (tmp_path / "log").exists()
