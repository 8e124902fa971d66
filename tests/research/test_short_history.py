"""Too little history, and prices that never move: a sentence that says so, not an error of some part inside."""

import polars as pl
import pytest

from tradsys.core.errors import NotEnoughBars
from tradsys.data import load_market
from tradsys.data.simulate import simulate
from tradsys.research.walk.experiment import run_experiment
from tradsys.research.walk.experiment_spec import experiment_from


def _market(tmp_path, bars: pl.DataFrame):
    bars.write_parquet(tmp_path / "SHORT-1h.parquet")
    return load_market([tmp_path / "SHORT-1h.parquet"])


@pytest.mark.parametrize("n_bars", [500, 1_500, 2_000])
def test_a_short_history_is_said_to_be_too_short(n_bars, quick_config, tmp_path):
    market = _market(tmp_path, simulate("noise", seed=1, n_bars=n_bars))
    with pytest.raises(NotEnoughBars, match=rf"{n_bars:,} bars are too few for these settings: the first fold would"):
        run_experiment(market, experiment_from(quick_config))


def test_bars_that_hold_no_label_are_refused(quick_config, tmp_path):
    bars = simulate("noise", seed=1, n_bars=400).with_columns(
        pl.lit(100.0).alias(c) for c in ("open", "high", "low", "close")
    )
    with pytest.raises(NotEnoughBars, match="needs prices that move and 24 bars after it, found none in 320 bars"):
        run_experiment(_market(tmp_path, bars), experiment_from(quick_config))
