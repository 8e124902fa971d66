"""A loopback exchange inside a test, and ccxt moved onto it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.exchange.app import LoopbackExchange
from tests.exchange.model import Exchange
from tests.exchange.signing import Gate
from tests.exchange.spot.app import LoopbackSpot
from tests.exchange.spot.model import SpotExchange

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parents[2]
ENVIRON = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
"""Of a process that is to import the tests as this one does."""
KEYS = {"apiKey": "loopback-key", "secret": "loopback-secret"}


@contextlib.asynccontextmanager
async def served(
    exchange: Exchange, interval: str = "1m", *, speed: float = 1.0
) -> AsyncIterator[tuple[str, LoopbackExchange]]:
    """The exchange on a free port, in this event loop: its address, and the hand on its controls."""
    from aiohttp import web

    kind = LoopbackSpot if isinstance(exchange, SpotExchange) else LoopbackExchange
    loopback = kind(exchange, interval, Gate(), speed=speed)
    runner = web.AppRunner(loopback.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    try:
        yield f"http://{HOST}:{runner.addresses[0][1]}", loopback
    finally:
        await runner.cleanup()


def moved(urls: Any, base: str) -> Any:
    """Every address of a client of ccxt, with this one in place of its host."""
    if isinstance(urls, dict):
        return {name: moved(url, base) for name, url in urls.items()}
    if not isinstance(urls, str) or urls.count("/") < 3:
        return urls
    scheme = "ws" if urls.startswith("ws") else "http"
    return f"{scheme}{base.removeprefix('http')}/{urls.split('/', 3)[3]}"


def ccxt_on(base: str, *, pro: bool = False, **options: Any) -> Any:
    """A client of ccxt, unchanged but for its addresses."""
    import ccxt.async_support
    import ccxt.pro

    module = ccxt.pro if pro else ccxt.async_support
    client = module.binanceusdm(KEYS | {"enableRateLimit": False, "timeout": 5_000} | options)
    client.urls["api"] = moved(client.urls["api"], base)
    client.has["fetchCurrencies"] = False
    client.options["fetchMarkets"] = {"types": ["linear"]}
    return client


@contextlib.contextmanager
def server_process(*args: str) -> Iterator[tuple[str, Sequence[str]]]:
    """`python -m tests.exchange.server` on a free port: its address, and the lines that it printed."""
    command = [sys.executable, "-m", "tests.exchange.server", "0", *args]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRON, cwd=ROOT)
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline().rstrip()]
        while not lines[-1].startswith("State and faults"):
            assert process.poll() is None, lines
            lines.append(process.stdout.readline().rstrip())
        yield lines[-1].split()[-1].removesuffix("/_ctl"), lines
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


async def eventually(happened: Any, seconds: float = 5.0) -> None:
    """Wait until it has."""
    for _ in range(round(seconds / 0.01)):
        if happened():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it has not happened")
