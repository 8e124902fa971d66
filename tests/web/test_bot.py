"""The bot's pages: what an account's folder tells, what is wrong with it in words, and nothing in it touched."""

import json
import os
import time
from contextlib import closing

import pytest
from starlette.routing import Match
from tests.live.canaries import Canary, assert_silent
from tests.web.accounts import HOUR_MS, NOON_MS, Noon, rewrite_status, write_account

from tradsys.core.errors import DataError
from tradsys.live.account.equity_history import EquityPoint
from tradsys.live.account.folder import AccountFolder
from tradsys.live.account.lock import held
from tradsys.live.account.scrub import Scrubber
from tradsys.live.execution.trade_rows import trade_rows
from tradsys.live.intents import IntentJournal
from tradsys.web.bot.accounts import account_rows
from tradsys.web.bot.equity_curve import equity_picture, thinned_to
from tradsys.web.bot.light import light_of
from tradsys.web.bot.plain import Plain
from tradsys.web.bot.seen import SeenAccount
from tradsys.web.bot.view import PARTS, AccountReader
from tradsys.web.rendering import PLACES

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def account(site):
    return write_account(site.live)


def light(folder):
    return light_of(SeenAccount.look(folder))


def shown(visited, name="paper-1"):
    answer = visited.guest().get(f"/bot/{name}")
    assert answer.status_code == 200
    return answer.text


def test_without_an_account_the_command_to_type_is_shown(visited):
    assert "tradsys trade B --account paper-1" in visited.guest().get("/bot").text


def test_an_account_is_a_row_with_its_light_and_whose_money_it_is(visited, account):
    page = visited.guest().get("/bot").text
    assert '<a href="/bot/paper-1">paper-1</a>' in page and "on paper" in page and "1,000.50" in page
    write_account(visited.site.live, "main", money="live", unproven="not proven: luck")
    page = visited.guest().get("/bot").text
    assert 'class="tag real">with real money' in page and "unproven" in page


def test_the_page_shows_equity_position_orders_decisions_limits_and_trades(visited, account):
    page = shown(visited)
    for words in (
        "1,000.50", "long 0.5", "stop 98", "target 103", "stays out", "rank of the confidence is not above 0.75",
        "not carried out: in position", "ACTIVE", "0.94% <span class=\"muted\">of 20.0%", "+4.80", "target</td>",
        "no answer within 4 s", "tradsys trade replay BUNDLE --account paper-1", "data-curve=",
    ):  # fmt: skip
        assert words in page, words


@pytest.mark.parametrize(
    ("changes", "tone", "word", "said"),
    [
        ({}, "good", "trading", "entries are allowed"),
        ({"last_close_ms": None}, "good", "waiting", "first close"),
        ({"no_entry": "stopentry: by a person"}, "careful", "no entries", "stopentry: by a person"),
        ({"leaving": "flatten by command"}, "careful", "leaving", "flatten by command"),
        ({"risk": {"state": "halted", "reason": "the equity is gone"}}, "bad", "halted", "the equity is gone"),
        ({"risk": {"state": "active", "n_unprotected": 2}}, "bad", "unprotected", "2 positions"),
        ({"risk": {"state": "active", "n_errors": 5}}, "bad", "no answers", "5 calls"),
        ({"account_age_ms": 45_000}, "careful", "venue unseen", "45 s ago"),
        ({"now_ms": NOON_MS + 3 * HOUR_MS}, "careful", "no bars", "3.0 h ago"),
    ],
)
def test_the_light_says_what_matters_most(account, changes, tone, word, said):
    with held(account, "now"):
        rewrite_status(account, **changes)
        found = light(account)
    assert (found.tone, found.word) == (tone, word) and said in found.sentence


def test_a_bot_whose_process_is_gone_without_a_word_is_said_to_be(account):
    rewrite_status(account)
    assert (light(account).tone, light(account).word) == ("bad", "gone")
    rewrite_status(account, is_running=False)
    assert light(account).word == "stopped"
    (account / "status.json").unlink()
    assert light(account).word == "never ran"


def test_a_bot_that_is_silent_looks_so_although_its_process_lives(account):
    with held(account, "now"):
        os.utime(account / "lock", (1, 1))
        rewrite_status(account, age_s=9)
        found = light(account)
    assert found.word == "silent" and "No news since" in found.sentence and "for 9 s" in found.sentence
    assert str(os.getpid()) in found.sentence


def test_a_bot_that_just_began_is_starting_and_one_that_never_said_a_word_is_silent(account):
    with held(account, "now"):
        rewrite_status(account, age_s=1_000)
        assert light(account).word == "starting"
        at = time.time() - 300
        os.utime(account / "lock", (at, at))
        assert light(account).word == "silent" and "since its start" in light(account).sentence


def test_what_is_broken_is_a_sentence_in_its_place_and_never_a_500(visited, account):
    whole = shown(visited)
    for name in ("status.json", "account.json", "journal.sqlite", "audit.jsonl", "equity.jsonl", "replay.json"):
        content = (account / name).read_bytes() if (account / name).exists() else None
        for broken in (
            b"",
            b"{",
            b"[1]",
            b'{"risk": 1, "decisions": [], "account_state": {"positions": [1]}}',
            b"\xff\0",
        ):
            (account / name).write_bytes(broken)
            page = shown(visited)
            assert "paper-1" in page
            if name in ("status.json", "replay.json") and broken == b"{":
                assert f"{name} is no" in page
        if content is None:
            (account / name).unlink()
        else:
            (account / name).write_bytes(content)
            (account / "journal.sqlite-wal").unlink(missing_ok=True)
    assert "+4.80" in whole and "+4.80" in shown(visited)


def test_what_lies_beside_accounts_is_a_row_that_says_so_and_no_page(visited, account):
    (visited.site.live / SCRIPT.replace("/", "")).mkdir()
    page = visited.guest().get("/bot").text
    assert "no account" in page and "<script>alert" not in page and "&lt;script&gt;" in page
    assert [row.is_account for row in account_rows(visited.site.live)] == [False, True]
    assert visited.guest().get("/bot/%3Cscript%3Ealert(1)%3Cscript%3E").status_code == 404


@pytest.mark.parametrize(
    "name", ["%2e%2e", "..%2flive%2fpaper-1", "%2fetc", "paper-1%2f..%2fpaper-1", "absent", "control"]
)
def test_no_name_leads_out_of_the_folder_of_accounts(visited, account, name):
    guest = visited.guest()
    assert {guest.get(f"/bot/{name}{rest}").status_code for rest in ("", "/events")} == {404}


def test_scripts_in_what_a_bot_tells_stay_text(visited, account):
    rewrite_status(account, profile=SCRIPT, no_entry=SCRIPT, unproven=SCRIPT, decisions={SCRIPT: {"reason": SCRIPT}})
    page = shown(visited)
    assert SCRIPT not in page and page.count("&lt;script&gt;") > 4


def test_looking_changes_nothing_in_the_folder(visited, account):
    def content():
        return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in account.iterdir() if path.is_file()}

    before = content()
    guest = visited.guest()
    for path in ("/bot", "/bot/paper-1", "/bot/paper-1?span=day"):
        assert guest.get(path).status_code == 200
    assert content() == before


def test_trades_are_read_again_where_one_changed_and_not_otherwise(account, monkeypatch):
    reader, n_read = AccountReader(account), []

    def counted(*args):
        n_read.append(1)
        return trade_rows(*args)

    monkeypatch.setattr("tradsys.web.bot.journal.trade_rows", counted)
    for _ in range(3):
        assert len(reader.parts()["closed"]["trades"]) == 1
    with closing(IntentJournal(account / "journal.sqlite")) as journal:
        journal.set_flag("risk.orders", "[]")
        assert len(reader.parts()["closed"]["trades"]) == len(n_read) == 1
        journal.end_trade("t1", NOON_MS, "closed elsewhere")
        assert len(reader.parts()["closed"]["trades"]) == len(n_read) == 2


def test_what_has_not_changed_is_not_made_again(account):
    reader = AccountReader(account)
    one, other = reader.parts(), reader.parts()
    assert {name for name in PARTS if one[name] is other[name]} >= {"curve", "closed", "lately"}
    assert reader.parts("day")["curve"] is not one["curve"]


def test_every_part_of_a_page_is_made_alone(account, monkeypatch):
    def broken(*_):
        raise DataError("this part alone")

    monkeypatch.setattr("tradsys.web.bot.view.limit_rows", broken)
    parts = AccountReader(account).parts()
    assert set(parts) == set(PARTS)
    assert {name for name, part in parts.items() if "trouble" in part} == {"standing"}


def test_a_thinned_curve_keeps_its_ends_its_peak_and_its_trough():
    points = [EquityPoint(k * 60_000, 100.0 + (k % 7), 100.0) for k in range(5_000)]
    points[1_234] = EquityPoint(1_234 * 60_000, 500.0, 100.0)
    points[4_321] = EquityPoint(4_321 * 60_000, 1.0, 100.0)
    found = thinned_to(points, 600)
    assert len(found) <= 600 and found == sorted(found)
    assert {points[0], points[-1], points[1_234], points[4_321]} <= set(found)


def test_what_came_in_is_no_result():
    points = [EquityPoint(k, 100.0, 100.0, 0.0 if k < 5 else 50.0) for k in range(10)]
    assert "50.00 came in meanwhile, which is no result" in equity_picture(points, Plain({}), "all").note
    grown = [EquityPoint(k, 100.0 + (60.0 if k > 5 else 0.0), 100.0, 50.0 if k > 5 else 0.0) for k in range(10)]
    assert equity_picture(grown, Plain({}), "all").change == "+10.0%"
    assert equity_picture(points[:1], Plain({}), "all") is None


def test_a_replay_is_shown_where_one_was_made(visited, account):
    values = {"lived_quote": 5.0, "simulated_quote": 7.5, "gap": {"signal": -2.5}, "lines": ["a", "b", SCRIPT]}
    (account / "replay.json").write_text(json.dumps({**values, "made": "2026-12-01T03:42:00+00:00", "bars": ["F"]}))
    page = shown(visited)
    assert "−2.50" in page and "+7.50" in page and "1 Dec 2026, 03:42 UTC" in page and SCRIPT not in page


def test_no_secret_of_an_account_is_on_any_page(site, visited, monkeypatch):
    canaries = [Canary(name) for name in ("api_key", "api_secret", "telegram_token", "dead_man_url")]
    for one in canaries:
        monkeypatch.setenv(f"TRADSYS_TRADE__{one.name.upper()}", one.text)
    said = f"GET /order?key={canaries[0].text}&sign={canaries[1].text} {canaries[2].text} {canaries[3].text}"
    folder = write_account(site.live, scrub=Scrubber(one.text for one in canaries), trouble=said, no_entry=said)
    with AccountFolder(
        folder, Noon(), money="paper", venue="binance", scrub=Scrubber(c.text for c in canaries)
    ) as open_:
        open_.tell("error", {"what": said, "reason": said})
    guest = visited.guest()
    paths = [place for place, _ in PLACES] + ["/bot/paper-1"]
    pages = {path: guest.get(path).text for path in paths}
    assert "GET /order?key=***" in pages["/bot/paper-1"]
    assert_silent(canaries, **pages)


def test_an_account_may_be_called_as_a_stream_is(visited):
    asked = {"type": "http", "method": "GET", "path": "/bot/events"}
    found = next(one for one in visited.stranger.app.routes if one.matches(asked)[0] is Match.FULL)
    assert found.path == "/bot/{account}"
