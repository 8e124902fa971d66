"""The time that processes share: it stands while one of them works, and jumps to what is due once all of them wait."""

import json
import os
import subprocess
import sys

import pytest
from tests.exchange.serving import ENVIRON, ROOT

pytestmark = pytest.mark.skipif(not hasattr(os, "pipe2"), reason="processes share a time on Linux alone")

TWO = """
import asyncio, json, os, signal, socket, time
from tests.fire.shared_time import BOT, EXCHANGE, RUNNER, SharedTime, enter

shared, (here, there) = SharedTime(1_000), socket.socketpair()
for who in (EXCHANGE, BOT, RUNNER):
    shared.join(who)

async def asks():
    reader, writer = await asyncio.open_connection(sock=here)
    times = [shared.now_ms()]
    await asyncio.sleep(100.0)
    times.append(shared.now_ms())
    time.sleep(0.3)  # as if nobody gave it a processor
    times.append(shared.now_ms())
    writer.write(b"a")
    await asyncio.wait_for(reader.read(1), 2.0)
    times.append(shared.now_ms())
    await asyncio.to_thread(time.sleep, 0.2)
    times.append(shared.now_ms())
    print(json.dumps(times), flush=True)

async def answers():
    reader, writer = await asyncio.open_connection(sock=there)
    await reader.read(1)
    time.sleep(0.3)
    await asyncio.sleep(1.5)
    writer.write(b"b")
    await asyncio.sleep(3_600.0)

processes = []
for who, work in ((EXCHANGE, answers), (BOT, asks)):
    processes.append(os.fork())
    if not processes[-1]:
        asyncio.run(work(), loop_factory=enter(shared, who))
        os._exit(0)
shared.wait(9_000_000, lambda: os.waitpid(processes[1], os.WNOHANG)[0] != 0)
os.kill(processes[0], signal.SIGKILL)
"""


def test_time_stands_while_somebody_works_and_jumps_when_all_wait():
    done = subprocess.run(
        [sys.executable, "-c", TWO], env=ENVIRON, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    began, slept, starved, answered, threaded = json.loads(done.stdout)
    assert began < 2_000, "its start took what the processor took"
    assert slept - began == pytest.approx(100_000, abs=50)
    assert starved - slept < 50, "three tenths of a second without a processor are none"
    assert answered - starved == pytest.approx(1_500, abs=50), "an answer in 1.5 s of theirs comes within 2 s"
    assert threaded - answered < 50, "a thread at work is work"
