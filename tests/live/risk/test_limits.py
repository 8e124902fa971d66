"""Limits that cannot mean anything are refused by name."""

import pytest

from tradsys.core.errors import ConfigError
from tradsys.live.risk.limits import RiskLimits, limits_of
from tradsys.settings.trade import TradeSettings

COUNTS = ("max_open_trades", "orders_per_minute", "max_errors", "drift_rows")


@pytest.mark.parametrize("name", RiskLimits.__dataclass_fields__)
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "1", True])
def test_each_limit_is_a_number_that_means_something(name, value):
    with pytest.raises(ConfigError, match=f"{name} must"):
        RiskLimits(**{name: value})


@pytest.mark.parametrize("name", ["daily_loss", "max_drawdown", "drift_share", "liquidation_distance"])
def test_fractions_are_no_percentages(name):
    with pytest.raises(ConfigError, match=f"{name} must be at most"):
        RiskLimits(**{name: 5})


@pytest.mark.parametrize("name", COUNTS)
def test_counts_are_whole_and_let_something_pass(name):
    assert getattr(RiskLimits(**{name: 1}), name) == 1
    for value in (1.5, 0):
        with pytest.raises(ConfigError, match=f"{name} must be"):
            RiskLimits(**{name: value})


def test_every_limit_is_described():
    for name in RiskLimits.__dataclass_fields__:
        assert f"`{name}`" in RiskLimits.__doc__


def test_limits_come_from_the_settings_with_the_same_defaults():
    assert limits_of(TradeSettings()) == RiskLimits()
    assert limits_of(TradeSettings(daily_loss=0.01, max_errors=7)) == RiskLimits(daily_loss=0.01, max_errors=7)
