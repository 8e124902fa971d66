"""The real transport over loopback sockets: what breaks on the way is unknown, and shows nothing of the request."""

import asyncio
import socket

import pytest
from aiohttp import web

from tradsys.live.venue import VenueUnknown
from tradsys.live.venues.transport import HttpTransport, Talk


def serve(handler, check, *, timeout_s=0.3):
    """Run `check(transport, url)` against a server on a free port that answers everything by `handler`."""

    async def main():
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", handler)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        transport = HttpTransport(timeout_s)
        try:
            return await check(transport, f"127.0.0.1:{runner.addresses[0][1]}")
        finally:
            await transport.close()
            await runner.cleanup()

    return asyncio.run(main())


def post(handler, **how):
    async def check(transport, host):
        return await transport.send("POST", f"http://{host}/order?a=%2F+b&c=%20", {"X-MBX-APIKEY": "CANARY"}, "d=1")

    return serve(handler, check, **how)


def test_a_request_arrives_byte_for_byte_and_its_answer_is_read():
    async def echo(request):
        said = {"query": request.raw_path, "body": await request.text(), "key": request.headers["X-MBX-APIKEY"]}
        return web.json_response(said, status=418, headers={"Retry-After": "7"})

    reply = post(echo)
    assert (reply.status, reply.is_json, reply.headers["retry-after"]) == (418, True, "7")
    assert reply.body == {"query": "/order?a=%2F+b&c=%20", "body": "d=1", "key": "CANARY"}


async def cut(request):
    request.transport.close()
    return web.Response()


async def cut_in_the_middle(request):
    answer = web.StreamResponse(headers={"Content-Length": "100"})
    await answer.prepare(request)
    await answer.write(b'{"orderId":')
    request.transport.close()
    return answer


def test_a_long_answer_may_take_longer_as_long_as_something_of_it_comes():
    async def slow(request):
        answer = web.StreamResponse()
        await answer.prepare(request)
        for piece in (b'{"a":', b"[1,", b"2,", b"3]}"):
            await asyncio.sleep(0.15)
            await answer.write(piece)
        return answer

    assert post(slow).body == {"a": [1, 2, 3]}


async def silent(request):
    await asyncio.sleep(0.7)


async def silent_in_the_middle(request):
    answer = web.StreamResponse(headers={"Content-Length": "100"})
    await answer.prepare(request)
    await answer.write(b'{"orderId":')
    await asyncio.sleep(0.7)
    return answer


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (cut, r"the connection failed \(ServerDisconnectedError\)"),
        (cut_in_the_middle, r"the connection failed \(ClientPayloadError\)"),
        (silent, r"no answer within 0\.3 s"),
        (silent_in_the_middle, r"no answer within 0\.3 s"),
    ],
)
def test_an_answer_that_is_lost_is_unknown_and_sent_once(handler, words):
    n_arrived = []

    async def counted(request):
        n_arrived.append(request.method)
        return await handler(request)

    with pytest.raises(VenueUnknown, match=words) as caught:
        post(counted)
    assert (caught.value.__context__, caught.value.__cause__) == (None, None)
    assert n_arrived == ["POST"]


def test_nobody_there_is_unknown():
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"127.0.0.1:{server.getsockname()[1]}"

    async def main():
        transport = HttpTransport(0.3)
        try:
            await transport.send("GET", f"http://{host}/", {}, None)
        finally:
            await transport.close()

    with pytest.raises(VenueUnknown, match="the connection failed"):
        asyncio.run(main())


def test_a_redirect_is_not_followed_with_a_signed_request():
    async def elsewhere(request):
        raise web.HTTPTemporaryRedirect("http://127.0.0.1:1/")

    assert post(elsewhere).status == 307


def test_ten_requests_are_under_way_at_once():
    now, most = [0], [0]

    async def slow(request):
        now[0] += 1
        most[0] = max(most[0], now[0])
        await asyncio.sleep(0.05)
        now[0] -= 1
        return web.json_response({})

    async def check(transport, host):
        await asyncio.gather(*(transport.send("POST", f"http://{host}/", {}, "x") for _ in range(10)))

    serve(slow, check, timeout_s=5)
    assert most == [10]


def stream(handler, talk=Talk(), **how):
    async def talks(request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await handler(ws)
        return ws

    async def check(transport, host):
        return [message async for message in transport.messages(f"ws://{host}/ws", talk)]

    return serve(talks, check, **how)


def test_a_stream_outlives_the_time_that_a_request_may_take_and_ends_as_it_ends():
    async def bars(ws):
        for number in range(3):
            await asyncio.sleep(0.2)
            await ws.send_json({"n": number})
        await ws.close()

    assert stream(bars) == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_what_is_said_first_reaches_the_venue():
    heard = []

    async def hears(ws):
        heard.extend([await ws.receive_str(), await ws.receive_str()])
        await ws.close()

    assert stream(hears, Talk(first=("auth", "subscribe"))) == []
    assert heard == ["auth", "subscribe"]


def test_a_ping_is_said_again_and_again(monkeypatch):
    monkeypatch.setattr("tradsys.live.venues.transport.HEARTBEAT_S", 0.05)
    heard = []

    async def hears(ws):
        heard.extend([await ws.receive_str(), await ws.receive_str()])
        await ws.close()

    assert stream(hears, Talk(ping="ping")) == []
    assert heard == ["ping", "ping"]


@pytest.mark.parametrize(
    ("message", "talk", "words"),
    [
        (None, Talk(silent_s=0.1), "the stream was silent for too long"),
        ("no json", Talk(silent_s=5), r"the stream failed \(JSONDecodeError\)"),
    ],
)
def test_a_silent_or_garbled_stream_is_unknown(message, talk, words):
    async def says(ws):
        if message:
            await ws.send_str(message)
        await asyncio.sleep(0.5)

    with pytest.raises(VenueUnknown, match=words):
        stream(says, talk)


def test_a_stream_that_cannot_be_opened_is_unknown():
    async def refuses(request):
        return web.json_response({}, status=503)

    async def check(transport, host):
        return [message async for message in transport.messages(f"ws://{host}/ws", Talk())]

    with pytest.raises(VenueUnknown, match="the stream failed"):
        serve(refuses, check)


def test_after_its_end_nothing_is_opened_again():
    async def answer(request):
        return web.json_response({})

    async def check(transport, host):
        await transport.close()
        await transport.send("GET", f"http://{host}/", {}, None)

    with pytest.raises(VenueUnknown, match="closed on this side"):
        serve(answer, check)
