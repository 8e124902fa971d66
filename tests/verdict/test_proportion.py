"""The exact interval of a share."""

import pytest

from tradsys.verdict import clopper_pearson


def test_a_win_rate_of_19_in_24_has_the_exact_interval() -> None:
    assert clopper_pearson(19, 24) == pytest.approx((0.578, 0.929), abs=5e-4)
    assert clopper_pearson(0, 10) == pytest.approx((0.0, 1 - 0.025**0.1))
    assert clopper_pearson(10, 10) == pytest.approx((0.025**0.1, 1.0))


def test_overlapping_observations_need_not_be_whole() -> None:
    assert clopper_pearson(9.5, 12) < clopper_pearson(9.501, 12)
    low, high = clopper_pearson(9.5, 12)
    assert low < 19 / 24 < high
    assert low < clopper_pearson(19, 24)[0]


def test_another_tail_gives_a_one_sided_bound() -> None:
    """The rule of three: nothing seen in n bounds the share by about 3 / n at 95%."""
    assert clopper_pearson(0, 1000, tail=0.05)[1] == pytest.approx(0.003, rel=0.01)


def test_one_in_ten_has_a_lower_end_and_nine_in_ten_an_upper_one() -> None:
    assert clopper_pearson(1, 10)[0] == pytest.approx(1 - 0.975**0.1)
    assert clopper_pearson(9, 10)[1] == pytest.approx(0.975**0.1)
