"""Entries by limit orders are not tuned: forecasts are of trades that were entered."""

import pytest

from tradsys.core.errors import ConfigError
from tradsys.research.tuning.tune import tune
from tradsys.settings.config import RunConfig


def test_forecasts_of_orders_that_may_be_missed_are_not_tuned():
    base = RunConfig(portfolio={"entry": "limit"})
    with pytest.raises(ConfigError, match=r"entered at the market, found portfolio\.entry=limit"):
        tune(None, base, None, ledger=None, budget=None)
