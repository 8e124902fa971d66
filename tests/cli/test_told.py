import pytest

from tradsys.cli.app import main
from tradsys.cli.told import danger_lines, unread_lines
from tradsys.settings.config import RunConfig


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(command, **overrides):
    config = RunConfig.load(overrides=overrides)
    return list(unread_lines(command, config, file=None, overrides=overrides))


def test_a_setting_of_another_command_is_told_with_its_namesake():
    assert told("run", **{"rank.horizon": "6"}) == [
        "not read: rank.horizon, which the command line sets, changes nothing here: tradsys run does not read it; "
        "did you mean labels.horizon?"
    ]
    (line,) = told("rank", **{"portfolio.sides": "long"})
    assert line.endswith("tradsys rank does not read it")


def test_of_a_file_only_what_differs_from_the_default_is_told(empty_folder):
    (empty_folder / "tradsys.toml").write_text("[rank]\nhorizon = 24\nlookback = 99\n")
    (line,) = told("run")
    assert line.startswith("not read: rank.lookback, which tradsys.toml sets")


def test_the_command_says_it_before_it_works_and_apart_from_its_output(capsys):
    assert main(["run", "--bars", "missing.csv", "--json", "--set", "rank.k=3", "--set", "costs.slippage_bps=0"]) != 0
    shown = capsys.readouterr()
    assert "not read: rank.k" in shown.err
    assert "careful: costs.slippage_bps is 0" in shown.err
    assert shown.out == ""


def test_commands_of_data_tell_what_they_do_not_read_and_refuse_what_is_no_setting(capsys):
    assert main(["data", "list", "--set", "labels.horizon=6"]) == 0
    assert "not read: labels.horizon" in capsys.readouterr().err
    assert main(["data", "list", "--set", "labels.horizn=6"]) == 2
    assert "did you mean 'labels.horizon'" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "n"), [("run", 1), ("rank", 1), ("tune", 0), ("lookahead", 0)])
def test_dangers_are_told_where_something_is_traded(command, n):
    config = RunConfig(portfolio={"cap": 3.0})
    assert len(list(danger_lines(command, config))) == n
