"""Server-sent events: parts of a page sent anew when they change, and a beat so that silence means something."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import StreamingResponse

BEAT_S: Final = 1.0
"""How often the parts are made anew; a page calls itself stale after four beats unheard (static/web.js)."""

_LOOKS: Final = 5
"""How often between two beats a stream looks whether the server ends, so that Ctrl-C need not cut it off."""


def stream(request: Request, parts: Callable[[], Mapping[str, str]], beat_s: float = BEAT_S) -> StreamingResponse:
    """Each part's HTML under its name, at first and whenever it changed; `parts` is called in a thread, once a beat."""

    is_ending: Callable[[], bool] = request.app.state.is_ending

    async def events() -> AsyncGenerator[str]:
        sent: dict[str, str] = {}
        while not (is_ending() or await request.is_disconnected()):
            now = await run_in_threadpool(parts)
            for name, shown in now.items():
                if sent.get(name) != shown:
                    sent[name] = shown
                    yield event(name, shown)
            yield event("beat", "")
            for _ in range(_LOOKS):
                await asyncio.sleep(0 if is_ending() else beat_s / _LOOKS)

    return StreamingResponse(events(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


def event(name: str, data: str) -> str:
    """One event as it goes over the wire.

    >>> event("beat", "")
    'event: beat\\ndata: \\n\\n'
    """
    # a carriage return ends a line of the stream too: whatever followed it in a name would be an event of its own
    lines = "\n".join(f"data: {line}" for line in data.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    return f"event: {name}\n{lines}\n\n"
