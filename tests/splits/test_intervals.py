"""Label intervals, in every form that splitters take."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from tradsys.core.errors import ConfigError, DataError
from tradsys.splits import PurgedKFold, WalkForward
from tradsys.splits.splitter import Intervals, milliseconds, read_intervals, runs

MS = np.array([0, 3_600_000, 7_200_000])


@pytest.mark.parametrize(
    "times",
    [
        MS,
        MS.astype("datetime64[ms]"),
        MS.astype("datetime64[ms]").astype("datetime64[ns]"),
        pl.Series(MS).cast(pl.Datetime("ms", "UTC")),
        pl.Series(MS * 1000).cast(pl.Datetime("us")),
        pl.Series(MS),
        MS.tolist(),
    ],
    ids=["int", "ms", "ns", "polars utc", "polars us", "polars int", "list"],
)
def test_every_usual_kind_of_time_reads_as_milliseconds(times):
    labels = read_intervals((times, times), 3)
    assert labels.start.tolist() == MS.tolist()
    assert labels.start.dtype == np.int64


def test_integers_are_milliseconds_so_an_embargo_of_one_hour_is_3_600_000():
    start = np.arange(6) * 3_600_000
    train, _ = next(PurgedKFold(2, timedelta(hours=1)).split(start, intervals=(start, start + 3_600_000)))
    assert train.tolist() == [4, 5]


@pytest.mark.parametrize(
    ("intervals", "error", "message"),
    [
        (None, ConfigError, r"needs the labels' intervals=\(start, end\)"),
        (MS, ConfigError, r"the pair \(start, end\)"),
        ((MS.astype(float), MS), DataError, "start must be datetime64, Datetime or int64"),
        ((MS, MS[:2]), DataError, "a start and an end"),
        ((MS[:2], MS[:2]), DataError, "X has 3 rows and intervals 2 labels"),
        ((MS, MS - 1), DataError, "3 do not, first at row 0"),
        ((pl.Series([0, None, 1]), MS), DataError, "start has 1 nulls"),
        ((np.array(["2020", "NaT", "2021"], "datetime64[ms]"), MS), DataError, "start has 1 missing times"),
        ((np.empty(0, int), np.empty(0, int)), DataError, "intervals are empty"),
    ],
)
def test_unusable_intervals_are_refused_with_a_sentence(intervals, error, message):
    with pytest.raises(error, match=message):
        next(PurgedKFold(2).split(np.zeros(3), intervals=intervals))


def test_an_embargo_is_a_duration_and_never_a_number_of_rows():
    with pytest.raises(ConfigError, match="embargo must be a timedelta, found 24; row counts"):
        PurgedKFold(5, embargo=24)
    with pytest.raises(ConfigError, match="must not be negative"):
        WalkForward(embargo=timedelta(hours=-1))


def test_a_duration_is_rounded_up_to_whole_milliseconds():
    assert milliseconds(timedelta(microseconds=1), "embargo") == 1
    assert milliseconds(timedelta(milliseconds=2), "embargo") == 2
    assert milliseconds(timedelta(0), "embargo") == 0


def test_runs_of_true_reach_to_both_ends():
    assert list(runs(np.array([True, True, False, True]))) == [(0, 2), (3, 4)]
    assert list(runs(np.zeros(3, bool))) == []


@pytest.mark.parametrize("wrong", ["ab", b"cd", (MS, MS, MS), 7])
def test_intervals_are_a_pair(wrong):
    with pytest.raises(ConfigError, match=f"found {type(wrong).__name__}"):
        read_intervals(wrong, 3)


def test_unsigned_integers_are_times_and_labels_of_no_length_are_labels():
    labels = read_intervals((MS.astype(np.uint64), MS.astype(np.uint64)), 3)
    assert labels.end.tolist() == MS.tolist()
    assert len(labels) == 3
    assert read_intervals(labels, 3) is labels


def test_every_backward_label_and_the_first_of_them_is_named():
    end = MS + np.array([1, -1, -1])
    with pytest.raises(DataError, match="2 do not, first at row 1"):
        read_intervals((MS, end), 3)
    with pytest.raises(DataError, match=r"found shapes \(1, 3\)"):
        read_intervals((MS[None], MS[None]), 1)


def test_labels_are_ordered_by_start_and_ties_by_row():
    assert Intervals(np.array([5, 1, 5, 1]), np.array([6, 6, 6, 6])).order.tolist() == [1, 3, 0, 2]


REAL = np.datetime64("2024-03-01", "ms") + np.arange(40) * np.timedelta64(1, "h")


@pytest.mark.parametrize("per_ms", [1, 1_000, 1_000_000])
def test_epoch_numbers_are_read_by_their_size(per_ms):
    times = REAL.astype(np.int64) * per_ms
    labels = read_intervals((times, times), 40)
    assert labels.start.tolist() == REAL.astype(np.int64).tolist()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_times_of_pandas_with_a_zone_are_instants(zone):
    pd = pytest.importorskip("pandas")
    index = pd.DatetimeIndex(REAL.astype("datetime64[ns]"), tz="UTC").tz_convert(zone)
    for times in (index, pd.Series(index), pl.Series(REAL).dt.replace_time_zone("UTC").dt.convert_time_zone(zone)):
        assert read_intervals((times, times), 40).start.tolist() == REAL.astype(np.int64).tolist()


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ([1_709_251_200_000, 1_709_251_200_000_000_000, 1_709_251_200_000], "start mixes epoch units"),
        (np.array([REAL[0].item(), None, REAL[1].item()]), "found 1 of 3 without one"),
    ],
)
def test_times_that_may_be_anything_are_refused(times, words):
    with pytest.raises(DataError, match=words):
        read_intervals((times, times), 3)
