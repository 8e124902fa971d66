"""`tradsys tune` as a person types it, and what is left of it when it is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tradsys.cli.app import main
from tradsys.data.simulate import simulate
from tradsys.journal.judged import JudgedData
from tradsys.journal.ledger import Ledger
from tradsys.research.judging.trials import judged_data
from tradsys.runs.at_work import jobs
from tradsys.settings.config import RunConfig

QUICK = (
    *("--set", "folds.initial=0.6", "--set", "folds.n_folds=2", "--set", "agent.name=logistic"),
    *("--set", "features.names=returns,average_distance", "--seeds", "1"),
)
OVER = ("--over", "agent.penalty", "--over", "labels.horizon=6:24")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    simulate("edge:3", seed=2, n_bars=2_500).write_parquet(tmp_path / "EDGE-1h.parquet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tune(*more, trials=6, processes=1):
    size = ("--trials", str(trials), "--batch", "3", "--processes", str(processes))
    return ["tune", "--bars", "EDGE-1h.parquet", *QUICK, *size, *more]


def numbers(folder):
    return [entry.content["number"] for entry in Ledger(folder / "journal" / "ledger.jsonl").entries("tuning")]


def test_a_study_is_run_gone_on_with_and_zoomed_into(folder, capsys):
    assert main(tune(*OVER, "--study", "first", "--json")) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["n_trials"], first["n_new"], first["measure"]) == (6, 6, "growth")
    assert len(first["trials"]) == 6
    golden = folder / "journal" / "tuning" / "first" / "golden.toml"
    chosen = RunConfig.load(file=golden)
    assert all(chosen.settings[key] == value for key, value in first["chosen"]["settings"].items())

    before = ((folder / "journal" / "ledger.jsonl").read_bytes(), golden.read_bytes())
    assert main(tune(*OVER, "--study", "first", "--json")) == 0
    assert json.loads(capsys.readouterr().out)["n_new"] == 0
    assert ((folder / "journal" / "ledger.jsonl").read_bytes(), golden.read_bytes()) == before

    assert main(tune(*OVER, "--study", "first", trials=15)) == 0
    shown = capsys.readouterr()
    assert "15 trials (9 now)" in shown.out
    assert "best so far" in shown.err

    assert main(tune(*OVER, "--zoom-in", "first", "--study", "second", "--json", trials=4)) == 0
    second = json.loads(capsys.readouterr().out)
    assert second["parent"] == "first"
    entries = Ledger(folder / "journal" / "ledger.jsonl").entries("tuning")
    assert {entry.content["parent"] for entry in entries if entry.content["study"] == "second"} == {"first"}


def test_tuning_adds_no_trial_to_what_a_verdict_counts(folder):
    from tradsys.data import load_market

    main(tune(*OVER, trials=3))
    ledger = Ledger(folder / "journal" / "ledger.jsonl")
    assert len(ledger.entries("tuning")) == 3
    market = load_market(["EDGE-1h.parquet"])
    assert ledger.n_trials_on(market.blocks) == 0
    tuned = JudgedData.of_entry(ledger.entries("tuning")[0].content)
    tested = judged_data(market, tuned.closes, market.closes)
    assert ledger.n_trials_on(tested) == 0


def test_a_run_that_is_tested_where_a_study_scored_counts_its_trials(folder):
    """Later data moves the test blocks, and other folds may begin earlier: then the study had looked at them."""
    from tradsys.data import load_market

    main(tune(*OVER, trials=3))
    ledger = Ledger(folder / "journal" / "ledger.jsonl")
    tuned = JudgedData.of_entry(ledger.entries("tuning")[0].content)
    tested = judged_data(load_market(["EDGE-1h.parquet"]), tuned.closes - 86_400_000, tuned.closes + 86_400_000)
    assert ledger.n_trials_on(tested) == 3


def test_a_study_at_work_leaves_a_mark_among_the_studies(folder, monkeypatch):
    from tradsys.research.tuning import tune as tuning

    seen, work = [], tuning._work
    monkeypatch.setattr(
        tuning, "_work", lambda *given: (seen.extend(jobs(folder / "journal" / "tuning")), work(*given))
    )
    assert main(tune(*OVER, "--study", "marked", trials=3)) == 0
    assert [one.title for one in seen] == ["study marked"]
    assert jobs(folder / "journal" / "tuning") == []


def test_a_time_limit_stops_before_the_next_batch(folder, capsys):
    assert main(tune(*OVER, "--time-limit", "0", trials=90)) == 0
    assert "3 trials (3 now)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["--over", "agent.penality"], 2, "did you mean 'agent.penalty'?"),
        (["--over", "agent.window"], 2, "nothing is left to tune"),
        (["--over", "agent.name"], 2, "agent.name is fixed and tuned at once"),
        (["--over", "agent.penalty", "--measure", "sharpe"], 2, "there are skill and growth"),
        (["--over", "agent.penalty", "--zoom-in", "nothing"], 2, "there is no study 'nothing'"),
        (["--over", "agent.penalty", "--study", "../x"], 2, "a study's name is made of"),
        (["--over", "agent.penalty", "--storage", "sqlite:///x"], 2, "SQLite is slow"),
        (["--over", "labels.horizon=100:2400"], 3, "found none in"),
        (["--over", "labels.horizon=900:1900"], 1, "no trial of the first batch could be scored"),
    ],
)
def test_a_mistake_is_one_sentence(folder, capsys, args, code, message):
    assert main(tune(*args, trials=1)) == code
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_ctrl_c_ends_it_at_once_with_its_processes_at_work(folder):
    """As a terminal does it: the signal reaches the whole group."""
    begin = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # a shell's jobs may be deaf to it
    )
    run = "from tradsys.__main__ import main; import sys; sys.exit(main())"
    args = [sys.executable, "-c", f"{begin}; {run}", *tune(*OVER, "--study", "stopped", trials=300, processes=2)]
    with subprocess.Popen(args, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert any("first batch" in line for line in process.stderr)
        time.sleep(6)
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        said = process.stderr.read()
        assert process.wait(30) == 130
    assert time.monotonic() - began < 5  # two on a machine that is not busy
    assert said.strip().splitlines()[-1] == "tradsys: interrupted"
    assert "Traceback" not in said


@pytest.mark.slow
def test_killed_in_the_middle_of_a_batch_it_goes_on_and_loses_nothing(folder, repository):
    """kill -9 in the third fold of the second batch, with processes at work; then the same command again."""
    script = repository / "tests" / "research" / "tuning" / "killed.py"
    args = [*tune(*OVER, "--study", "killed", "--json", trials=9, processes=2)]

    def begin(call):
        return subprocess.run([sys.executable, script, str(call), *args], capture_output=True, text=True, check=False)

    first = begin(8)
    assert first.returncode == -signal.SIGKILL
    assert sorted(numbers(folder)) == [0, 1, 2]
    assert left_behind(folder) == []
    second = begin(0)
    assert second.returncode == 0, second.stderr
    told = json.loads(second.stdout)
    assert (told["n_trials"], told["n_new"]) == (9, 6)
    entered = numbers(folder)
    assert len(entered) == len(set(entered)) == 9
    assert {0, 1, 2, 3, 4, 5} <= set(entered)  # the three that were running are there under their own numbers
    third = begin(0)
    assert json.loads(third.stdout)["n_new"] == 0
    assert numbers(folder) == entered


def left_behind(folder) -> list[str]:
    """Processes that still work in this folder."""
    import time

    for _ in range(100):
        found = [p for p in Path("/proc").glob("[0-9]*") if p.name != str(os.getpid()) and _works_in(p, folder)]
        if not found:
            return []
        time.sleep(0.1)
    return [path.name for path in found]


def _works_in(process: Path, folder: Path) -> bool:
    try:
        return (process / "cwd").resolve() == folder.resolve()
    except OSError:
        return False


def test_all_agents_are_told_apart_by_their_trials(folder, capsys):
    over = ("--over", "agent.name=logistic,symmetric", "--agent", "all", "--json")
    assert main(tune(*over, trials=6)) == 0
    trials = json.loads(capsys.readouterr().out)["trials"]
    assert trials[0]["settings"] == {"agent.name": "logistic"}
    assert {one["settings"]["agent.name"] for one in trials} == {"logistic", "symmetric"}
