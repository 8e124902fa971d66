"""A thousand runs in `tradsys web`: the list of them cold and warm, the server's memory, and a page of 100,000 candles.

python benchmarks/bench_web.py            1,000 runs, copies of one with varied names, times and numbers
python benchmarks/bench_web.py 200        as many

The server runs in a process of its own and is asked over loopback; cold is its first answer after it began. Whether
the candles are drawn within two seconds and zoom within a tenth of one is a test in the browser
(`tests/web/test_browser.py`): here stands what the server takes of that.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.timing import best_of
from tests.report.conftest import write_run

N_BARS = 100_000
SERVE = """
import sys
from pathlib import Path
from tradsys.web.serve import serve
from tradsys.web.site import Site
root = Path(sys.argv[1])
serve(Site(root / "runs", root / "journal", root / "live"), 0, lambda text: print(text, flush=True))
"""


def make_runs(root: Path, n: int) -> None:
    """So many folders; the numbers of each are its own, so that nothing is read once for all."""
    pattern = write_run(root / "pattern", 2_000)
    texts = {name: json.loads((pattern / f"{name}.json").read_text()) for name in ("manifest", "metrics", "verdict")}
    # as much as a run of the default agent measures
    texts["metrics"]["padding"] = [{"value": k / 7, "n": k} for k in range(1_200)]
    for k in range(n):
        made = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=37 * k)
        folder = root / "runs" / f"{made:%Y%m%d-%H%M%S}-market-{k % 40}"
        folder.mkdir(parents=True)
        manifest = {**texts["manifest"], "created": made.isoformat(), "run": f"{k:064x}", "market": f"market {k % 40}"}
        verdict = {**texts["verdict"], "n_trials": k}
        for name, content in {**texts, "manifest": manifest, "verdict": verdict}.items():
            (folder / f"{name}.json").write_text(json.dumps(content, indent=2))
    write_run(root / "runs" / "20250101-000000-long", N_BARS)
    shutil.rmtree(pattern)


@contextmanager
def server(root: Path) -> Iterator[tuple[HTTPConnection, str, int]]:
    """A connection with a session's cookie, and the process id."""
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(root)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    found = re.search(r"http://127\.0\.0\.1:(\d+)(\S+)", process.stdout.readline())
    assert found is not None
    connection = HTTPConnection("127.0.0.1", int(found[1]))
    connection.request("GET", found[2])
    answer = connection.getresponse()
    answer.read()
    cookie = str(answer.getheader("set-cookie")).partition(";")[0]
    try:
        yield connection, cookie, process.pid
    finally:
        connection.close()
        process.terminate()
        process.wait()


def get(connection: HTTPConnection, cookie: str, path: str) -> bytes:
    """The page at a path, which must be there."""
    connection.request("GET", path, headers={"Cookie": cookie})
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, (path, answer.status, body[:200])
    return body


def memory_mb(pid: int) -> float:
    """What the process has in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found is not None
    return int(found[1]) / 1_024


def processor_ms(pid: int) -> float:
    """What the process has had of the processors since it began: others at work make an answer late, and not this."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return 1_000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Print the figures."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        make_runs(root, n)
        with server(root) as (connection, cookie, pid):
            began_mb = memory_mb(pid)
            print(
                f"{n:,} runs, load of the machine {load:.1f}; the server took {began_mb:,.0f} MB before its first page"
            )
            for path in ("/runs", "/runs?q=market+7&sort=-sharpe", "/runs?verdict=refuted&page=3", "/"):
                before = processor_ms(pid)
                first = best_of(lambda path=path: get(connection, cookie, path), 1)
                between = processor_ms(pid)
                warm = best_of(lambda path=path: get(connection, cookie, path), 10)
                took = between - before, (processor_ms(pid) - between) / 10
                clock = f"first {1_000 * first:6.0f} ms, again {1_000 * warm:5.0f} ms by the clock"
                print(f"{path:32} {clock}; {took[0]:6.0f} and {took[1]:5.0f} ms of processors")
            print(f"memory after the lists: {memory_mb(pid):,.0f} MB")
            run = "/runs/20250101-000000-long"
            before = processor_ms(pid)
            first = best_of(lambda: get(connection, cookie, run), 1)
            took_ms = processor_ms(pid) - before
            again = best_of(lambda: get(connection, cookie, run), 3)
            size = len(get(connection, cookie, run)) / 1e6
            clock = f"first {1_000 * first:,.0f} ms ({took_ms:,.0f} of processors), again {1_000 * again:,.0f} ms"
            print(f"{N_BARS:,} bars, {size:.1f} MB: {clock}")
            print(f"memory after that: {memory_mb(pid):,.0f} MB")


if __name__ == "__main__":
    main()
