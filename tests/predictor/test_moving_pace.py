"""A bot steps with any barrier rule as the history has it."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pytest
from tests.labels.hand_made import random_bars
from tests.labels.rules import MedianRange

from tradsys.core.errors import ConfigError
from tradsys.features.stream.bar import bars_of
from tradsys.labels import BarrierSpec, EwmaVolatility
from tradsys.predictor import LivePredictor
from tradsys.predictor.moving_pace import moving_pace


@dataclass(frozen=True)
class Fails(MedianRange):
    """It cannot do with a volume of 7."""

    def pace(self, bars):
        if (bars["volume"] == 7).any():
            raise DataGone
        return super().pace(bars)


class DataGone(ConfigError):
    pass


@dataclass(frozen=True)
class StepsElsewhere(EwmaVolatility):
    def moving(self, bars):
        return EwmaVolatility(self.span + 1).moving(bars)


class IsVolume(NamedTuple):
    pace: float

    def after(self, bar):
        return IsVolume(bar.volume)


@dataclass(frozen=True)
class StepsToVolume(MedianRange):
    """Every step leads to the bar's volume, whatever that is; it begins where the history says."""

    def pace(self, bars):
        return np.append(super().pace(bars)[:-1], bars["volume"][-1])

    def moving(self, bars):
        return IsVolume(0.0)


@pytest.mark.parametrize("rule", [MedianRange(), EwmaVolatility(span=20), BarrierSpec().pacing])
def test_the_pace_goes_on_as_the_batch_does(rule) -> None:
    bars = random_bars(500, 3)
    batch, moving = BarrierSpec(rule=rule).pace(bars), moving_pace(rule, bars[:400])
    for row, bar in enumerate(bars_of(bars[400:]), start=400):
        assert moving.pace == pytest.approx(batch[row - 1], rel=1e-12)
        moving = moving.after(bar)


def test_who_steps_elsewhere_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"measures .* bar by bar and .* as a batch; mend its `moving`, or leave it"):
        moving_pace(StepsElsewhere(20), random_bars(300, 4))


def test_a_step_is_held_to_what_a_batch_is() -> None:
    bars = random_bars(60, 5)
    moving, bar = moving_pace(StepsToVolume(), bars), bars_of(bars)[-1]
    assert np.isnan(moving.after(bar._replace(volume=-1.0)).pace)
    with pytest.raises(ConfigError, match=r"a pace in price units, found inf after the bar of .*; let it be NaN"):
        moving.after(bar._replace(volume=np.inf))


@pytest.mark.parametrize("rule", [MedianRange(), EwmaVolatility(span=20)], ids=["anew", "step"])
def test_a_live_predictor_decides_as_the_history_does(bars, predictor, rule) -> None:
    own = replace(predictor, barriers=replace(predictor.barriers, rule=rule))
    live = LivePredictor(own)
    said = [live.warm(bars[:2000])] + [live.step(bar) for bar in bars_of(bars[2000:2030])]
    batch = own.decide_many(bars[:2030])[1999:]
    for name in ("stop_distance", "target_distance"):
        np.testing.assert_allclose([getattr(one, name) for one in said], batch[name], rtol=1e-12)
    assert [one.action for one in said] == batch["action"].to_list()
    usual = predictor.decide_many(bars[:2030])[1999:]
    assert (batch["stop_distance"] != usual["stop_distance"]).all()
    assert own.decide(bars[:2030]).stop_distance == pytest.approx(said[-1].stop_distance, rel=1e-6)


def test_a_step_whose_rule_fails_moves_nothing(bars, predictor) -> None:
    live = LivePredictor(replace(predictor, barriers=replace(predictor.barriers, rule=Fails())))
    live.warm(bars[:2000])
    due = bars_of(bars[2000:2001])[0]
    with pytest.raises(DataGone):
        live.step(due._replace(volume=7.0))
    assert live.step(due).stop_distance > 0
