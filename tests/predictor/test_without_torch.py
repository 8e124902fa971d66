"""A bundle decides where only the deciding libraries are installed."""

import subprocess
import sys

import pytest

DECIDE = """
import sys
for name in ("torch", "sklearn", "xgboost", "statsmodels", "typer", "jinja2"):
    sys.modules[name] = None  # importing it fails
import polars as pl
from tradsys.predictor import Predictor
bars = pl.read_parquet(sys.argv[2]).drop("symbol")
print(Predictor.load(sys.argv[1]).decide(bars).probability)
print(*sorted(name for name in sys.modules if name.startswith("tradsys.")))
"""

MOST_FILES = 113
"""What a bot imports of the package to decide; 122 before loading a bundle left data, store and simulator out.

101 until barrier rules came: what they are, their names, and the check of what they measure. 104 until kernels were
kept by what they are made of, work was held to one thread, and regimes were fitted by a kernel of our own. 107 until
decisions named their bar by a hash, and trees were evaluated here instead of by XGBoost.
"""
RESEARCH = ("backtest", "cli", "data", "journal", "machine", "report", "research", "runs", "settings", "verdict")


def test_a_bundle_decides_with_the_deciding_libraries_and_files_alone(finished):
    folder = finished[0].folder
    command = [sys.executable, "-c", DECIDE, folder / "bundle", folder / "bars.parquet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    probability, imported = done.stdout.splitlines()
    assert 0 < float(probability) < 1
    files = imported.split()
    assert [name for name in files if name.split(".")[1] in RESEARCH] == []
    assert len(files) <= MOST_FILES


@pytest.mark.parametrize("short", [1, 0])
def test_a_decision_says_how_many_bars_it_wants(finished, short):
    import polars as pl

    from tradsys.core.errors import NotEnoughBars
    from tradsys.predictor import Predictor

    predictor = Predictor.load(finished[0].folder / "bundle")
    bars = pl.read_parquet(finished[0].folder / "bars.parquet").drop("symbol").tail(predictor.lookback - short)
    if short:
        with pytest.raises(NotEnoughBars, match=rf"needs {predictor.lookback} closed bars, found {len(bars)}"):
            predictor.decide(bars)
    else:
        assert predictor.decide(bars).start > bars["ts"][-1]
