"""The bot's pages in a real browser: what is stale, silent or dead looks so, and a command is sent once."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.live.test_control import Bot
from tests.web.accounts import rewrite_status, write_account
from tests.web.served import served
from tests.web.test_browser import CHROMIUM, Visit, browser

from tradsys.live.account.lock import holder_of
from tradsys.web.site import Site

__all__ = ["browser"]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]

HOLDER = """
import sys, time
from pathlib import Path
from tradsys.live.account.lock import held
with held(Path(sys.argv[1]), "now"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def site(tmp_path):
    names = {name: tmp_path / name for name in ("runs", "journal", "live", "calibration")}
    return Site(**names, store=str(tmp_path / "data"), is_control_allowed=True)


@pytest.fixture
def account(site):
    return write_account(site.live)


@contextmanager
def holding(account) -> Iterator[subprocess.Popen]:
    """A process that has the account, as a bot has."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(account)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        os.utime(account / "lock", (1, 1))  # since long ago
        try:
            yield process
        finally:
            process.kill()


def wait_for(page, words, timeout_s):
    page.wait_for_selector(f"text={words}", timeout=timeout_s * 1_000)


def test_a_cut_stream_looks_stale_within_five_seconds(browser, site, account):
    with served(site) as server, Visit(browser, server) as visit:
        page = visit.open("/bot/paper-1")
        page.wait_for_timeout(5_000)
        assert not page.is_visible(".stale-note")
        server.cut()
        page.wait_for_selector(".stale-note", state="visible", timeout=5_000)
        assert float(page.evaluate("getComputedStyle(document.querySelector('[data-stream]')).opacity")) < 0.7


HIDE = """(is) => {
  Object.defineProperty(document, "hidden", { value: is, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_a_tab_that_nobody_looks_at_keeps_no_stream_and_has_it_again_when_it_is_seen(browser, site, account):
    with served(site) as server, Visit(browser, server) as visit:
        page = visit.open("/bot/paper-1")
        page.wait_for_timeout(1_500)
        page.evaluate(HIDE, True)
        page.wait_for_selector(".stale-note", state="visible", timeout=6_000)
        page.evaluate(HIDE, False)
        page.wait_for_selector(".stale-note", state="hidden", timeout=3_000)


def test_a_bot_that_falls_silent_and_one_that_is_killed_are_told_apart_within_seconds(browser, site, account):
    with served(site) as server, Visit(browser, server) as visit, holding(account) as process:
        rewrite_status(account)
        page = visit.open("/bot/paper-1")
        wait_for(page, "entries are allowed", 3)
        rewrite_status(account, age_s=4)
        wait_for(page, "No news since", 5)
        assert page.is_visible("text=does not get on") and not page.is_visible(".stale-note")
        process.send_signal(signal.SIGKILL)
        wait_for(page, "Its process ended without a word", 5)
        assert visit.troubles == []


def test_a_part_that_changes_is_shown_and_what_is_read_stays_where_it_is(browser, site, account):
    with served(site) as server, Visit(browser, server) as visit, holding(account):
        rewrite_status(account)
        page = visit.open("/bot/paper-1")
        page.fill("form[hx-post$=flatten] input[name=typed]", "paper-1")
        rewrite_status(account, no_entry="stopentry: by somebody")
        wait_for(page, "Nothing is entered: stopentry: by somebody", 4)
        assert page.input_value("form[hx-post$=flatten] input[name=typed]") == "paper-1"


def test_a_double_click_sends_one_command_and_a_reload_none(browser, site, account):
    def obey(command):
        time.sleep(0.3)
        return {"said": f"done {len(bot.seen)}"}

    with served(site) as server, Visit(browser, server) as visit, Bot(account, obey) as bot:
        page = visit.open("/bot/paper-1")
        page.dblclick("text=Stop entries")
        wait_for(page, "done 1", 5)
        assert page.evaluate("document.activeElement.className").startswith("answer")
        page.reload()
        page.wait_for_timeout(500)
        assert [command.verb for command in bot.seen] == ["stopentry"]
        page.fill("form[hx-post$=flatten] input[name=typed]", "paper-2")
        page.keyboard.press("Enter")
        wait_for(page, "Nothing was done", 5)
        page.fill("form[hx-post$=flatten] input[name=typed]", "paper-1")
        page.keyboard.press("Enter")
        wait_for(page, "done 2", 5)
        assert visit.troubles == []
    assert holder_of(account) is None


def test_a_command_that_no_server_answers_says_so(browser, site, account):
    with served(site) as server, Visit(browser, server) as visit:
        page = visit.open("/bot/paper-1")
        server.cut()
        page.wait_for_selector(".stale-note", state="visible", timeout=5_000)
        page.click("text=Stop entries")
        wait_for(page, "did not answer", 5)


def test_the_curve_says_what_it_was_under_the_pointer(browser, site, account):
    with served(site) as server, Visit(browser, server) as visit:
        page = visit.open("/bot/paper-1")
        page.hover("[data-curve] .plot")
        assert "UTC: 99" in page.inner_text(".pointed")
