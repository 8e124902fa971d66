import subprocess
import sys

import pytest

DECIDE = """
import sys
for name in ("torch", "hmmlearn", "sklearn", "statsmodels", "typer", "jinja2"):
    sys.modules[name] = None  # importing it fails
import polars as pl
from tradsys.predictor import Predictor
bars = pl.read_parquet(sys.argv[2]).drop("symbol")
print(Predictor.load(sys.argv[1]).decide(bars).probability)
"""


def test_a_bundle_decides_where_only_the_deciding_libraries_are_installed(finished):
    folder = finished[0].folder
    command = [sys.executable, "-c", DECIDE, folder / "bundle", folder / "bars.parquet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert 0 < float(done.stdout) < 1


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
