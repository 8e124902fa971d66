"""Streams: an event is one, whatever its text holds, and a stream ends with its server."""

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request

from tradsys.web.events import event, stream


def test_no_text_makes_an_event_of_its_own():
    sent = event("accounts", "one\rtwo\r\nthree\n\nevent: news")
    assert sent == "event: accounts\ndata: one\ndata: two\ndata: three\ndata: \ndata: event: news\n\n"


def test_a_stream_ends_with_its_server():
    app, sent = Starlette(), []
    app.state.is_ending = lambda: len(sent) > 3

    async def waiting():
        return await asyncio.Event().wait()

    async def read():
        asked = Request({"type": "http", "app": app}, waiting)
        async for piece in stream(asked, lambda: {"news": "good"}, beat_s=0.01).body_iterator:
            sent.append(piece)

    asyncio.run(asyncio.wait_for(read(), 10))
    assert sent[:2] == ["event: news\ndata: good\n\n", "event: beat\ndata: \n\n"] and len(sent) == 4
