"""Returns and scores of a series as they stood at each publication."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from tradsys.core.bars import TS
from tradsys.data.outside.macro.bars import SESSIONS, changes

FIRST = date(2023, 1, 2)
CLOSES = 100 * np.exp(np.cumsum(0.01 * np.random.default_rng(3).standard_normal(150)))


def published(closes=CLOSES, *extra: tuple[int, float, float]) -> pl.DataFrame:
    """A session a day, out a day later; `extra` rows are (session, days after its date, close)."""
    rows = [(k, k + 1.0, float(close)) for k, close in enumerate(closes)] + list(extra)
    rows.sort(key=lambda row: row[1])
    start = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC)
    return pl.DataFrame(
        {
            "date": [FIRST + timedelta(days=k) for k, _, _ in rows],
            "close": [close for _, _, close in rows],
            "available_at": pl.Series([start + timedelta(days=out) for _, out, _ in rows], dtype=TS),
        }
    )


def test_the_four_numbers_are_those_of_a_hand_calculation():
    last = changes("x", published()).row(-1, named=True)
    logs = [np.log(c) for c in CLOSES[-SESSIONS - 1 :]]
    steps = [b - a for a, b in pairwise(logs)]
    usual = (sum(s * s for s in steps) / 60) ** 0.5
    mean = sum(logs[1:]) / 60
    spread = (sum((v - mean) ** 2 for v in logs[1:]) / 60) ** 0.5
    assert last["macro_x_r1"] == pytest.approx(steps[-1] / usual)
    assert last["macro_x_r5"] == pytest.approx(sum(steps[-5:]) / (usual * 5**0.5))
    assert last["macro_x_z"] == pytest.approx((logs[-1] - mean) / spread)
    assert last["macro_x_vol"] == pytest.approx(np.log((sum(s * s for s in steps[-5:]) / 5) ** 0.5 / usual))


def test_nothing_is_said_before_there_are_enough_sessions_and_levels_do_not_matter():
    table, tenfold = changes("x", published()), changes("x", published(10 * CLOSES))
    known = table["macro_x_r1"].is_not_nan()
    assert known.arg_true().to_list() == list(range(SESSIONS, len(CLOSES)))
    np.testing.assert_allclose(tenfold.drop("available_at"), table.drop("available_at"), atol=1e-9)


def test_later_publications_change_no_earlier_one():
    whole = changes("x", published())
    assert changes("x", published(CLOSES[:100])).equals(whole.head(100))


def test_a_revision_counts_from_its_own_time_on_and_a_late_close_takes_its_place():
    plain, revised = changes("x", published()), changes("x", published(CLOSES, (100, 104.5, 250.0)))
    assert revised.head(104).equals(plain.head(104))
    as_if = np.array(CLOSES)
    as_if[100] = 250.0
    assert revised.tail(40).equals(changes("x", published(as_if)).tail(40))
    late = published().filter(pl.col("date") != FIRST + timedelta(days=100))
    late = pl.concat(
        [late, published(CLOSES, (100, 103.5, CLOSES[100])).filter(pl.col("available_at").dt.hour() == 12)]
    )
    table = changes("x", late.sort("available_at"))
    assert table.tail(40).equals(plain.tail(40))


def test_a_close_below_zero_has_no_return_and_leaves_the_others_theirs():
    closes = np.array(CLOSES)
    closes[120] = -37.63
    table = changes("x", published(closes))
    assert table["macro_x_r1"].is_nan().arg_true().to_list()[SESSIONS:] == [120, 121]
    assert table["macro_x_vol"][120:].is_not_nan().all()


def test_a_series_that_never_moved_says_nothing():
    assert changes("x", published(np.full(100, 7.0)))["macro_x_r1"].is_nan().all()
