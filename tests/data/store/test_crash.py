"""No complete partition is lost to a process that is killed or a disk that is full."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.data.store.made import PAGES, some_bars

from tradsys.data.store import SeriesStore
from tradsys.data.store.places import LocalFolder

START = datetime(2024, 1, 1, tzinfo=UTC)
STEPS = ("before the rows", "after the rows", "after the manifest", "while removing")

HERE = Path(__file__).parent
"""Where the processes that are killed start, so that they find `made`."""

CHILD = """
import os, signal, sys
from datetime import UTC, datetime
from made import PAGES, some_bars
from tradsys.core import files
from tradsys.data.store import SeriesId, SeriesStore
from tradsys.data.store.places import LocalFolder

root, step = sys.argv[1], sys.argv[2]
write, delete, n_written = LocalFolder.write, LocalFolder.delete, 0

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def counted(self, path, data):
    global n_written
    if step == "before the rows":
        files.os.fsync = die  # bytes are in the temporary file, which has no name yet
    write(self, path, data)
    n_written += 1
    if (step, n_written) in (("after the rows", 1), ("after the manifest", 2)):
        die()

LocalFolder.write = counted
if step == "while removing":
    LocalFolder.delete = die
series = SeriesId.parse("binance:BTC/USDT:1h")
SeriesStore(root).write(series, some_bars(datetime(2024, 1, 1, tzinfo=UTC), 500), PAGES)
"""


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_point_leaves_the_old_partition_or_the_new(store, series, step):
    old, new = some_bars(START, 100), some_bars(START, 500)
    store.write(series, old, PAGES)
    command = [sys.executable, "-c", CHILD, str(store.place.root), step]
    done = subprocess.run(command, cwd=HERE, check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    survivor = new if step in ("after the manifest", "while removing") else old
    assert store.read(series).equals(survivor)
    store.write(series, new, PAGES)  # the lock died with its holder; the next writer clears what it left
    assert store.read(series).equals(new)
    if survivor is old:
        assert len(store.place.files(f"{series.folder}/year=2024")) == 2


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.slow
def test_a_kill_at_a_moment_of_chance_loses_nothing(store, series, seed):
    """A process that appends day after day is killed; what it had said was written is there."""
    code = textwrap.dedent("""
        import sys
        from datetime import UTC, datetime
        from made import PAGES, some_bars
        from tradsys.data.store import SeriesId, SeriesStore
        bars = some_bars(datetime(2024, 1, 1, tzinfo=UTC), 8000)
        for n in range(24, 8000, 24):
            SeriesStore(sys.argv[1]).write(SeriesId.parse("binance:BTC/USDT:1h"), bars[n - 24 : n], PAGES)
            print(n, flush=True)
    """)
    command = [sys.executable, "-c", code, str(store.place.root)]
    with subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, text=True) as process:
        told = [int(process.stdout.readline()) for _ in range(3 + 5 * seed)][-1]
        process.kill()
        rest = process.stdout.read().split()
    kept = store.read(series)
    assert len(kept) >= (int(rest[-1]) if rest else told)
    assert kept.equals(some_bars(START, 8000)[: len(kept)])


@pytest.mark.parametrize("nth", [1, 2], ids=["in the rows", "in the manifest"])
def test_a_full_disk_leaves_the_old_partition(store, series, monkeypatch, nth):
    old = some_bars(START, 100)
    store.write(series, old, PAGES)
    real, calls = os.fsync, []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) == 2 * nth - 1:  # each write syncs its file, then its folder
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store.write(series, some_bars(START, 500), PAGES)
    monkeypatch.undo()
    assert store.read(series).equals(old)
    assert not list((store.place.root / series.folder).rglob("*.part"))
    assert store.write(series, some_bars(START, 500), PAGES).n_new == 400


def test_a_disk_that_is_truly_full_leaves_the_old_partition(series, tmp_path):
    """A file system of 64 kB in a namespace of its own."""
    if (
        shutil.which("unshare") is None
        or subprocess.run(
            ["unshare", "-rm", "mount", "-t", "tmpfs", "none", tmp_path], check=False, capture_output=True
        ).returncode
    ):
        pytest.skip("this machine mounts nothing for its users")
    code = textwrap.dedent("""
        import errno, sys
        from datetime import UTC, datetime
        import numpy as np, polars as pl
        from made import PAGES, some_bars
        from tradsys.data.store import SeriesId, SeriesStore
        store, series = SeriesStore(sys.argv[1]), SeriesId.parse("binance:BTC/USDT:1h")
        start = datetime(2024, 1, 1, tzinfo=UTC)
        store.write(series, some_bars(start, 50), PAGES)
        noise = pl.Series(np.random.default_rng(0).random(8000))
        try:
            store.write(series, some_bars(start, 8000).with_columns(volume=noise), PAGES)
        except OSError as error:
            assert error.errno == errno.ENOSPC, error
        else:
            sys.exit("the disk was not full")
        assert store.read(series).equals(some_bars(start, 50))
        assert store.write(series, some_bars(start, 60), PAGES).n_new == 10
    """)
    mount = 'mount -t tmpfs -o size=64k none "$1" && exec "$2" -c "$3" "$1"'
    command = ["unshare", "-rm", "sh", "-c", mount, "sh", str(tmp_path), sys.executable, code]
    done = subprocess.run(command, cwd=HERE, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_lock_is_held_by_one_writer(store, series):
    other = SeriesStore(store.place.root)
    code = (
        "import fcntl, sys; file = open(sys.argv[1]);"
        "sys.exit(3) if not fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB) else 0"
    )
    assert isinstance(other.place, LocalFolder)
    with store.place.lock(series.folder):
        command = [sys.executable, "-c", code, str(store.place.root / series.folder / ".lock")]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert "BlockingIOError" in done.stderr
