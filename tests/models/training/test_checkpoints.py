import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.models.training.trainings import NETWORK, SHORT, bank_of, loss, market, training_set

from tradsys.core.errors import FitError
from tradsys.models.training.checkpoints import Checkpoint, read_safetensors, write_safetensors
from tradsys.models.training.recipe import Member, Trained
from tradsys.models.training.training_loop import train

LONG = replace(SHORT, min_steps=60, max_steps=60, check_every=5, dropout=0.1)
SOON = replace(LONG, lr=1e-9, patience=2)  # stops at the second check and leaves the group
MEMBERS = [Member(0, 0, LONG), Member(1, 1, SOON), Member(1, 2, replace(LONG, min_steps=33, max_steps=33))]


def sets() -> list:
    return [training_set(market(900), upto=upto) for upto in (0.7, 1.0)]


def every_check(path: Path) -> Checkpoint:
    ticks = count()
    return Checkpoint(path, every_s=1.0, clock=lambda: float(next(ticks)))


def run(path: Path | None = None, fail_at: int = 0) -> list[Trained]:
    def progress(step: int, _: int) -> None:
        if step == fail_at:
            raise KeyboardInterrupt

    return train(
        NETWORK, bank_of(*sets()), loss, MEMBERS, progress=progress, checkpoint=every_check(path) if path else None
    )


def bits(results: list[Trained]) -> list[tuple[bytes, Trained]]:
    return [(b"" if r.theta is None else r.theta.tobytes(), replace(r, theta=None)) for r in results]


@pytest.mark.parametrize("fail_at", [5, 15, 35, 55])
def test_a_training_that_was_interrupted_ends_in_the_same_bits(tmp_path: Path, fail_at: int) -> None:
    path = tmp_path / "group.safetensors"
    with pytest.raises(KeyboardInterrupt):
        run(path, fail_at)
    if fail_at > 5:
        assert int(read_safetensors(path)[0]["number"].max()) == fail_at - 5
    assert bits(run(path)) == bits(run())


def test_a_checkpoint_from_before_steps_were_compiled_goes_on_uncompiled(tmp_path: Path) -> None:
    path = tmp_path / "group.safetensors"
    with pytest.raises(KeyboardInterrupt):
        run(path, 35)
    arrays, about = read_safetensors(path)
    write_safetensors(path, {name: one for name, one in arrays.items() if name != "compiled"}, {"of": about["of"]})
    assert bits(run(path)) == bits(run())


def test_a_training_that_ended_is_not_trained_again(tmp_path: Path) -> None:
    path = tmp_path / "group.safetensors"
    first = run(path)
    before = path.read_bytes()
    assert bits(run(path, fail_at=5)) == bits(first)
    assert path.read_bytes() == before


KILLED = """
import sys, types
from pathlib import Path
sys.modules["tests"] = types.ModuleType("tests")
sys.modules["tests"].__path__ = ["tests"]
from tests.models.training.test_checkpoints import run
run(Path(sys.argv[1]))
"""


def test_kill_9_in_the_middle_loses_no_bit(tmp_path: Path) -> None:
    path = tmp_path / "group.safetensors"
    process = subprocess.Popen([sys.executable, "-c", KILLED, path], cwd=Path(__file__).parents[3])
    while not path.exists() and process.poll() is None:
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert int(read_safetensors(path)[0]["number"].max()) < 60
    assert bits(run(path)) == bits(run())


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "group.safetensors"
    run(path)
    bank = bank_of(*sets())
    others = {
        "seed": (bank, [replace(MEMBERS[0], seed=9), *MEMBERS[1:]]),
        "recipe": (bank, [replace(MEMBERS[0], recipe=replace(LONG, lr=2e-2)), *MEMBERS[1:]]),
        "data": (bank_of(*sets()[::-1]), MEMBERS),
    }
    for other, members in others.values():
        with pytest.raises(FitError, match="is the checkpoint of another training"):
            train(NETWORK, other, loss, members, checkpoint=every_check(path))
    with pytest.raises(FitError, match="is the checkpoint of another training"):
        train(NETWORK, bank, lambda z, y: 2 * loss(z, y), MEMBERS, checkpoint=every_check(path))


def test_files_are_safetensors(tmp_path: Path) -> None:
    arrays = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b": np.array([[True], [False]]),
        "c": np.arange(3),
        "none": np.zeros((0, 4), np.float32),
    }
    path = tmp_path / "deep" / "file.safetensors"
    write_safetensors(path, arrays, {"of": "this"})
    for read in (load_file(path), read_safetensors(path)[0]):
        assert read.keys() == arrays.keys()
        for name, array in arrays.items():
            assert read[name].dtype == array.dtype
            np.testing.assert_array_equal(read[name], array)
    assert read_safetensors(path)[1] == {"of": "this"}
    assert [entry.name for entry in path.parent.iterdir()] == ["file.safetensors"]


def test_a_torn_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.safetensors"
    write_safetensors(path, {"a": np.zeros(3)[:0].astype(np.float32)}, {})
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_safetensors(path, {"a": np.ones(9, np.float32)}, {})
    assert path.read_bytes() == before


@pytest.mark.parametrize("kept", [5, -1, None])
def test_a_damaged_file_is_refused(tmp_path: Path, kept: int | None) -> None:
    path = tmp_path / "file.safetensors"
    write_safetensors(path, {"a": np.ones(9, np.float32)}, {})
    content = path.read_bytes()
    path.write_bytes(content[:kept] if kept else content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(FitError, match="is not the checkpoint that was written; delete it"):
        read_safetensors(path)
