"""The server: on loopback, for one person, until Ctrl-C."""

import asyncio
import logging
import socket
import sys
import threading
from collections.abc import Callable
from typing import Final

import uvicorn

from tradsys.core.errors import ConfigError
from tradsys.web.app import build_app
from tradsys.web.guard.gate import ENTER
from tradsys.web.guard.sessions import Sessions
from tradsys.web.site import Site

HOST: Final = "127.0.0.1"
_GRACE_S: Final = 1
"""How long what is being answered may hold up the end."""


def serve(site: Site, port: int, say: Callable[[str], None]) -> None:
    """Serve until interrupted; `say` gets the one-time link, and another for each Enter in the terminal."""
    listening = _listen(port)
    port = listening.getsockname()[1]
    sessions = Sessions()

    def link() -> str:
        return f"http://{HOST}:{port}{ENTER}?token={sessions.new_token()}"

    app = build_app(site, sessions, port)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,  # a link holds its token
        server_header=False,
        proxy_headers=False,  # there is none in front: a neighbour could name any address and scheme
        ws="none",
        timeout_graceful_shutdown=_GRACE_S,
    )
    say(f"tradsys web: open {link()}\nThe link works once; press Enter for another, Ctrl-C to end.")
    if sys.stdin is not None and sys.stdin.isatty():
        threading.Thread(target=_more_links, args=(link, say), daemon=True).start()
    server = uvicorn.Server(config)
    app.state.is_ending = lambda: server.should_exit
    logging.getLogger("uvicorn.error").addFilter(_is_no_cut)
    server.run(sockets=[listening])


def _is_no_cut(record: logging.LogRecord) -> bool:
    """Whoever presses Ctrl-C knows that what was being answered is cut off."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def _listen(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen()  # before the link is printed: a browser may be quicker than the server
    except OSError as error:
        listening.close()
        raise ConfigError(f"wanted port {port} of {HOST}, which {error.strerror}; choose another with --port") from None
    return listening


def _more_links(link: Callable[[], str], say: Callable[[str], None]) -> None:
    for _ in sys.stdin:
        say(link())
