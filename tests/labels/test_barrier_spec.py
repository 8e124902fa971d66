"""The frozen spec of a run's labels."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.labels.hand_made import random_bars

from tradsys.core.errors import ConfigError
from tradsys.labels import BarrierSpec, cusum, triple_barrier


def test_both_sides_are_the_two_label_series() -> None:
    bars = random_bars(300, 5)
    spec = BarrierSpec(upper=2.0, lower=1.0, horizon=7, atr_period=10)
    both = spec.label(bars)
    for side in (1, -1):
        own = both.filter(pl.col("side") == side).drop("side")
        assert_frame_equal(own, triple_barrier(bars, upper=2.0, lower=1.0, horizon=7, atr_period=10, side=side))
    assert both["side"].dtype == pl.Int8


def test_cusum_events_are_the_rows_that_are_labelled() -> None:
    bars = random_bars(300, 6)
    labels = BarrierSpec(horizon=5, events="cusum", cusum_threshold=2.0).label(bars)
    expected = [row for row in cusum(bars, 2.0).tolist() if row + 5 < 300]
    assert labels["index"].to_list() == expected * 2


def test_distances_and_rules_are_checked_when_the_spec_is_made() -> None:
    with pytest.raises(ConfigError, match=r"were -1.5 and 1.5"):
        BarrierSpec(upper=-1.5)
    with pytest.raises(ConfigError, match="'every' or 'cusum', was 'all'"):
        BarrierSpec(events="all")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="cusum_threshold"):
        BarrierSpec(cusum_threshold=0.0)


def test_the_usual_spec_labels_every_bar_as_a_usual_trade() -> None:
    spec = BarrierSpec()
    assert (spec.upper, spec.lower, spec.horizon, spec.atr_period) == (1.5, 1.5, 24, 14)
    assert (spec.events, spec.cusum_threshold) == ("every", 1.0)
    bars = random_bars(200, 7)
    assert_frame_equal(spec.label(bars).drop("side"), pl.concat(triple_barrier(bars, side=side) for side in (1, -1)))
    assert spec.event_rows(bars).tolist() == list(range(200))


def test_cusum_events_are_measured_in_the_specs_own_atr() -> None:
    bars = random_bars(300, 8)
    spec = BarrierSpec(events="cusum", cusum_threshold=0.7, atr_period=5)
    assert spec.event_rows(bars).tolist() == cusum(bars, 0.7, atr_period=5).tolist()
    assert spec.event_rows(bars).tolist() != cusum(bars, 0.7).tolist()
