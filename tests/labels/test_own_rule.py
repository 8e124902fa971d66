"""A barrier rule of one's own: labelled by, held to what it promises, and written down."""

from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.labels.hand_made import bars_from, random_bars
from tests.labels.rules import EveryThird, MedianRange, Says

from tradsys.core.errors import ConfigError
from tradsys.core.registry import forget
from tradsys.labels import BarrierSpec, EwmaVolatility, register_barrier_rule, triple_barrier, volatility_expansion
from tradsys.labels.registry import barrier_rule, check_rule, rule_to_dict
from tradsys.settings.sections import LabelSettings


@pytest.fixture
def registered():
    register_barrier_rule(MedianRange)
    yield MedianRange
    forget("tests")


def test_distances_are_multiples_of_what_it_measures() -> None:
    """Ranges of 2 and 4 alternate, so that their median over 2 bars is 3: target 103, stop 97 about 100."""
    bars = bars_from([(100, 101, 99, 100), (100, 102, 98, 100)] * 2 + [(100, 103, 98, 100), (100, 101, 96, 100)])
    own = BarrierSpec(upper=1.0, lower=1.0, horizon=2, rule=MedianRange(2)).label(bars)
    long = own.filter(pl.col("side") == 1)
    assert long["index"].to_list() == [1, 2, 3]
    assert long["reason"].to_list() == ["time", "target", "target"]
    assert long["exit"].to_list() == [100.0, 103.0, 103.0]
    assert_frame_equal(
        long.drop("side"), triple_barrier(bars, upper=1.0, lower=1.0, horizon=2, rule=MedianRange(2), side=1)
    )


def test_what_follows_is_measured_against_it() -> None:
    bars, rule = random_bars(80, 3), MedianRange(5)
    usual, own = volatility_expansion(bars, horizon=6), volatility_expansion(bars, horizon=6, rule=rule)
    both = np.isfinite(usual.value) & np.isfinite(own.value)
    gap = np.log(BarrierSpec().pace(bars)) - np.log(rule.pace(bars))
    np.testing.assert_allclose((own.value - usual.value)[both], gap[both], rtol=1e-10)
    assert both.sum() > 50


@pytest.mark.parametrize("none", [np.nan, 0.0, -1.0])
def test_rows_without_a_positive_pace_have_no_label(none) -> None:
    bars = random_bars(20, 8)
    pace = np.full(20, 2.0)
    pace[[3, 7]] = none
    spec = BarrierSpec(horizon=1, rule=Says(pace))
    assert set(range(20)) - set(spec.label(bars)["index"].to_list()) == {3, 7, 19}
    assert not (spec.pace(bars) < 0).any()


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (np.ones(5), r"found float64 of shape \(5,\)"),
        (np.ones((20, 1)), r"found float64 of shape \(20, 1\)"),
        (np.ones(20, np.int64), r"found int64 of shape \(20,\)"),
        (np.full(20, "2"), r"found <U1 of shape \(20,\)"),
        (pl.Series([1.0] * 20), "found a polars Series"),
        ([1.0] * 20, "found a builtins list"),
        (None, "found a builtins NoneType"),
    ],
)
def test_what_is_no_number_a_bar_is_refused_by_the_rules_name(values, found) -> None:
    with pytest.raises(ConfigError, match=rf"'says' measures a pace for each bar, .* shape \(20,\), {found}"):
        BarrierSpec(rule=Says(values)).label(random_bars(20, 8))


def test_barriers_at_infinity_are_refused() -> None:
    with pytest.raises(ConfigError, match="'says' measures a pace in price units, found inf in row 4; return NaN"):
        BarrierSpec(rule=Says(np.where(np.arange(20) == 4, np.inf, 1.0))).label(random_bars(20, 8))


def test_its_own_events_are_the_rows_that_are_labelled() -> None:
    bars = random_bars(60, 9)
    spec = BarrierSpec(horizon=2, rule=EveryThird())
    assert spec.event_rows(bars).tolist() == list(range(0, 60, 3))
    assert spec.label(bars)["index"].unique().to_list() == list(range(12, 58, 3))
    with pytest.raises(ConfigError, match="'every_third' chooses its events itself, found events 'cusum' too"):
        replace(spec, events="cusum")


def test_events_are_a_mask() -> None:
    class Rows(EveryThird):
        def event_rows(self, bars):
            return np.arange(3)

    with pytest.raises(ConfigError, match=r"'every_third' says of each bar .* shape \(9,\), found int64 of shape"):
        BarrierSpec(rule=Rows()).event_rows(random_bars(9, 1))


def test_cusum_is_measured_in_it() -> None:
    bars = random_bars(200, 10)
    rows = BarrierSpec(events="cusum", rule=Says(np.full(200, 4.0))).event_rows(bars)
    close = bars["close"].to_numpy()
    up = down = 0.0
    wanted = []
    for t in range(1, 200):
        up, down = max(0.0, up + (close[t] - close[t - 1]) / 4), min(0.0, down + (close[t] - close[t - 1]) / 4)
        if up >= 1 or down <= -1:
            wanted.append(t)
            up = down = 0.0
    assert rows.tolist() == wanted
    assert len(wanted) > 5


@pytest.mark.parametrize("spec", [BarrierSpec(atr_period=9), BarrierSpec(upper=2.0, rule=EwmaVolatility(span=30))])
def test_a_spec_comes_back_from_json(spec) -> None:
    assert BarrierSpec.from_dict(spec.to_dict()) == spec
    assert ("rule" in spec.to_dict()) == (spec.rule is not None)


def test_one_that_nobody_registered_is_not_written_down(registered) -> None:
    assert BarrierSpec.from_dict(BarrierSpec(rule=MedianRange(7)).to_dict()).rule == MedianRange(7)
    with pytest.raises(ConfigError, match="Says is no registered barrier rule"):
        rule_to_dict(Says(None))
    with pytest.raises(ConfigError, match="there is no barrier rule 'else'; known are atr, ewma_volatility, median"):
        BarrierSpec.from_dict({"rule": {"rule": "else"}})


def test_settings_name_it(registered) -> None:
    assert barrier_rule("median_range", LabelSettings()) == MedianRange()
    assert barrier_rule("ewma_volatility", LabelSettings(volatility_span=30)) == EwmaVolatility(span=30)
    with pytest.raises(ValueError, match=r"did you mean median_range.* known are atr, ewma_volatility, median_range"):
        check_rule("median_rnge")


@dataclass(frozen=True)
class NoPace:
    name = "no_pace"
    lookback = 1


class Loose(MedianRange):
    __dataclass_params__ = None


class Nameless(MedianRange):
    name = 3


@pytest.mark.parametrize(
    ("cls", "words"),
    [
        (NoPace, "a barrier rule has name, lookback, pace, and NoPace lacks pace"),
        (Loose, "a barrier rule is a frozen dataclass, found Loose"),
        (Nameless, "a barrier rule's name is one word that stands in its class, found 3 in Nameless"),
        (EwmaVolatility, "barrier rule 'ewma_volatility' is registered already, by tradsys"),
    ],
)
def test_what_is_no_rule_is_not_registered(cls, words) -> None:
    with pytest.raises(ConfigError, match=words):
        register_barrier_rule(cls)


def test_a_lookback_counts_bars() -> None:
    with pytest.raises(ConfigError, match=r"lookback of the barrier rule 'median_range' counts .* at least 1, was 0"):
        BarrierSpec(rule=MedianRange(0))


@dataclass(frozen=True)
class WithRule(MedianRange):
    rule: str = "median"


@dataclass(frozen=True)
class WithPairs(MedianRange):
    pairs: tuple[tuple[int, int], ...] = ((1, 2),)


@dataclass(frozen=True)
class WithDay(MedianRange):
    day: date = date(2024, 1, 1)


@dataclass(frozen=True)
class WithOwnSum(MedianRange):
    total: int = field(default=3, init=False)


@pytest.mark.parametrize("cls", [WithRule, WithPairs, WithDay, WithOwnSum])
def test_a_rule_that_a_bundle_would_not_give_back_is_refused_before_any_work(registered, cls) -> None:
    forget("tests")
    register_barrier_rule(cls)
    with pytest.raises(ConfigError, match="'median_range' cannot be written into a bundle and read again: its fields"):
        barrier_rule("median_range", LabelSettings())
