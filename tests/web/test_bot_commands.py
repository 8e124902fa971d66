"""Commands from the page of an account: only where allowed, once each, two with a name typed, and answered."""

import re
import threading

import pytest
from tests.live.test_control import Bot
from tests.web.accounts import SYMBOL, write_account

from tradsys.core.errors import ConfigError
from tradsys.live.account.looked import look
from tradsys.web.bot.commands import VERBS, Answer, Tickets, why_not
from tradsys.web.guard.gate import CSRF_HEADER


@pytest.fixture
def account(site):
    return write_account(site.live)


class Page:
    """The account's page in a browser that may command."""

    def __init__(self, visited):
        self.guest = visited.guest()
        (cookie,) = self.guest.cookies.values()
        self.csrf = visited.sessions.of(cookie).csrf
        self.html = self.guest.get("/bot/paper-1").text

    def ticket(self, verb):
        form = self.html.split(f'hx-post="/bot/paper-1/{verb}"')[1]
        return re.search(r'name="ticket" value="([^"]+)"', form)[1]

    def post(self, verb, typed="", ticket=None):
        fields = {"ticket": self.ticket(verb) if ticket is None else ticket, "typed": typed}
        answer = self.guest.post(f"/bot/paper-1/{verb}", data=fields, headers={CSRF_HEADER: self.csrf})
        assert answer.status_code == 200
        return re.sub(r"<[^>]+>", "", re.search(r'<p class="answer[^>]*>(.*?)</p>', answer.text, re.S)[1])


def test_without_permission_there_is_neither_form_nor_route(visited, account):
    guest = visited.guest()
    assert "hx-post" not in guest.get("/bot/paper-1").text
    (cookie,) = guest.cookies.values()
    csrf = {CSRF_HEADER: visited.sessions.of(cookie).csrf}
    assert {guest.post(f"/bot/paper-1/{verb}", headers=csrf).status_code for verb in VERBS} <= {404, 405}
    assert look(account)["stopentry"] is None


def test_each_command_reaches_the_bot_once_and_its_answer_is_shown(commanding, account):
    page = Page(commanding)
    with Bot(account, lambda command: {"said": f"did {command.verb} {command.argument}"}) as bot:
        assert page.post("stopentry") == "stopentry: did stopentry "
        assert page.post("resume") == "resume: did resume "
        assert page.post("forceexit", SYMBOL) == f"forceexit: did forceexit {SYMBOL}"
        assert page.post("flatten", "paper-1") == "flatten: did flatten "
    assert [(one.verb, one.by) for one in bot.seen] == [(verb, "web page") for verb in VERBS]


def test_what_is_sent_twice_is_done_once(commanding, account):
    page = Page(commanding)
    with Bot(account, lambda command: {"said": "done"}) as bot:
        ticket, answers = page.ticket("stopentry"), []
        twice = [threading.Thread(target=lambda: answers.append(page.post("stopentry", "", ticket))) for _ in range(2)]
        for one in twice:
            one.start()
        for one in twice:
            one.join()
    assert len(bot.seen) == 1
    assert (
        sorted(answers)[0] == "stopentry: This was sent already: it was done once, and what came of it was shown then."
    )


@pytest.mark.parametrize("ticket", ["", "made-up"])
def test_without_a_ticket_of_ours_nothing_is_done(commanding, account, ticket):
    with Bot(account, lambda command: {"said": "done"}) as bot:
        assert "Nothing was done: the page that this came from is too old" in Page(commanding).post(
            "stopentry", "", ticket
        )
    assert bot.seen == []


def test_a_ticket_of_another_command_or_account_does_nothing(commanding, account, site):
    write_account(site.live, "main")
    page = Page(commanding)
    other = page.guest.get("/bot/main").text.split('hx-post="/bot/main/flatten"')[1]
    with Bot(account, lambda command: {"said": "done"}) as bot:
        for ticket in (page.ticket("stopentry"), re.search(r'name="ticket" value="([^"]+)"', other)[1]):
            assert "Nothing was done" in page.post("flatten", "paper-1", ticket)
    assert bot.seen == []


def test_a_name_typed_wrongly_does_not_use_up_the_form(commanding, account):
    page = Page(commanding)
    ticket = page.ticket("flatten")
    with Bot(account, lambda command: {"said": "done"}) as bot:
        assert "Nothing was done" in page.post("flatten", "paper", ticket)
        assert page.post("flatten", "paper-1", ticket) == "flatten: done"
    assert len(bot.seen) == 1


def test_whoever_waits_for_a_bot_keeps_no_page_from_others(commanding, account, monkeypatch):
    def waited(folder, verb, typed):
        return Answer(verb, threading.current_thread().daemon, "in a thread of its own")

    monkeypatch.setattr("tradsys.web.pages.bot.carry_out", waited)
    page = Page(commanding)
    answer = page.guest.post(
        "/bot/paper-1/resume", data={"ticket": page.ticket("resume")}, headers={CSRF_HEADER: page.csrf}
    )
    assert 'class="answer done"' in answer.text


@pytest.mark.parametrize(
    ("verb", "typed"), [("flatten", ""), ("flatten", "paper-2"), ("forceexit", ""), ("forceexit", "all")]
)
def test_what_cannot_be_undone_takes_the_name_typed(commanding, account, verb, typed):
    with Bot(account, lambda command: {"said": "done"}) as bot:
        assert "Nothing was done" in Page(commanding).post(verb, typed)
    assert bot.seen == []
    assert why_not("paper-1", "flatten", "paper-1") == why_not("paper-1", "forceexit", SYMBOL) == ""


def test_what_the_bot_refuses_is_shown_in_its_words(commanding, account):
    def obey(command):
        raise ConfigError(f"there is no open trade in {command.argument}: none is open <script>")

    with Bot(account, obey):
        said = Page(commanding).post("forceexit", "ETH/USDT")
    assert said == "forceexit: there is no open trade in ETH/USDT: none is open &lt;script&gt;"


def test_where_no_bot_runs_that_is_said_and_stopentry_holds_for_its_next_start(commanding, account):
    page = Page(commanding)
    assert "nobody trades account paper-1" in page.post("resume")
    assert "once somebody does, nothing is entered until resume" in page.post("stopentry")
    assert look(account)["stopentry"].startswith("stopentry at ")


def test_a_verb_that_no_page_offers_and_an_account_that_is_not_there_are_404(commanding, account):
    page = Page(commanding)
    csrf = {CSRF_HEADER: page.csrf}
    for path in ("/bot/paper-1/kill", "/bot/paper-1/stop", "/bot/absent/stopentry"):
        assert page.guest.post(path, headers=csrf).status_code == 404
    large = {"typed": "x" * 10_000, "ticket": "x"}
    assert page.guest.post("/bot/paper-1/flatten", data=large, headers=csrf).status_code == 413


def test_a_ticket_is_taken_once_and_old_ones_are_forgotten():
    tickets = Tickets()
    first = tickets.new()
    assert tickets.take(first) and not tickets.take(first) and not tickets.take("")
    old = tickets.new()
    for _ in range(1_000):
        tickets.new()
    assert not tickets.take(old)
