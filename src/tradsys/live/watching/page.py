"""`/metrics` and `/healthz` over HTTP, on this machine alone."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tradsys.core.errors import ConfigError
from tradsys.core.json_text import canonical_json
from tradsys.live.watching.health import Health
from tradsys.live.watching.metrics import Metrics

if TYPE_CHECKING:
    from aiohttp import web

HOST: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Served:
    """A page that answers at `port` until it is closed."""

    port: int
    close: Callable[[], Awaitable[None]]


async def serve(metrics: Metrics, health: Health, port: int = 0) -> Served:
    """Answer on loopback: `/metrics` for Prometheus, `/healthz` 200 or 503; port 0 takes a free one."""
    from aiohttp import web

    async def show_metrics(request: "web.Request") -> "web.Response":
        return web.Response(body=metrics.page(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def show_health(request: "web.Request") -> "web.Response":
        status = 200 if health.is_healthy else 503
        return web.Response(text=canonical_json(health.to_dict()), status=status, content_type="application/json")

    app = web.Application()
    app.add_routes([web.get("/metrics", show_metrics), web.get("/healthz", show_health)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
    except OSError as error:
        await runner.cleanup()
        raise ConfigError(f"metrics want port {port} of {HOST}, which {error.strerror}; choose another") from None
    return Served(runner.addresses[0][1], runner.cleanup)
