"""The store's pages: what manifests say, what a check finds, and a store that does not answer."""

import re
import threading
import time
from datetime import UTC, datetime

import polars as pl
import pytest

from tradsys.core.errors import DataError
from tradsys.data.store.manifest import Flaw, Origin
from tradsys.data.store.series import SeriesId
from tradsys.data.store.store import SeriesStore
from tradsys.web.stored import catalogue
from tradsys.web.stored.catalogue import Catalogue
from tradsys.web.stored.check import checked
from tradsys.web.stored.checks import Checks, in_child
from tradsys.web.stored.strip import LEAST, gap_strip

NAME = "binance:BTC/USDT:USDT:1h"
HOUR_MS = 3_600_000
FIRST_MS = 1_704_067_200_000 - 48 * HOUR_MS
"""Two days before 2024."""


def bars(hours):
    times = [FIRST_MS + hour * HOUR_MS for hour in hours]
    frame = pl.DataFrame({"ts": times}).with_columns(pl.col("ts").cast(pl.Datetime("ms", "UTC")))
    prices = {"open": 100.0, "high": 101.0, "low": 99.0, "close": 100.5, "volume": 2.0}
    return frame.with_columns(*(pl.lit(value).alias(name) for name, value in prices.items()))


def stored(root, hours=(*range(40), *range(60, 100)), name=NAME):
    """Bars over a new year with a gap across it, and one row that was refused."""
    store, frame = SeriesStore(root), bars(hours)
    first, last = FIRST_MS, FIRST_MS + max(hours) * HOUR_MS
    origin = Origin("a test", "a file", "", first, last, len(frame), "2026-01-01T00:00:00+00:00")
    flaw = Flaw("off-grid", 1, (first,), "1 row off the 1h grid <script>")
    store.write(SeriesId.parse(name), frame, origin, [flaw], at=datetime(2026, 1, 1, tzinfo=UTC))
    return store


def checked_page(guest, name=NAME):
    """The check's part once it is there."""
    until = time.monotonic() + 60
    while "were read and checked" not in (text := guest.get(f"/data/check/{name}").text):
        assert time.monotonic() < until and "hx-trigger" in text, text
        time.sleep(0.1)
    return text


def test_an_empty_store_shows_the_command_to_type(visited):
    assert "tradsys data download binance:BTC/USDT:1h" in visited.guest().get("/data").text


def test_a_series_is_a_row_with_what_is_missing_and_refused(visited):
    stored(visited.site.store)
    page = visited.guest().get("/data").text
    assert f'<a href="/data/{NAME}">' in page.replace("%3A", ":")
    row = re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", page.split("<tbody>")[1]))
    assert "30 Dec 2023 3 Jan 2024 80 20 1 " in row and "1 Jan 2026" in row and "a test" in row


def test_the_gap_across_a_new_year_counts_and_is_drawn_and_listed(visited, monkeypatch):
    monkeypatch.setattr("tradsys.web.stored.checks.in_child", checked)
    stored(visited.site.store)
    guest = visited.guest()
    page = guest.get(f"/data/{NAME}").text
    assert (
        "Missing</dt><dd>20" in page
        and "&lt;script&gt;" in page
        and "<script>" not in page.split("<body>")[1].split("</footer>")[0]
    )
    text = checked_page(guest)
    assert "1 gap leaves out 20" in text and 'class="gap" x="40.4' in text
    assert "31 Dec 2023, 16:00 UTC</td><td>1 Jan 2024, 11:00 UTC" in text


def test_a_large_series_is_read_only_when_somebody_asks(visited, monkeypatch):
    asked = []
    monkeypatch.setattr("tradsys.web.pages.data.FEW_ROWS", 10)
    monkeypatch.setattr("tradsys.web.stored.checks.in_child", lambda *one: asked.append(one) or checked(*one))
    stored(visited.site.store)
    guest = visited.guest()
    assert "Read and check it" in guest.get(f"/data/{NAME}").text and asked == []
    checked_page(guest)
    checked_page(guest)
    assert asked == [(visited.site.store, NAME)]


def test_a_series_that_grew_is_checked_anew(tmp_path):
    found = []
    checks = Checks(
        str(tmp_path), run=lambda *one: found.append(one) or {"n_rows": len(found), "gaps": [], "findings": []}
    )
    store = stored(tmp_path)
    for n in (1, 1, 2):
        if n == 2:
            store.write(SeriesId.parse(NAME), bars(range(101, 103)), Origin("b", "c", "", 0, 0, 2, "2026"))
        (one,) = Catalogue(str(tmp_path)).listing()
        checks.begin(one)
        while (seen := checks.known(one)) is None:
            assert checks.is_under_way(one)
            time.sleep(0.01)
        assert seen.n_rows == len(found) == n


@pytest.mark.slow
def test_the_check_runs_in_a_process_of_its_own_and_says_why_it_cannot(tmp_path):
    stored(tmp_path)
    assert in_child(str(tmp_path), NAME)["gaps"] == [[FIRST_MS + 40 * HOUR_MS, FIRST_MS + 59 * HOUR_MS, 20]]
    assert "is not in the store" in in_child(str(tmp_path), "binance:ETH/USDT:1h")["trouble"]
    assert "VENUE:SYMBOL" in in_child("x", "y")["trouble"]


def test_a_broken_manifest_is_a_row_that_says_so_and_the_others_stand(visited):
    stored(visited.site.store)
    stored(visited.site.store, name="bybit:ETH/USDT:1h")
    (broken, *_) = sorted((visited.site.live.parent / "data" / "exchange=binance").rglob("manifest.json"))
    for content in (b"", b"{", b"[]", b'{"n_rows": "x"}'):
        broken.write_bytes(content)
        page = visited.guest().get("/data").text
        assert "is not a manifest of the store" in page and "bybit:ETH/USDT:1h" in page
        assert visited.guest().get(f"/data/{NAME}").status_code == 200


def test_a_broken_neighbour_keeps_no_series_from_being_checked(tmp_path):
    stored(tmp_path)
    stored(tmp_path, name="bybit:ETH/USDT:1h")
    for manifest in (tmp_path / "exchange=bybit").rglob("manifest.json"):
        manifest.write_text("{")
    assert len(checked(str(tmp_path), NAME)["gaps"]) == 1
    with pytest.raises(DataError, match="is not a manifest"):
        checked(str(tmp_path), "bybit:ETH/USDT:1h")


def test_manifests_are_read_again_only_where_they_changed(tmp_path, monkeypatch):
    stored(tmp_path)
    one, n_read = Catalogue(str(tmp_path)), []
    parse = catalogue.SeriesManifest.from_bytes
    monkeypatch.setattr(catalogue.SeriesManifest, "from_bytes", lambda *a: n_read.append(1) or parse(*a))
    assert one.listing() == one.listing() and len(n_read) == 2
    stored(tmp_path, hours=range(101, 103))
    n_read.clear()
    assert one.listing()[0].n_rows == 82 and len(n_read) == 1


@pytest.mark.parametrize(
    "path", ["/data/absent", "/data/..%2f..%2fetc", "/data/check/binance:BTC/USDT:1h", "/data/" + "x" * 999]
)
def test_what_is_not_stored_is_no_page(visited, path):
    assert visited.guest().get(path).status_code == 404


def test_a_store_by_url_that_does_not_answer_or_refuses_is_said_without_its_key(visited, monkeypatch):
    root = "s3://key:c4nary@bucket/data"
    gate = threading.Event()

    class Away:
        def folders(self, _):
            gate.wait(5)
            raise PermissionError("403 of bucket")

    monkeypatch.setattr(catalogue, "open_place", lambda _: Away())
    one = Catalogue(root)
    assert one.name == "s3://bucket/data"
    with pytest.raises(DataError, match=r"s3://bucket/data did not answer within 0\.05 s"):
        one.listing(0.05)
    asked = one._asked
    gate.set()
    with pytest.raises(DataError, match="cannot be reached: PermissionError: 403 of bucket"):
        one.listing(5)
    assert one._asked is asked


def test_gaps_that_would_touch_are_joined_and_the_shortest_is_seen():
    days = [(day * 86_400_000, day * 86_400_000, 1) for day in (100, 101, 3_000)]
    strip = gap_strip(0, 3_650 * 86_400_000, days)
    assert [words.startswith("2 gaps: 2 missing") for _, _, words in strip.gaps] == [True, False]
    assert all(width >= LEAST and at + width <= 100 for at, width, _ in strip.gaps)
    assert strip.years[0][1] == "1971" and len(strip.years) <= 12
