"""Pages however a venue gives them."""

import polars as pl
import pytest

from tradsys.core.bars import TS
from tradsys.data.sources.source import pages


def frame(times):
    return pl.DataFrame({"ts": pl.Series(list(times), dtype=pl.Int64).cast(TS)})


def fetch(page, start=0, end=1000, step=10, window=5):
    """All times, and how often the venue was asked."""
    asked = []

    def counted(since):
        asked.append(since)
        return frame(page(since))

    rows = [int(ms) for rows in pages(counted, start, end, step, window) for ms in rows["ts"].dt.epoch("ms")]
    return rows, len(asked)


def forward(since, n=20):
    return range(-(-since // 10) * 10, 2000, 10)[:n]


EVERY = list(range(0, 1000, 10))


@pytest.mark.parametrize(
    "page",
    [
        forward,
        lambda since: forward(since)[::-1],
        lambda since: [*forward(since)[10:], *forward(since)[:10]],
        lambda since: forward(max(0, since - 50), 25),
        lambda since: [*forward(since), *forward(since)],
    ],
    ids=["in order", "newest first", "shuffled", "overlapping", "doubled"],
)
def test_every_bar_comes_once_in_order_with_a_page_a_request(page):
    assert fetch(page) == (EVERY, 5)


def test_an_endless_last_page_ends():
    assert fetch(lambda since: forward(since) if since < 400 else range(300, 400, 10)) == (EVERY[:40], 2 + 12)


def test_a_venue_that_ignores_the_start_ends():
    rows, n_asked = fetch(lambda since: range(900, 1000, 10))
    assert (rows, n_asked) == (EVERY[90:], 1)


def test_empty_pages_before_the_listing_are_passed_without_leaving_out_a_bar():
    """A page spans five bars and is empty where none of them is."""
    rows, _ = fetch(lambda since: [ms for ms in forward(since, 5) if ms >= 430])
    assert rows == EVERY[43:]


def test_a_page_beyond_the_end_ends_it():
    assert fetch(lambda since: range(5000, 5100, 10)) == ([], 1)
