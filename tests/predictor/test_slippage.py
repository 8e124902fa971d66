"""What a predictor charges for slippage: that of the symbol, as known when its training part ended."""

import json

import numpy as np
import pytest

from tradsys.core.costs import Costs
from tradsys.core.errors import ConfigError
from tradsys.models.calibration import Calibration
from tradsys.predictor.economics import TimeExit
from tradsys.predictor.valuation import Valuation

PLAIN = Calibration(np.zeros(2), np.ones(2))
ROWS = np.zeros((3, 2)), np.zeros((3, 2)), np.full(3, 0.01)


def valuation(costs=Costs(), **slippage):
    return Valuation(PLAIN, PLAIN, TimeExit(), 1.5, 1.5, costs, slippage=slippage)


def test_each_symbol_is_charged_its_own_and_one_without_a_name_the_largest():
    one = valuation(BTC=1e-4, ENA=6e-4)
    assert [one.slippage_of(symbol) for symbol in ("BTC", "ENA", "", "ARB")] == [1e-4, 6e-4, 6e-4, 6e-4]


def test_a_number_in_the_costs_holds_for_all():
    assert valuation(Costs(slippage_bps=3.0)).slippage_of("BTC") == 3e-4


def test_what_is_expected_of_a_row_pays_for_it():
    free, paid = (valuation(Costs(slippage_bps=bps)).value(*ROWS) for bps in (0.0, 3.0))
    each = valuation(BTC=9e-4).value(*ROWS, slippage=np.array([0.0, 3e-4, 6e-4]))
    assert each.expected_net[0] == pytest.approx(free.expected_net[0])
    assert each.expected_net[1] == pytest.approx(paid.expected_net[1])
    assert (free.expected_net - each.expected_net)[2] == pytest.approx(2 * (free.expected_net - paid.expected_net)[2])
    assert each.cost - free.cost == pytest.approx(free.expected_net - each.expected_net)


def test_it_comes_back_from_its_file_and_an_older_one_says_a_number():
    one = valuation(BTC=1e-4)
    again = Valuation.from_dict(json.loads(json.dumps(one.to_dict())))
    assert again.slippage == {"BTC": 1e-4}
    old = valuation(Costs(slippage_bps=2.0)).to_dict()
    del old["slippage"]
    assert Valuation.from_dict(old).slippage_of("BTC") == 2e-4


def test_estimated_slippage_that_nobody_estimated_is_refused():
    with pytest.raises(ConfigError, match="decisions need the slippage that was estimated for a symbol, found none"):
        valuation().value(*ROWS)
    with pytest.raises(ConfigError, match="slippage of BTC must not be negative"):
        valuation(BTC=-1e-4)
