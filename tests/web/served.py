"""A site behind a real socket of loopback, as `tradsys web` serves it, for a browser of the tests."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from tradsys.web.app import build_app
from tradsys.web.guard.gate import ENTER
from tradsys.web.guard.sessions import Sessions
from tradsys.web.site import Site


@dataclass(frozen=True)
class Served:
    """Where it listens, and links that open a session each."""

    address: str
    sessions: Sessions
    server: uvicorn.Server

    def link(self) -> str:
        return f"{self.address}{ENTER}?token={self.sessions.new_token()}"

    def cut(self) -> None:
        """End the server and what streams from it, as a machine that is switched off would."""
        self.server.should_exit = self.server.force_exit = True


@contextmanager
def served(site: Site) -> Iterator[Served]:
    """The site for as long as the block lasts."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    sessions = Sessions()
    app = build_app(site, sessions, port)
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="critical", ws="none", lifespan="off", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    made = Served(f"http://127.0.0.1:{port}", sessions, server)
    try:
        yield made
    finally:
        made.cut()
        thread.join(timeout=10)
        listening.close()
