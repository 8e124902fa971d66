"""Runs in a real MLflow: written once, aliases that follow the journal, and what its server and page show of them."""

import json
import re
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

import pytest
from tests.neighbours.environments import answers, environment, python_of

from tradsys.journal.entries import Champion, Data
from tradsys.journal.ledger import Ledger
from tradsys.runs import StoredRun

pytestmark = pytest.mark.slow

MODEL = "tradsys EDGE 1h"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SECRET = "hunter2-of-the-tracking-server"


@dataclass
class Tracked:
    """The answers of `tradsys track`, session after session, and the server on the same database."""

    place: Path
    python: Path
    first: list[dict[str, Any]]
    second: list[dict[str, Any]]
    url: str

    def get(self, path: str, **query: str) -> Any:
        with urlopen(f"{self.url}/api/2.0/mlflow/{path}?{urlencode(query)}", timeout=60) as answer:
            return json.load(answer)

    def run_of(self, alias: str) -> dict[str, Any]:
        version = self.get("registered-models/alias", name=MODEL, alias=alias)["model_version"]
        return {"version": version} | self.get("runs/get", run_id=version["run_id"])["run"]


@pytest.fixture(scope="module")
def tracked(finished, tmp_path_factory):
    """A run tracked twice while its EDGE is champion; then, over HTTP, a second run that has taken the seat."""
    python, place = python_of("mlflow"), tmp_path_factory.mktemp("tracked")
    shutil.copytree(finished[2] / "journal", place / "journal")
    shutil.copytree(finished[0].folder, place / "runs" / "first")
    (place / "runs" / "first" / "report.html").write_text("<title>The report</title>")
    ledger = Ledger(place / "journal" / "ledger.jsonl")
    crown(ledger, StoredRun(place / "runs" / "first"), "EDGE")
    uri = f"sqlite:///{place / 'mlflow.db'}"
    lines = [f"track first --uri {uri} --json"] * 2 + [f"track --uri http://user:{SECRET}@127.0.0.1:9"]
    first = answers(python, place, *lines, MLFLOW_HTTP_REQUEST_MAX_RETRIES="0", MLFLOW_TRACKING_TOKEN=SECRET[::-1])

    shutil.copytree(place / "runs" / "first", place / "runs" / "second")
    manifest = json.loads((place / "runs" / "second" / "manifest.json").read_text())
    manifest |= {"run": "5e" * 32, "experiment": "ec" * 32}
    (place / "runs" / "second" / "manifest.json").write_text(json.dumps(manifest))
    (place / "runs" / "broken").mkdir()
    (place / "runs" / "broken" / "manifest.json").write_text("{")
    crown(ledger, StoredRun(place / "runs" / "second"), "SNIPER")
    with served(python, place, uri) as url:
        second = answers(python, place, *[f"track --all --uri {url} --json"] * 2)
        yield Tracked(place, python, first, second, url)


def crown(ledger, run, profile):
    """Write a champion's entry, whoever deserves it."""
    about = run.manifest
    data = Data(about.market, about.blocks, about.fingerprint)
    won = Champion(
        data=data, run=about.run, experiment=about.experiment, profile=profile, standing="candidate", why="it won"
    )
    ledger.append(won.content())


class served:
    """`mlflow server` on loopback while the block lasts."""

    def __init__(self, python, place, uri):
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        command = [python, "-m", "mlflow", "server", "--backend-store-uri", uri, "--workers", "1"]
        self.command = [*command, "--host", "127.0.0.1", "--port", str(self.port)]
        self.log, self.place = (place / "server.log").open("w"), place

    def __enter__(self):
        environ = environment(MLFLOW_DISABLE_TELEMETRY="true")
        self.process = subprocess.Popen(
            self.command, cwd=self.place, env=environ, stdout=self.log, stderr=self.log, start_new_session=True
        )
        url, until = f"http://127.0.0.1:{self.port}", time.monotonic() + 180
        while True:
            try:
                with urlopen(f"{url}/health", timeout=5):
                    return url
            except (URLError, OSError):
                assert self.process.poll() is None and time.monotonic() < until, (self.place / "server.log").read_text()
                time.sleep(0.5)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=60)
        self.log.close()


def result(answer):
    assert not answer["traceback"], answer
    return json.loads(answer["out"])


def test_a_run_is_written_once(tracked):
    written, again = map(result, tracked.first[:2])
    assert written["written"] == ["first"] and not written["known"]
    assert again["known"] == ["first"]
    assert not any(again[part] for part in ("written", "rejudged", "moved", "unseated", "failed"))


def test_a_secret_of_the_address_or_the_environment_is_never_told(tracked):
    answer = tracked.first[2]
    assert answer["code"] == 1 and "MLflow did not take" in answer["err"] and not answer["traceback"]
    assert SECRET[:8] not in str(answer) and SECRET[::-1][:8] not in str(answer)


def test_another_champion_moves_the_alias_and_a_broken_run_is_named(tracked):
    moved, again = map(result, tracked.second)
    assert result(tracked.first[0])["moved"] == {
        f"{MODEL}@champion": "EDGE of first",
        f"{MODEL}@challenger": "SNIPER of first",
    }
    assert moved["moved"] == {f"{MODEL}@champion": "SNIPER of second"}
    assert moved["written"] == ["second"] and moved["known"] == ["first"] and "broken" in moved["failed"]
    assert tracked.second[0]["code"] == 3
    assert not again["moved"] and not again["written"]


def test_the_server_shows_settings_numbers_verdicts_and_seats(tracked, finished):
    champion, challenger = tracked.run_of("champion"), tracked.run_of("challenger")
    tags = {one["key"]: one["value"] for one in champion["data"]["tags"]}
    assert tags["tradsys_run"] == "5e" * 32 and challenger["info"]["run_name"] == "first"
    assert champion["version"]["tags"] == [{"key": "profile", "value": "SNIPER"}]
    stored = finished[0]
    assert tags["verdict.SNIPER"] == tags["verdict_now.SNIPER"] == stored.verdict.profiles["SNIPER"].standing
    metrics = {one["key"]: one["value"] for one in champion["data"]["metrics"]}
    sharpe = stored.metrics.profiles["SNIPER"].metrics["sharpe"]
    assert metrics["SNIPER/sharpe_low"] == sharpe.low and metrics["n_trials"] == stored.verdict.n_trials
    params = {one["key"]: one["value"] for one in champion["data"]["params"]}
    assert params["agent.name"] == "logistic" and "regimes.n_starts=2" in tags["changed"]


def test_the_page_loads_and_has_the_report(tracked):
    run = tracked.run_of("challenger")["info"]["run_id"]
    with urlopen(tracked.url, timeout=60) as answer:
        page = answer.read().decode()
    assert "<title>MLflow</title>" in page
    script = re.search(r'src="(?:\./)?(static-files/[^"]+\.js)"', page)[1]
    with urlopen(f"{tracked.url}/{script}", timeout=60) as answer:
        assert len(answer.read()) > 100_000
    query = urlencode({"path": "report.html", "run_uuid": run})
    with urlopen(Request(f"{tracked.url}/get-artifact?{query}"), timeout=60) as answer:
        assert answer.read() == (tracked.place / "runs" / "first" / "report.html").read_bytes()


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_browser_shows_the_runs_their_verdicts_and_who_is_champion(tracked):
    playwright = pytest.importorskip("playwright.sync_api")
    run = tracked.run_of("champion")["info"]
    runs = f"#/experiments/{run['experiment_id']}/runs"
    with playwright.sync_playwright() as drivers:
        browser = drivers.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-quic"])
        page = browser.new_page()
        for address, words in (
            (runs, ("first", "second")),
            (f"{runs}/{run['run_id']}", ("verdict.SNIPER", "regimes.n_starts=2")),
            (f"#/models/{quote(MODEL)}", ("champion", "challenger")),
        ):
            page.goto(f"{tracked.url}/{address}")
            for one in words:
                page.get_by_text(one).first.wait_for(timeout=120_000)
        browser.close()


LOAD = """
import sys, mlflow, polars as pl
from tradsys.predictor import Predictor
mlflow.set_tracking_uri(sys.argv[1])
bars = pl.read_parquet("runs/first/bars.parquet").drop("symbol").tail(700).to_pandas()
for version, profile in (("1", "EDGE"), ("2", "SNIPER")):
    model = mlflow.pyfunc.load_model(f"models:/tradsys EDGE 1h/{version}")
    own = Predictor.load("runs/first/bundle", profile).decide_many(bars)
    assert (own["action"].to_numpy() == model.predict(bars)["action"].to_numpy()).all(), profile
    print(profile, int(own["action"].abs().sum()))
"""


def test_a_version_decides_as_the_bundle_with_its_profile_does(tracked):
    command = [tracked.python, "-c", LOAD, f"sqlite:///{tracked.place / 'mlflow.db'}"]
    environ = environment(MLFLOW_DISABLE_TELEMETRY="true")
    done = subprocess.run(command, cwd=tracked.place, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    counts = dict(line.split() for line in done.stdout.splitlines())
    assert int(counts["EDGE"]) != int(counts["SNIPER"]), "two profiles that decide alike would prove nothing"
