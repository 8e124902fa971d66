"""The list of runs in a real browser: filtered as one types, ticked, set side by side, and judged as of now."""

import pytest
from tests.web.filled import runs
from tests.web.served import served
from tests.web.test_browser import Visit, browser, pytestmark  # noqa: F401  # the fixture and the marks of the battery

from tradsys.core.errors import DataError
from tradsys.web.runs.rejudged import Judge
from tradsys.web.site import Site


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    root = tmp_path_factory.mktemp("site")
    site = Site(**{name: root / name for name in ("runs", "journal", "live", "calibration")}, store=str(root / "data"))
    runs(site)
    with served(site) as address:
        yield address


def test_the_list_follows_what_is_typed_and_what_is_ticked_is_compared(browser, listed):  # noqa: F811
    with Visit(browser, listed) as visit:
        page = visit.open("/runs")
        assert page.locator("tbody tr:not(.broken)").count() == 3
        page.check('input[value="20260101-000000-btc"]')
        page.locator("#q").press_sequentially("pooled")
        page.wait_for_selector("tbody tr:only-child")
        assert "q=pooled" in page.url and "run=20260101-000000-btc" in page.url
        assert page.is_checked('.beyond input[value="20260101-000000-btc"]')
        page.focus('input[value="20260102-000000-pooled"]')
        page.keyboard.press("Space")
        page.click("text=Compare what is ticked")
        page.wait_for_selector("html[data-charts=drawn]")
        assert page.locator(".side-by-side article").count() == 2
        assert visit.troubles == []


def test_without_scripts_the_list_is_filtered_and_sorted_all_the_same(browser, listed):  # noqa: F811
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(listed.link())
    page.goto(f"{listed.address}/runs")
    page.fill("#q", "pooled")
    page.click("text=Filter")
    assert page.locator("tbody tr").count() == 1
    page.click("th a:has-text('Trials')")
    assert "sort=-trials" in page.url and "q=pooled" in page.url
    context.close()


def test_a_verdict_as_of_now_is_asked_for_by_a_click_and_its_error_is_said(browser, listed, monkeypatch):  # noqa: F811
    def refuse(*_):
        raise DataError("the ledger does not hold it")

    monkeypatch.setattr(Judge, "_computed", refuse)
    with Visit(browser, listed) as visit:
        page = visit.open("/runs/20260101-000000-btc")
        page.click(".ask button")
        page.wait_for_selector("text=the ledger does not hold it")
        assert visit.troubles == []
