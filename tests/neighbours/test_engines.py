"""A run's trades as other libraries' objects, in one call."""

import re
import subprocess

import pytest
from tests.neighbours.environments import ROOT, environment, python_of

from tradsys.core.errors import ConfigError, DataError
from tradsys.neighbours import nautilus_engine, vectorbt_portfolio
from tradsys.neighbours.engines import _one_of
from tradsys.runs import StoredRun
from tradsys.runs.tables import EQUITY, TRADES


def example_text(name, folder):
    """The page's example that imports this, about a run in a folder."""
    page = (ROOT / "docs" / "neighbours.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```$", page, flags=re.M | re.S)
    (block,) = [one for one in blocks if f"import {name}\n" in one]
    return block.replace("runs/<id>", str(folder))


def example(name, folder):
    """What the example leaves."""
    left = {}
    exec(compile(example_text(name, folder), "neighbours.md", "exec"), left)
    return left


class TestVectorbt:
    @pytest.fixture(autouse=True)
    def library(self):
        pytest.importorskip("vectorbt", reason="the [vectorbt] extra is not installed")

    @pytest.mark.slow
    def test_the_example_of_the_page_ends_where_the_run_did(self, finished):
        run = StoredRun(finished[0].folder)
        portfolio = example("vectorbt_portfolio", run.folder)["portfolio"]
        ours = run.table(EQUITY).filter(profile="EDGE")["equity"][-1]
        assert float(portfolio.final_value()) == pytest.approx(ours, abs=0.005)
        assert int(portfolio.trades.count()) == len(run.table(TRADES).filter(profile="EDGE")) > 50

    def test_a_run_that_is_not_there_is_named(self, tmp_path):
        with pytest.raises(DataError, match="no finished runs in"):
            vectorbt_portfolio("last", runs=tmp_path)


class TestNautilus:
    def test_one_symbol_is_chosen_and_another_refused(self):
        assert (_one_of(("A",), None), _one_of(("A", "B"), "B")) == ("A", "B")
        for asked in (None, "C"):
            with pytest.raises(ConfigError, match="choose among A, B"):
                _one_of(("A", "B"), asked)

    def test_it_says_what_to_install_where_it_is_not(self, finished):
        from importlib.util import find_spec

        if find_spec("nautilus_trader") is not None:
            pytest.skip("the [nautilus] extra is installed")
        with pytest.raises(ConfigError, match=r"tradsys\[nautilus\]"):
            nautilus_engine(finished[0].folder)

    @pytest.mark.slow
    def test_the_engine_has_run_every_trade_and_shows_them(self, finished, tmp_path):
        source = example_text("nautilus_engine", finished[0].folder).replace(', symbol="BTCUSDT"', "")
        source = source.replace("engine.get_result()", "print(engine.get_result().total_positions)")
        source = "\n".join(line for line in source.splitlines() if "pandas" not in line)
        command = [python_of("nautilus"), "-c", source]
        done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        n_trades = len(finished[0].table(TRADES).filter(profile="EDGE"))
        assert int(done.stdout) == n_trades > 50
