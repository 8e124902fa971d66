"""The commands as a person types them, on a small market."""

import json
from functools import partial

import pytest

from tradsys.cli.app import main
from tradsys.data.simulate import simulate
from tradsys.research.judging import rejudge

QUICK = ["--agent", "logistic", "--set", "regimes.n_starts=2", "--set", "folds.path_groups=4"]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with eight months of bars and one finished run."""
    folder = tmp_path_factory.mktemp("workplace")
    simulate("noise", seed=3, n_bars=5_000).write_parquet(folder / "NOISE-1h.parquet")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["run", "--bars", "NOISE-1h.parquet", *QUICK]) == 0
    return folder


@pytest.fixture(autouse=True)
def inside(workplace, monkeypatch):
    monkeypatch.chdir(workplace)


def test_a_run_ends_with_a_table_a_sentence_each_and_the_report(capsys):
    assert main(["run", "--bars", "NOISE-1h.parquet", *QUICK]) == 0
    shown = capsys.readouterr()
    for words in (
        "SNIPER",
        "EDGE",
        "too little history (126 of 300 days)",
        "would usually stay unproven",
        "report.html",
    ):
        assert words in shown.out
    assert "fold 6 of 6" in shown.err


def test_the_report_is_in_the_run_folder(workplace):
    (first, *_) = sorted((workplace / "runs").iterdir())
    assert (first / "report.html").stat().st_size > 100_000


def test_json_output_is_one_object(capsys):
    assert main(["run", "--bars", "NOISE-1h.parquet", "--json", *QUICK]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"run", "verdict", "report"}


def test_require_proven_has_an_exit_code_of_its_own():
    assert main(["run", "--bars", "NOISE-1h.parquet", "--require-proven", *QUICK]) == 4


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["run", "--bras", "x"], "No such option: --bras. Did you mean --bars?"),
        (["run", "--set", "labels.horizn=6"], "did you mean 'labels.horizon'"),
        (["run", "--set", "labels.horizon"], "--set takes KEY=VALUE"),
        (["run", "--profile", "SNIPPER", *QUICK, "--bars", "NOISE-1h.parquet"], "did you mean SNIPER?"),
        (
            ["run", "--agent", "transfomer"],
            "agent.name: value error, there is no such agent; did you mean transformer?",
        ),
        (["backtest", "--engine", "vectorbot"], "did you mean vectorbt?"),
    ],
)
def test_a_mistyped_name_is_a_usage_error_that_names_the_right_one(args, message, capsys):
    assert main(args) == 2
    assert message in capsys.readouterr().err


def test_an_unknown_profile_is_refused_before_the_data_is_loaded(capsys):
    assert main(["run", "--bars", "no-such-file.csv", "--profile", "SNIPPER", *QUICK]) == 2
    assert "did you mean SNIPER?" in capsys.readouterr().err


def test_a_run_says_what_named_the_deployed_profile(monkeypatch, capsys):
    monkeypatch.setenv("STRATEGY_PROFILE", "EDGE")
    assert main(["run", "--bars", "NOISE-1h.parquet", "--out", "deployed", *QUICK]) == 0
    shown = capsys.readouterr().out
    assert "EDGE is deployed, by STRATEGY_PROFILE in the environment" in shown
    assert "EDGE is deployed; logistic decides in all 6 folds and in the bundle" in shown


def test_compare_shows_the_profiles_and_that_nothing_was_tried_since(capsys):
    assert main(["compare", "--run", "last"]) == 0
    shown = capsys.readouterr().out
    assert "RECKLESS" in shown
    assert "More has been tried" not in shown


def test_compare_says_that_the_ledger_has_grown(capsys):
    assert main(["run", "--bars", "NOISE-1h.parquet", "--seed", "7", "--out", "elsewhere", *QUICK]) == 0
    assert main(["compare"]) == 0
    assert "More has been tried on this data since" in capsys.readouterr().out


def test_backtest_simulates_any_profile_of_a_run(workplace, capsys):
    assert main(["backtest", "--run", "last", "--profile", "reckless", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    metrics = json.loads((workplace / "runs" / shown["run"] / "metrics.json").read_text())
    assert shown["metrics"]["profit_total"] == metrics["profiles"]["RECKLESS"]["metrics"]["profit_total"]


def test_backtest_says_that_the_run_filled_otherwise(capsys, monkeypatch):
    assert main(["backtest", "--run", "last", "--profile", "reckless"]) == 0
    assert "careful" not in capsys.readouterr().out
    monkeypatch.setattr(rejudge, "simulate_decisions", partial(rejudge.simulate_decisions, delay=1))
    assert main(["backtest", "--run", "last", "--profile", "reckless"]) == 0
    assert "it was made by a version of the code that filled or charged otherwise" in capsys.readouterr().out


@pytest.mark.slow
def test_backtest_shows_the_same_trades_through_vectorbt(capsys):
    pytest.importorskip("vectorbt", reason="the vectorbt extra is not installed")
    assert main(["backtest", "--run", "last", "--profile", "RECKLESS", "--engine", "vectorbt"]) == 0
    shown = capsys.readouterr().out
    assert "Total Return" in shown
    assert "the kernel's of whole days" in shown


def test_a_missing_run_names_the_nearest(capsys):
    assert main(["compare", "--run", "nothing-like-it"]) == 3
    assert "the nearest is" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "exit_code", "why"),
    [
        ("--out", 2, "the run goes to NOISE-1h.parquet, which cannot be written"),
        ("--journal", 1, "NOISE-1h.parquet is a file, wanted the folder of a ledger; name another folder"),
    ],
)
def test_a_folder_that_cannot_be_written_is_refused_before_the_work(option, exit_code, why, capsys):
    assert main(["run", "--bars", "NOISE-1h.parquet", option, "NOISE-1h.parquet", *QUICK]) == exit_code
    shown = capsys.readouterr().err
    assert why in shown
    assert "fold 1" not in shown


def test_a_run_that_would_not_fit_is_refused_before_it_starts(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RUNPOD_MEM_GB", "0.488")
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--bars", "sample", "--agent", "logistic"]) == 1
    assert "a run of 8,686 bars without a network needs about" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
