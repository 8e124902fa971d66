"""What counts is which data was judged: the same market at the same time, whatever else was loaded beside it."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from tradsys.core.price_path import PricePath
from tradsys.core.time import HOUR_MS, to_ms
from tradsys.data.fingerprint import month_blocks
from tradsys.journal import Ledger
from tradsys.journal.judged import JudgedData


def ms(text):
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.fixture(scope="module")
def bars():
    n = 24 * 366
    close = 100 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.006, n)))
    ts = pl.Series("ts", ms("2024-01-01") + HOUR_MS * np.arange(n)).cast(pl.Datetime("ms", "UTC"))
    return pl.DataFrame({"ts": ts, "close": close})


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "journal" / "ledger.jsonl")


def judged(ledger, bars, opens, closes):
    path = PricePath.of(bars, HOUR_MS)
    ledger.keep_paths([path])
    inside = month_blocks(bars, opens=ms(opens), closes=ms(closes))
    return JudgedData((*inside, path.block), ms(opens), ms(closes))


def tried(ledger, bars, span, n=0):
    path = PricePath.of(bars, HOUR_MS)
    ledger.keep_paths([path])
    whole = (*month_blocks(bars), path.block)
    stated = {} if span is None else {"judged": judged(ledger, bars, *span)}
    return ledger.append({"kind": "trial", "profile": f"P{n}", "blocks": whole, **stated})


STORED = {
    "the same": lambda bars: bars,
    "rounded": lambda bars: bars.with_columns(pl.col("close").round(2)),
    "an hour later": lambda bars: bars.with_columns(pl.col("ts").dt.offset_by("1h")),
    "another range": lambda bars: bars.filter(pl.col("ts").dt.month() >= 3),
}


@pytest.mark.parametrize("how", STORED)
@pytest.mark.parametrize(
    ("span", "counts"),
    [
        (("2024-04-01", "2024-07-01"), True),
        (("2024-06-20", "2024-06-25"), True),
        (("2024-04-01", "2024-06-12"), False),
        (("2024-01-05", "2024-06-10"), False),
        (("2024-08-20", "2024-11-01"), False),
        (None, True),
    ],
    ids=["across", "within", "before, in the same month", "long before", "after", "says nothing"],
)
def test_a_trial_counts_where_its_test_blocks_meet_those_of_the_run(how, span, counts, bars, ledger, tmp_path):
    tried(ledger, bars, span)
    mine = judged(ledger, STORED[how](bars), "2024-06-15", "2024-08-20")
    assert ledger.n_trials_on(mine) == counts
    assert len(ledger.earlier(mine).series) + ledger.earlier(mine).n_counted == counts
    assert (ledger.head_for(mine) != Ledger(tmp_path / "none" / "ledger.jsonl").head_for(mine)) == counts


def test_all_that_was_tried_on_any_part_is_told_where_only_the_data_is_asked_for(bars, ledger):
    for n, span in enumerate((("2024-02-01", "2024-03-01"), ("2024-09-01", "2024-10-01"), None)):
        tried(ledger, bars, span, n)
    assert ledger.n_trials_on(month_blocks(bars)) == 3


def test_an_opened_lockbox_counts_for_those_who_test_there_later(bars, ledger):
    lockbox = judged(ledger, bars, "2024-10-01", "2025-01-01")
    ledger.append({"kind": "lockbox", "blocks": month_blocks(bars), "judged": lockbox})
    ledger.append({"kind": "lockbox", "blocks": month_blocks(bars), "profile": "of before it said so"})
    assert ledger.n_trials_on(judged(ledger, bars, "2024-06-01", "2024-10-01")) == 0
    assert ledger.n_trials_on(judged(ledger, bars, "2024-06-01", "2024-10-02")) == 1
    assert len(ledger.openings_on(judged(ledger, bars, "2024-12-01", "2025-01-01"))) == 2


class TestTimesShifted:
    """Shifted times are compared as the prices tell them: a file that was moved by a year carries its trials."""

    @pytest.fixture
    def shifted(self, bars):
        return bars.with_columns(pl.col("ts").dt.offset_by("365d"), pl.col("close").round(2))

    @pytest.mark.parametrize(
        ("span", "counts"),
        [(("2024-04-01", "2024-06-20"), True), (("2024-04-01", "2024-06-10"), False)],
    )
    def test_what_was_tested_on_the_same_prices_counts(self, span, counts, bars, shifted, ledger):
        tried(ledger, bars, span)
        mine = judged(ledger, shifted, "2025-06-15", "2025-08-20")
        assert ledger.n_trials_on(mine) == counts
        back = judged(ledger, bars, "2024-06-15", "2024-08-20")
        assert ledger.n_trials_on(back) == counts


OTHER = 100 * np.exp(np.cumsum(np.random.default_rng(5).normal(0, 0.006, 24 * 366)))

WAYS = {
    "a minute later, rounded, upside down": lambda bars: [
        bars.with_columns(pl.col("ts").dt.offset_by("1m"), (1e4 / pl.col("close")).round(3))
    ],
    "prices times 1.0000001": lambda bars: [bars.with_columns(pl.col("close") * 1.0000001)],
    "two hours a bar": lambda bars: [bars.gather_every(2, 1).with_columns(pl.col("ts").dt.offset_by("-1h"))],
    "split in two symbols": lambda bars: [
        bars.filter(pl.col("ts").dt.day() <= 15),
        bars.filter(pl.col("ts").dt.day() > 15),
    ],
    "odd months alone": lambda bars: [bars.filter(pl.col("ts").dt.month() % 2 == 1).with_columns(pl.col("close") * 2)],
}


class TestWhoWantsToCountAnew:
    """The same bars changed a little, cut up or hidden among others: what was tried on them counts."""

    def pooled(self, ledger, frames, opens="2024-06-15", closes="2024-08-20"):
        """What is judged of several symbols, as a market of them says it."""
        parts = [judged(ledger, frame, opens, closes) for frame in frames]
        return JudgedData(tuple(block for one in parts for block in one.blocks), parts[0].opens, parts[0].closes)

    @pytest.mark.parametrize("how", WAYS)
    @pytest.mark.parametrize("fresh", [False, True], ids=["alone", "pooled with another coin"])
    def test_the_trials_count(self, how, fresh, bars, ledger):
        tried(ledger, bars, ("2024-04-01", "2024-10-01"))
        other = bars.with_columns(pl.Series("close", OTHER))
        frames = [*WAYS[how](bars), *([other] if fresh else [])]
        earlier = ledger.earlier(self.pooled(ledger, frames))
        assert len(earlier.series) + earlier.n_counted == 1

    def test_a_fresh_coin_alone_counts_none(self, bars, ledger):
        tried(ledger, bars, ("2024-04-01", "2024-10-01"))
        other = bars.with_columns(pl.Series("close", OTHER))
        assert ledger.n_trials_on(self.pooled(ledger, [other])) == 0
