"""A program: the lines of a page typed one after another where it is begun; JSON in, and what came of each as JSON out.

A market of a recipe is made as short as everything is content with. Where runs are shared, the first
one of a kind and the first study are made; each later one is checked as far as its settings on its market go, and
answered by what is there.
What goes on until it is interrupted goes on until all lines are typed, and must then end well.
"""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

from tests.each_command import answer
from tests.typed.folder import N_BARS

TINY = {
    **{f"TRADSYS_AGENT__{name}": n for name, n in {"D_MODEL": 8, "N_LAYERS": 1, "N_HEADS": 2, "WINDOW": 4}.items()},
    "TRADSYS_AGENT__MAX_STEPS": 4,
    "TRADSYS_FOLDS__N_FOLDS": 2,
    "TRADSYS_FOLDS__PATH_GROUPS": 0,
    "TRADSYS_REGIMES__N_STARTS": 1,
    "TRADSYS_MACHINE__PROCESSES": 1,
    "TRADSYS_UNIVERSE__SIZE": 6,
    "TRADSYS_RANK__K": 1,
}
"""Settings that a line does not give itself: small networks, few folds, one process."""

LASTS = {"web", "--live", "--speed", "tests.exchange.server"}
"""One of these words makes a line go on until it is interrupted."""

PATIENCE_S = 240.0


def shortened() -> None:
    """Simulated markets have few bars."""
    market = import_module("tradsys.data.simulate.market")
    for name in ("simulate", "simulate_symbols", "tradable_prices", "simulate_universe"):
        getattr(market, name).__kwdefaults__["n_bars"] = N_BARS


def shared() -> None:
    """A run is answered by the one that is there already, the first of another kind and the first study are made."""
    runs, tuning = import_module("tradsys.research.run"), import_module("tradsys.research.tuning.tune")
    run, tune = runs.run, tuning.tune
    procedures = import_module("tradsys.research.procedures.experiment").ExperimentProcedure
    stored_run = import_module("tradsys.runs.stored").StoredRun
    made: dict[str, Any] = {"experiment": stored_run(next(Path("runs").glob("*edge-1h*")))}

    def run_once(market: Any, config: Any, *, procedure: Any = procedures.of, plan: Any = None, **rest: Any) -> Any:
        tried = procedure(market, config, plan)
        if tried.kind not in made:
            made[tried.kind] = run(market, config, procedure=procedure, plan=plan, **rest)
            return made[tried.kind]
        tried.check_stamps(market)
        first = made[tried.kind].folder
        again = first.with_name(f"{first.name}-{sum(1 for _ in first.parent.iterdir())}")
        copytree(first, again)
        (again / "manifest.json").touch()  # the newest is called last
        return stored_run(again)

    def tune_once(market: Any, base: Any, space: Any, *, budget: Any, **rest: Any) -> Any:
        if "study" not in made:
            little = replace(budget, n_trials=1, n_seeds=1, n_processes=1)
            made["study"] = tune(market, base, space, budget=little, **rest)
        return made["study"]

    runs.run, tuning.tune = run_once, tune_once


class Person:
    """Who types, what was begun and goes on, and the port of this machine that the page calls 8787."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, subprocess.Popen[str]]] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = str(free.getsockname()[1])

    def types(self, line: str) -> dict[str, object]:
        """What came of a line."""
        words = shlex.split(line.replace("8787", self.port), comments=True)
        if words[0] == "export":
            os.environ.update(word.split("=", 1) for word in words[1:])
            return {"code": 0, "out": "", "err": "", "traceback": ""}
        words = [self.meant(word) for word in words if word != "&"]
        if words[:2] == ["tradsys", "web"] and "--port" not in words:
            words += ["--port", "0"]
        if "--open-lockbox" in words:
            words += ["--yes"]
        if words[:2] == ["tradsys", "deploy"]:  # the folder's bundle makes way for the page's own
            rmtree(words[words.index("--out") + 1], ignore_errors=True)
        return self.begins(words) if LASTS.intersection(words) else answer(words[1:])

    def meant(self, word: str) -> str:
        """A name that only a person knows in place of a page's stand-in."""
        if "STUDY" in word:
            (study,) = [path.name for path in Path("journal/tuning").iterdir() if not path.name.startswith(".")]
            return word.replace("STUDY", study)
        if word == "FILE":
            return "BTC-1h.parquet"
        if word == "3f9a2c81":
            ledger = import_module("tradsys.journal.ledger").Ledger(Path("journal/ledger.jsonl"))
            return str(ledger.entries("hypothesis")[-1].hash[:10])
        return word

    def begins(self, words: list[str]) -> dict[str, object]:
        """Begin what goes on, and wait for its first word."""
        line = " ".join(words)
        if self.port in words:  # nobody else listens at it
            for _, process in filter(lambda begun: self.port in begun[0].split(), self.begun):
                ended(process)
        account = re.search(r"--account (\S+)", line)
        if "--live" in words and account:  # the folder's account is on paper
            rmtree(Path("live", account[1]), ignore_errors=True)
        words = [sys.executable, "-m", *(word for word in words if word not in ("python", "-m"))]
        told = Path(f"told-{len(self.begun)}.txt")
        with told.open("w") as out:
            process = subprocess.Popen(words, stdout=out, stderr=out, stdin=subprocess.DEVNULL, text=True)
        self.begun.append((line, process))
        began = time.time()

        def is_ready() -> bool:
            if account is None:
                return "http://" in told.read_text()
            status = Path("live", account[1], "status.json")
            return status.exists() and status.stat().st_mtime > began

        until = time.monotonic() + PATIENCE_S
        while not is_ready():
            if process.poll() is not None or time.monotonic() > until:
                return {
                    "code": process.poll() or 1,
                    "out": told.read_text(),
                    "err": "it was never ready",
                    "traceback": "",
                }
            time.sleep(0.1)
        return {"code": 0, "out": told.read_text(), "err": "", "traceback": ""}

    def ends(self) -> list[tuple[str, int]]:
        """Interrupt what goes on, the last first; each with its exit code."""
        return [(line, ended(process)) for line, process in reversed(self.begun)]


def ended(process: subprocess.Popen[str]) -> int:
    """The exit code of what is interrupted, unless it is over already."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    return process.wait(timeout=60)


def main() -> None:
    """Type what standard input holds."""
    asked = json.load(sys.stdin)
    os.environ.update({name: str(value) for name, value in TINY.items()})
    shortened()
    if asked["is_shared"]:
        shared()
    person = Person()
    answers = []
    for line in asked["lines"]:
        began = time.process_time()
        answers.append(person.types(line) | {"cpu_s": round(time.process_time() - began, 1)})
        sys.stderr.write(f"{answers[-1]['code']} {answers[-1]['cpu_s']} {line}\n")
    json.dump({"answers": answers, "ended": person.ends()}, sys.stdout)


if __name__ == "__main__":
    main()
