"""What a command works with comes from one call."""

import inspect
import subprocess
import sys

import pytest

from tradsys.cli import compare, lookahead, rank, run, train, tune
from tradsys.cli.loading import Needs, configured_work, load
from tradsys.cli.options import ReadingOptions
from tradsys.core.errors import DataError, MachineError
from tradsys.data.simulate import simulate
from tradsys.machine.plan import Work
from tradsys.settings.config import RunConfig

NEEDS = Needs("run")


@pytest.fixture
def bars(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    simulate("noise", seed=1, n_bars=300).write_parquet("X-1h.parquet")
    return ["X-1h.parquet"]


def test_settings_market_and_plan_come_together(bars, tmp_path):
    (tmp_path / "mine.toml").write_text('[machine]\nplan = "beast"\n[agent]\nname = "logistic"\n')
    loaded = load(bars, {"labels.horizon": "6"}, needs=NEEDS, file=tmp_path / "mine.toml", work=configured_work)
    assert (loaded.config.labels.horizon, loaded.config.agent.name) == (6, "logistic")
    assert len(loaded.market.bars) == 300
    assert loaded.plan.name == "beast"


def test_settings_that_the_command_has_changed_stand(bars):
    loaded = load(bars, {}, needs=NEEDS, file=None, work=configured_work, config=RunConfig(agent={"name": "logistic"}))
    assert loaded.config.agent.name == "logistic"


def test_work_that_does_not_fit_is_refused_by_its_size(bars):
    with pytest.raises(MachineError, match="a great deal of 300 bars needs about"):
        load(bars, {}, needs=NEEDS, file=None, work=lambda _, n: Work(f"a great deal of {n} bars", 10**15, "do less"))


def test_ranks_read_bars_and_funding_alone(bars):
    overrides = {"positions.sources": "nowhere.csv?lag_s=1", "agent.name": "logistic"}
    assert load(bars, overrides, needs=NEEDS, file=None, work=configured_work, ranks=True).market.outside == ()
    with pytest.raises(DataError, match=r"no file nowhere\.csv"):
        load(bars, overrides, needs=NEEDS, file=None, work=configured_work)


@pytest.mark.parametrize("command", [run, train, tune, lookahead, compare], ids=lambda one: one.__name__)
def test_positions_have_both_names_wherever_they_are_read(command):
    (option,) = inspect.signature(command.command).parameters["positions"].annotation.__metadata__
    assert (option.default, *option.param_decls) == ("--positions", "--flow")  # typer reads both as names


@pytest.mark.parametrize("command", [run, train, tune, lookahead, compare, rank], ids=lambda one: one.__name__)
def test_every_command_that_takes_bars_takes_what_is_said_of_files(command):
    assert {"bars", "tz", "symbol", "columns"} <= set(inspect.signature(command.command).parameters)


def test_a_market_says_how_its_files_were_read(bars):
    said = ReadingOptions(symbol=["BTC"]).of(bars)
    market = load(said, {"agent.name": "logistic"}, needs=NEEDS, file=None, work=configured_work).market
    assert (market.symbols, market.sources) == (("BTC",), ("X-1h.parquet?symbol=BTC",))
    assert ReadingOptions().of(["sample"]) == ["sample"]


def test_bars_of_a_file_are_read_without_what_only_some_simulated_markets_need():
    program = "import sys, tradsys.data.market, tradsys.research.run; print('scipy.signal' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
