"""Return attribution and time decay against hand calculations, published code and a slow plain version."""

import numpy as np
import pytest

from tradsys.core.errors import ConfigError, DataError
from tradsys.labels import average_uniqueness, return_attribution, time_decay

TIMES = np.arange(7)
CLOSE = np.exp(np.array([0.0, 0.1, 0.3, 0.2, 0.2, 0.6, 0.5]))


def plain_attribution(start, end, times, close):
    returns = {t: 0.0 if i == 0 else np.log(close[i] / close[i - 1]) for i, t in enumerate(times)}
    alive = {t: sum(s < t <= e for s, e in zip(start, end, strict=True)) for t in times}
    weight = [abs(sum(returns[t] / alive[t] for t in times if s < t <= e)) for s, e in zip(start, end, strict=True)]
    return np.array(weight) * len(weight) / sum(weight)


def published_decay(weight, last):
    """Snippet 4.11, for labels in order of time."""
    x = np.cumsum(weight)
    slope = (1.0 - last) / x[-1] if last >= 0 else 1.0 / ((last + 1) * x[-1])
    decayed = 1.0 - slope * x[-1] + slope * x
    decayed[decayed < 0] = 0
    return decayed


def test_a_label_owns_its_share_of_every_return_it_lived_through():
    """Lives {1, 2}, {2, 3} and {5, 6}: |.1 + .2/2|, |.2/2 - .1| and |.4 - .1| of .5 in all, times three labels."""
    weight = return_attribution([0, 1, 4], [2, 3, 6], TIMES, CLOSE)
    assert weight == pytest.approx(np.array([0.2, 0.0, 0.3]) / 0.5 * 3, abs=1e-12)


def test_attribution_of_shuffled_labels_with_ties_equals_the_plain_version():
    rng = np.random.default_rng(3)
    times = np.cumsum(rng.integers(1, 3, 260))
    close = np.exp(np.cumsum(rng.normal(0, 0.01, 260)))
    first = rng.integers(0, 240, 150)
    start, end = times[first], times[first + rng.integers(1, 19, 150)]
    expected = plain_attribution(start, end, times, close)
    assert return_attribution(start, end, times, close) == pytest.approx(expected, rel=1e-9)
    assert expected.sum() == pytest.approx(150)


def test_attribution_knows_nothing_but_its_scale_of_what_comes_after_a_label():
    rng = np.random.default_rng(4)
    start = np.arange(200)
    close = np.exp(np.cumsum(rng.normal(0, 0.01, 211)))
    later = close.copy()
    later[101:] *= np.exp(np.cumsum(rng.normal(0, 0.05, 110)))
    one, other = (return_attribution(start, start + 10, np.arange(211), c)[:91] for c in (close, later))
    assert one / one.sum() == pytest.approx(other / other.sum(), rel=1e-9)


@pytest.mark.parametrize("oldest", [1.0, 0.75, 0.5, 0.0, -0.25, -0.5, -0.9])
def test_decay_is_that_of_the_published_code(oldest):
    rng = np.random.default_rng(5)
    uniqueness = rng.uniform(0.02, 1, 500)
    assert time_decay(np.arange(500), uniqueness, oldest) == pytest.approx(
        published_decay(uniqueness, oldest), abs=1e-12
    )


def test_decay_follows_time_in_whatever_order_labels_are_given():
    rng = np.random.default_rng(6)
    start, uniqueness = rng.permutation(300), rng.uniform(0.02, 1, 300)
    order = np.argsort(start)
    factor = time_decay(start, uniqueness, 0.2)
    assert factor[order] == pytest.approx(time_decay(start[order], uniqueness[order], 0.2))
    assert (np.diff(factor[order]) > 0).all()
    assert factor[order[-1]] == 1.0


def test_labels_of_one_start_share_a_factor():
    factor = time_decay([0, 0, 1, 1], np.array([1.0, 0.5, 0.25, 0.25]), 0.0)
    assert factor == pytest.approx([0.75, 0.75, 1.0, 1.0])


def test_a_negative_oldest_forgets_that_share_of_the_evidence():
    factor = time_decay(np.arange(1000), np.ones(1000), -0.3)
    assert np.count_nonzero(factor == 0) == pytest.approx(300, abs=1)


def test_decay_runs_over_evidence_and_not_over_the_clock():
    """Twenty crowded labels at the start carry no more than their uniqueness says."""
    start = np.concatenate([np.linspace(0, 1, 20), np.arange(2.0, 22.0, 2.0)])
    uniqueness = average_uniqueness(start, start + 1.9)
    factor = time_decay(start, uniqueness, 0.0)
    assert factor[19] == pytest.approx(uniqueness[:20].sum() / uniqueness.sum())
    assert factor[19] < 20 / 30 / 2


def test_no_labels_get_no_weights():
    none = np.empty(0, np.int64)
    assert return_attribution(none, none, TIMES, CLOSE).shape == (0,)
    assert time_decay(none, np.empty(0), 0.5).shape == (0,)


def test_what_cannot_be_weighed_is_refused():
    with pytest.raises(DataError, match=r"shape \(7,\) as times are, found \(6,\)"):
        return_attribution([0], [2], TIMES, CLOSE[1:])
    with pytest.raises(DataError, match="must be positive"):
        return_attribution([0], [2], TIMES, CLOSE - 1)
    with pytest.raises(DataError, match="no label lived through a return"):
        return_attribution([3], [4], TIMES, CLOSE)
    with pytest.raises(DataError, match=r"one shape, were \(2,\) and \(3,\)"):
        time_decay([0, 1], np.ones(3), 0.5)
    for oldest in (-1.0, 1.1, float("nan")):
        with pytest.raises(ConfigError, match="above -1 and be at most 1"):
            time_decay([0, 1], np.ones(2), oldest)


def test_prices_must_be_positive_and_finite_in_every_bar():
    for wrong in (0.0, -1.0, np.inf, np.nan):
        broken = CLOSE.copy()
        broken[3] = wrong
        with pytest.raises(DataError, match="close must be positive"):
            return_attribution([0], [2], TIMES, broken)


def test_a_return_before_every_life_belongs_to_nobody():
    weight = return_attribution([4, 0], [6, 1], TIMES, CLOSE)
    assert weight == pytest.approx(np.array([0.3, 0.1]) / 0.4 * 2)


def test_the_first_close_of_all_is_no_return():
    """A life that begins before the data owns nothing of the bar whose predecessor nobody knows."""
    weight = return_attribution([-1, 0], [1, 1], TIMES, CLOSE)
    assert weight == pytest.approx([1.0, 1.0])


def test_one_decays_nothing_and_just_above_minus_one_nearly_everything():
    assert time_decay(np.arange(4), np.ones(4), 1.0).tolist() == [1.0] * 4
    assert time_decay(np.arange(4), np.ones(4), -0.999) == pytest.approx([0, 0, 0, 1])
