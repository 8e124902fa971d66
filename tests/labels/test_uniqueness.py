"""Average uniqueness and the sequential bootstrap against hand calculations and a slow plain version."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from tests.labels.hand_made import random_bars

from tradsys.core.errors import DataError
from tradsys.labels import (
    average_uniqueness,
    draw_probabilities,
    effective_sample_size,
    sequential_bootstrap,
    triple_barrier,
)

START, END = np.array([-1, 1, 3]), np.array([2, 3, 5])  # bars {0, 1, 2}, {2, 3}, {4, 5}


def plain_uniqueness(start: list[int], end: list[int], times: list[int]) -> list[float]:
    alive = {t: sum(s < t <= e for s, e in zip(start, end, strict=True)) for t in times}
    return [float(np.mean([1 / alive[t] for t in times if s < t <= e])) for s, e in zip(start, end, strict=True)]


@pytest.mark.parametrize("times", [None, np.arange(6)])
def test_the_published_example(times: np.ndarray | None) -> None:
    assert average_uniqueness(START, END, times) == pytest.approx([5 / 6, 3 / 4, 1.0], abs=1e-15)


def test_shuffled_labels_with_ties_equal_the_plain_version() -> None:
    rng = np.random.default_rng(8)
    start = rng.integers(0, 300, 200)
    end = start + rng.integers(1, 20, 200)
    times = np.arange(330)
    expected = plain_uniqueness(start.tolist(), end.tolist(), times.tolist())
    assert average_uniqueness(start, end, times) == pytest.approx(expected, abs=1e-12)
    assert average_uniqueness(start, end) == pytest.approx(expected, abs=1e-12)


def test_given_times_leave_out_what_lies_in_a_hole_of_the_bars() -> None:
    start, end = [0, 10], [11, 12]  # both live at 11; the first lived through 1..9 only if there were bars
    assert average_uniqueness(start, end, [11, 12]) == pytest.approx([0.5, 0.75])
    assert average_uniqueness(start, end) == pytest.approx([10.5 / 11, 0.75])


def test_times_may_be_frames_columns_dates_or_numbers() -> None:
    labels = triple_barrier(random_bars(120, 9), horizon=6)
    start, end = labels["start"], labels["end"]
    expected = average_uniqueness(start, end)
    assert np.array_equal(average_uniqueness(start.to_numpy(), end.to_numpy()), expected)
    assert np.array_equal(average_uniqueness(start.to_list(), end.to_list()), expected)
    assert average_uniqueness(start.dt.epoch("ms"), end.dt.epoch("ms")) == pytest.approx(expected, abs=1e-12)
    hour = timedelta(hours=1)
    closes = pl.datetime_range(datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 7, tzinfo=UTC), hour, eager=True)
    assert average_uniqueness(start, end, closes) == pytest.approx(expected, abs=1e-12)


def test_labels_of_48_bars_on_every_bar_are_worth_one_in_48() -> None:
    start = np.arange(48_000)
    uniqueness = average_uniqueness(start, start + 48)
    assert effective_sample_size(uniqueness) == pytest.approx(48_000 / 48, rel=0.01)
    assert uniqueness.max() <= 1.0


def test_a_label_alone_is_unique_to_the_last_bit() -> None:
    start = np.arange(0, 10**15, 10**12)
    assert (average_uniqueness(start, start + 7) == 1.0).all()


def test_no_labels_give_no_weights() -> None:
    assert average_uniqueness(np.empty(0, np.int64), np.empty(0, np.int64)).shape == (0,)


@pytest.mark.parametrize(
    ("start", "end", "times", "match"),
    [
        ([0, 5], [3, 5], None, "1 do not, the first in row 1"),
        ([0, 5], [3], None, r"shape \(2,\) and int64 of shape \(1,\)"),
        ([0, 5], [3, 8], [3, 2, 8], "sorted, unique"),
        ([0, 5], [3, 8], [1, 2, 9], "the first in row 1; give the closes of all bars"),
    ],
)
def test_what_cannot_be_weighed_is_refused(
    start: list[int], end: list[int], times: list[int] | None, match: str
) -> None:
    with pytest.raises(DataError, match=match):
        average_uniqueness(start, end, times)


def test_after_drawing_the_middle_label_the_chances_are_5_3_and_6_in_14() -> None:
    assert draw_probabilities(START, END, [1]) == pytest.approx([5 / 14, 3 / 14, 6 / 14])
    assert draw_probabilities(START, END, []) == pytest.approx([1 / 3] * 3)


def test_the_second_draw_follows_the_chances_that_the_first_one_left() -> None:
    rng = np.random.default_rng(2)
    pairs = np.array([sequential_bootstrap(START, END, 2, rng=rng) for _ in range(6000)])
    after_middle = pairs[pairs[:, 0] == 1, 1]
    chances = np.array([5, 3, 6]) / 14
    error = np.sqrt(chances * (1 - chances) / len(after_middle))
    assert np.abs(np.bincount(after_middle, minlength=3) / len(after_middle) - chances).max() < 4 * error.max()
    assert abs(3 / 14 - 1 / 3) > 8 * error.max()  # so that independent draws would fail


def test_sequential_draws_repeat_with_their_generator() -> None:
    one, two = (sequential_bootstrap(START, END, 9, rng=np.random.default_rng(3)) for _ in range(2))
    assert one.tolist() == two.tolist()
    assert set(one.tolist()) <= {0, 1, 2}


def test_every_backward_label_and_the_first_of_them_is_named() -> None:
    with pytest.raises(DataError, match="2 do not, the first in row 1"):
        average_uniqueness([0, 5, 9], [3, 4, 9])
    with pytest.raises(DataError, match="2 do not, the first in row 0"):
        average_uniqueness([0, 1, 5], [1, 2, 8], [0, 8])


def test_start_and_end_are_of_one_kind_and_in_one_row() -> None:
    with pytest.raises(DataError, match=r"int64 of shape .* and float64"):
        average_uniqueness([0, 1], [2.0, 3.0])
    with pytest.raises(DataError, match=r"shape \(1, 2\)"):
        average_uniqueness([[0, 1]], [[2, 3]])
    with pytest.raises(DataError, match="of the kind of start"):
        average_uniqueness([0, 1], [2, 3], [1.0, 2.0, 3.0])
    with pytest.raises(DataError, match="sorted, unique"):
        average_uniqueness([0, 1], [2, 3], [1, 2, 2, 3])


def test_unsigned_whole_and_broken_numbers_are_times_too() -> None:
    expected = average_uniqueness(START + 1, END + 1)
    for kind in (np.uint32, np.int16, np.float32):
        assert average_uniqueness((START + 1).astype(kind), (END + 1).astype(kind)) == pytest.approx(expected)


def test_draws_may_run_over_given_times() -> None:
    """Only bars 2 and 5 exist: the first two labels share one, the third has its own."""
    chances = draw_probabilities([-1, 1, 3], [2, 3, 5], [0], times=[2, 5])
    assert chances == pytest.approx(np.array([0.5, 0.5, 1]) / 2)
    drawn = sequential_bootstrap(START, END, 5, rng=np.random.default_rng(4), times=np.arange(6))
    assert drawn.tolist() == sequential_bootstrap(START, END, 5, rng=np.random.default_rng(4)).tolist()


def test_each_draw_makes_its_whole_life_less_likely() -> None:
    rng, plain = np.random.default_rng(5), np.random.default_rng(5)
    drawn: list[int] = []
    for _ in range(8):
        drawn.append(int(plain.choice(3, p=draw_probabilities(START, END, drawn))))
    assert sequential_bootstrap(START, END, 8, rng=rng).tolist() == drawn
