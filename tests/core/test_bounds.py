"""Numbers outside their bounds are named with what was wanted."""

import numpy as np
import pytest

from tradsys.core.bounds import demand_number
from tradsys.core.errors import ConfigError


@pytest.mark.parametrize(
    ("value", "bounds", "message"),
    [
        (float("nan"), {}, "x must be a finite number, was nan; as usual"),
        (float("inf"), {}, "x must be a finite number, was inf"),
        (None, {}, "x must be a finite number, was None"),
        ("1", {}, "x must be a finite number, was '1'"),
        (True, {}, "x must be a finite number, was True"),
        (1 + 0j, {}, "x must be a finite number"),
        (-1, {"least": 0}, "x must not be negative, was -1"),
        (1, {"least": 2}, "x must be at least 2, was 1"),
        (3, {"most": 2}, "x must be at most 2, was 3"),
        (0, {"above": 0}, "x must be positive, was 0"),
        (1, {"above": 1}, "x must be more than 1, was 1"),
    ],
)
def test_a_number_out_of_bounds_is_named(value, bounds, message):
    with pytest.raises(ConfigError, match=message):
        demand_number("x", value, "as usual", **bounds)


def test_a_number_at_its_bound_is_taken():
    for value in (0, 0.0, np.float32(2), np.int64(1), 2):
        demand_number("x", value, "as usual", least=0, most=2)
