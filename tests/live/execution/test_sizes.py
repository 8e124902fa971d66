"""Sizes are whole lots, however many and however small."""

import random

import pytest

from tradsys.live.execution.sizes import in_lots, of_lots


@pytest.mark.parametrize("lot", [1e-8, 1e-6, 0.001, 0.01, 0.1, 1.0])
def test_a_size_holds_the_lots_that_it_was_made_of(lot):
    """A lot that is lost in binary is a position that nothing protects, and that never ends."""
    draw = random.Random(3)
    for _ in range(2_000):
        n = draw.randrange(1, 1_000_000_000)
        assert in_lots(n * lot, lot) == n
        assert in_lots(-of_lots(n, lot), lot) == -n
        assert in_lots((n - 0.5) * lot, lot) == n - 1
