"""A site over empty folders, and a browser's side of it: a client that has exchanged its token."""

from dataclasses import dataclass, replace

import pytest
from starlette.testclient import TestClient

from tradsys.web.app import build_app
from tradsys.web.guard.gate import ENTER
from tradsys.web.guard.sessions import Sessions
from tradsys.web.site import Site

PORT = 8787
ORIGIN = f"http://127.0.0.1:{PORT}"


@dataclass(frozen=True)
class Visited:
    """A served site and who may visit it."""

    site: Site
    sessions: Sessions
    stranger: TestClient

    def guest(self) -> TestClient:
        """A client with a session of its own."""
        client = TestClient(self.stranger.app, base_url=ORIGIN)
        client.get(ENTER, params={"token": self.sessions.new_token()})
        return client


def visit(site: Site) -> Visited:
    """The site behind its gate, without a socket."""
    sessions = Sessions()
    return Visited(site, sessions, TestClient(build_app(site, sessions, PORT), base_url=ORIGIN))


@pytest.fixture
def site(tmp_path):
    """Folders that are not there yet, as on a first day."""
    names = {name: tmp_path / name for name in ("runs", "journal", "live", "calibration")}
    return Site(**names, store=str(tmp_path / "data"))


@pytest.fixture
def visited(site):
    return visit(site)


@pytest.fixture
def commanding(site):
    """The same with commands allowed."""
    return visit(replace(site, is_control_allowed=True))
