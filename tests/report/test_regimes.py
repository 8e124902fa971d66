import polars as pl
import pytest

from tradsys.report.breakdown import breakdown_card
from tradsys.report.regimes import named_regimes
from tradsys.runs.stored import StoredRun


@pytest.mark.parametrize(
    ("n_states", "names"),
    [(0, ("quiet", "trend", "panic")), (3, ("quiet", "trend", "panic")), (2, ("quiet", "wildest"))],
)
def test_states_are_named_by_how_many_there_are(n_states, names):
    assert named_regimes(pl.DataFrame({f"regime_{k}": [0.5] for k in range(n_states)})) == names


def test_a_run_of_four_states_shows_no_panic_where_there_is_none(make_run):
    folder = make_run()
    path = folder / "forecasts.parquet"
    pl.read_parquet(path).with_columns(**{f"regime_{k}": pl.lit(0.25) for k in range(4)}).write_parquet(path)
    (regimes,) = (table for table in breakdown_card(StoredRun(folder), ["EDGE"]).tables if table.title == "Regime")
    assert [name for name, _ in regimes.rows] == ["quiet", "regime 1", "regime 2"]
