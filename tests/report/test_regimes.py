import polars as pl
import pytest

from tradsys.report.regimes import named_regimes


@pytest.mark.parametrize(
    ("n_states", "names"),
    [(0, ("quiet", "trend", "panic")), (3, ("quiet", "trend", "panic")), (2, ("quiet", "wildest"))],
)
def test_states_are_named_by_how_many_there_are(n_states, names):
    assert named_regimes(pl.DataFrame({f"regime_{k}": [0.5] for k in range(n_states)})) == names
