"""The door: every route of the router, asked as a neighbour, another site and a rebound name would."""

import pytest
from starlette.routing import Mount, Route
from starlette.websockets import WebSocketDisconnect
from tests.web.conftest import ORIGIN, PORT

from tradsys.web.guard.gate import CSRF_HEADER, ENTER


def addresses(app):
    """A path for every route, with something in place of each parameter."""
    for route in app.routes:
        if isinstance(route, Mount):
            yield "GET", f"{route.path}/web.css"
        elif isinstance(route, Route):
            path = "/".join("absent" if part.startswith("{") else part for part in route.path.split("/"))
            yield from ((method, path) for method in sorted(route.methods - {"HEAD"}))


def test_without_a_cookie_every_route_is_401(commanding):
    asked = list(addresses(commanding.stranger.app))
    assert {commanding.stranger.request(*one).status_code for one in asked} == {401}
    assert ("GET", "/") in asked


def test_a_path_that_is_no_route_is_401_too(visited):
    assert visited.stranger.get("/absent").status_code == 401
    assert visited.guest().get("/absent").status_code == 404


@pytest.mark.parametrize(
    "host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", f"127.0.0.1.evil.example:{PORT}", ""]
)
def test_a_name_that_was_rebound_to_this_machine_is_403_on_every_route(commanding, host):
    guest = commanding.guest()
    asked = [*addresses(guest.app), ("GET", ENTER)]
    assert {guest.request(*one, headers={"Host": host}).status_code for one in asked} == {403}


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", f"https://127.0.0.1:{PORT}", f"http://localhost:{PORT}"]
)
def test_a_foreign_origin_is_403_on_every_route(commanding, origin):
    guest = commanding.guest()
    asked = [*addresses(guest.app), ("GET", ENTER)]
    assert {guest.request(*one, headers={"Origin": origin}).status_code for one in asked} == {403}


def test_our_own_origin_is_let_in(visited):
    assert visited.guest().get("/", headers={"Origin": ORIGIN}).status_code == 200


def test_a_token_opens_one_session_and_no_second(visited):
    token = visited.sessions.new_token()
    first = visited.stranger.get(ENTER, params={"token": token}, follow_redirects=False)
    assert (first.status_code, first.headers["location"]) == (303, "/")
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and token not in cookie
    assert visited.stranger.get(ENTER, params={"token": token}).status_code == 401


@pytest.mark.parametrize("token", ["", "x", "é", "a" * 43])
def test_a_made_up_token_opens_nothing(visited, token):
    visited.sessions.new_token()
    answer = visited.stranger.get(ENTER, params={"token": token})
    assert answer.status_code == 401 and "set-cookie" not in answer.headers


@pytest.mark.parametrize("csrf", [None, "", "guessed", "é"])
def test_a_post_without_the_pages_token_is_403(visited, csrf):
    headers = {} if csrf is None else {CSRF_HEADER: csrf.encode()}
    assert visited.guest().post("/", headers=headers).status_code == 403


def test_a_post_with_the_token_of_another_session_is_403(visited):
    one, other = visited.guest(), visited.guest()
    (name,) = one.cookies
    csrf = visited.sessions.of(other.cookies[name]).csrf
    assert one.post("/", headers={CSRF_HEADER: csrf}).status_code == 403
    assert other.post("/", headers={CSRF_HEADER: csrf}).status_code == 405


def test_every_answer_forbids_scripts_of_others(visited):
    for answer in (visited.guest().get("/"), visited.stranger.get("/"), visited.guest().get("/static/web.js")):
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'") and "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_neither_token_nor_cookie_is_in_what_the_sessions_print(visited):
    token = visited.sessions.new_token()
    guest = visited.guest()
    (cookie,) = guest.cookies.values()
    session = visited.sessions.of(cookie)
    printed = f"{visited.sessions!r} {session!r}"
    assert token not in printed and cookie not in printed and session.csrf not in printed


def test_a_websocket_is_closed_before_any_route_sees_it(visited):
    for path in ("/", "/static/web.css"):
        with pytest.raises(WebSocketDisconnect) as closed, visited.stranger.websocket_connect(path):
            pass
        assert closed.value.code == 1008


def test_a_foreign_origin_behind_ours_is_403(visited):
    twice = [("Origin", ORIGIN), ("Origin", "http://evil.example")]
    assert visited.guest().get("/", headers=twice).status_code == 403


@pytest.mark.parametrize(("whence", "dest"), [("same-site", "image"), ("cross-site", "iframe")])
def test_what_another_port_of_this_machine_embeds_is_403(visited, whence, dest):
    headers = {"Sec-Fetch-Site": whence, "Sec-Fetch-Dest": dest}
    assert visited.guest().get("/runs", headers=headers).status_code == 403
    assert visited.guest().get("/runs", headers={**headers, "Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert visited.guest().get("/runs", headers={**headers, "Sec-Fetch-Dest": "document"}).status_code == 200


def test_a_path_is_taken_as_the_router_takes_it(visited):
    token = visited.sessions.new_token()
    assert visited.stranger.get(f"/en%0ater?token={token}", follow_redirects=False).status_code == 401
    assert visited.stranger.get(f"{ENTER}?token={token}", follow_redirects=False).status_code == 303


def test_a_link_in_another_sites_page_leads_in_by_a_page_of_ours(visited):
    token = visited.sessions.new_token()
    asked = {"params": {"token": token}, "headers": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}}
    answer = visited.stranger.get(ENTER, **asked, follow_redirects=False)
    assert answer.status_code == 200 and 'content="0;url=/"' in answer.text and token not in answer.text
    assert visited.stranger.get("/").status_code == 200, "the cookie came with it"
    assert visited.guest().get(ENTER, **asked).status_code == 401
