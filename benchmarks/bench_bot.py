"""From the exchange's closed bar to the last order: the whole bot on the loopback exchange, ten symbols together.

python benchmarks/bench_bot.py BUNDLE [N_CLOSES] [SPEED]

BUNDLE is what `tradsys deploy` wrote; its predictor decides for ten symbols here, and whatever it decides is entered,
with barriers so near that every trade is over before the next close. All is set against ten signed orders at once over
bare aiohttp, from the first that leaves to the last answer, between the closes on the same exchange. SPEED is how much
faster than the world the clocks of exchange and bot go (6: a bar of a minute in ten seconds); work takes the world's
time.
"""

import asyncio
import hashlib
import hmac
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from tests.exchange.scaled import Scale, enter
from tests.exchange.serving import ENVIRON, server_process

from tradsys.live.deciding import Decider
from tradsys.predictor.traded import read_deployment

SYMBOLS = tuple(f"{letter * 3}USDT" for letter in "ABCDEFGHIJ")
MINUTE_MS = 60_000
NEAR = 2e-4
"""Distance of stop and target as a share of the price: some minutes of these markets reach ten times as far."""
READY = "ready to trade: "
KEY, SECRET = "benchmark-key", "benchmark-secret"
type Measured = tuple[list[float], list[float], list[float], dict[str, Any]]
TICKS = os.sysconf("SC_CLK_TCK")


def ten_symbols(bundle: Path, folder: Path) -> Path:
    """The bundle as if it had been deployed on ten symbols in bars of a minute."""
    predictor, deployment, _ = read_deployment(bundle)
    now_ms = time.time_ns() // 1_000_000
    shares = replace(deployment.portfolio, fraction=0.1, cap=1.0, sides=("long", "short"))
    changed = replace(
        deployment, symbols=SYMBOLS, interval_ms=MINUTE_MS, created_ms=now_ms, expires_ms=2 * now_ms, portfolio=shares
    )
    spec = replace(predictor, symbols=SYMBOLS, interval=timedelta(milliseconds=MINUTE_MS), bundle_hash="")
    spec.save(folder, deployment=changed.to_dict())
    return folder


def trade(scale: str, started_s: str, *arguments: str) -> int:
    """`tradsys trade` in a time of its own, that enters whatever is decided, and tells when it is ready."""
    decide, warm = Decider.decide, Decider.warm

    def eagerly(self: Decider, close: Any) -> list[Any]:
        return [
            replace(
                one,
                action=one.side or 1,
                size=1.0,
                stop_distance=NEAR * close.bars[one.symbol].close,
                target_distance=NEAR * close.bars[one.symbol].close,
                horizon=1,
            )
            for one in decide(self, close)
        ]

    def ready(self: Decider, histories: Any) -> None:
        warm(self, histories)
        if len(histories) == len(SYMBOLS):
            took, used = time.monotonic() - float(started_s), time.process_time()
            print(f"{READY}{took:.2f} s, {used:.2f} s of processor, {_rss_mib()} MiB", flush=True)

    Decider.decide, Decider.warm = eagerly, ready  # type: ignore[method-assign]
    enter(Scale.read(scale))
    sys.argv = ["tradsys", *arguments]
    from tradsys.__main__ import main as tradsys

    return tradsys() or 0


def _rss_mib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


@contextmanager
def bot(base: str, scale: str, bundle: Path, root: Path) -> Iterator[int]:
    """The bot in a process of its own, in which nothing of this one is imported already; given when it is ready."""
    limits = ["orders_per_minute=10000", "max_notional=100", "max_open_trades=50", "stale_data_s=60", "drift_share=1"]
    limits += ["daily_loss=1", "max_drawdown=1", "max_errors=1000", "liquidation_distance=0.0001"]
    command = [sys.executable, __file__, "--trade", scale, str(time.monotonic()), "trade", str(bundle)]
    command += ["--account", "bench", "--root", str(root), "--live", "--unproven"]
    command += [part for limit in limits for part in ("--set", f"trade.{limit}")]
    environ = ENVIRON | {"TRADSYS_TRADE__URL": base, "TRADSYS_TRADE__CONFIRM": "bench"}
    environ |= {"TRADSYS_TRADE__API_KEY": KEY, "TRADSYS_TRADE__API_SECRET": SECRET}
    with (root / "told.txt").open("w+") as told, subprocess.Popen(command, stdout=told, env=environ) as process:
        try:
            while READY not in (said := (root / "told.txt").read_text()):
                if process.poll() is not None:
                    raise SystemExit(f"the bot ended with {process.returncode}: {said}")
                time.sleep(0.05)
            print(said[said.index(READY) :].splitlines()[0])
            yield process.pid
        finally:
            process.terminate()
            process.wait(30)


async def round_trip(session: aiohttp.ClientSession, base: str) -> float:
    """Seconds of one signed order that the exchange reads, checks and refuses for its size."""
    now_ms = time.time_ns() // 1_000_000
    query = f"symbol={SYMBOLS[0]}&side=BUY&type=MARKET&quantity=0&newClientOrderId=bare&timestamp={now_ms}"
    signature = hmac.new(SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
    headers = {"X-MBX-APIKEY": KEY, "Content-Type": "application/x-www-form-urlencoded"}
    began = time.perf_counter()
    async with session.post(f"{base}/fapi/v1/order", data=f"{query}&signature={signature}", headers=headers) as answer:
        await answer.json()
        assert answer.status == 400, await answer.text()
    return time.perf_counter() - began


def cpu_s(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def measured(base: str, scale: Scale, pid: int, n_closes: int) -> Measured:
    """Bare round trips one at a time, ten at once, the bot's processor time a close, and what the exchange saw."""
    single, ten, used = list[float](), list[float](), list[float]()
    bar_s = MINUTE_MS / 1_000 / scale.speed
    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(round_trip(session, base) for _ in range(len(SYMBOLS))))
        for _ in range(n_closes):
            await asyncio.sleep(bar_s * (1 - scale.now_ms() % MINUTE_MS / MINUTE_MS) - 0.05 * bar_s)
            before = cpu_s(pid)
            await asyncio.sleep(0.15 * bar_s)
            used.append(cpu_s(pid) - before)
            await asyncio.sleep(0.4 * bar_s)
            single += [await round_trip(session, base) for _ in range(20)]
            for _ in range(3):
                began = time.perf_counter()
                await asyncio.gather(*(round_trip(session, base) for _ in SYMBOLS))
                ten.append(time.perf_counter() - began)
        async with session.get(f"{base}/_ctl") as answer:
            told = await answer.json()
    return single, ten, used, told


def latencies(told: dict[str, Any]) -> tuple[list[float], list[float]]:
    """Seconds from each close's last closed bar to the first and the last entry, where all ten were entered.

    The first close is that which the bot came late to.
    """
    closed, entered = defaultdict[int, list[int]](list), defaultdict[int, list[int]](list)
    for at_ns, kind, what in told["seen"]:
        if kind == "kline":
            closed[int(what.split()[1]) + MINUTE_MS].append(at_ns)
        elif what.count("-") == 3 and what.split("-")[3].startswith("e"):
            entered[int(what.split("-")[2], 36)].append(at_ns)
    whole = [close for close in sorted(entered)[1:] if len(entered[close]) == len(SYMBOLS) == len(closed[close])]
    print(f"{len(whole)} of {len(entered) - 1} closes had {len(SYMBOLS)} entries")
    return tuple([(pick(entered[close]) - max(closed[close])) / 1e9 for close in whole] for pick in (min, max))


def show(name: str, seconds: list[float], bare: list[float]) -> None:
    """One line: median and 99th percentile, and what multiples they are of those of ten bare orders at once."""
    if seconds:
        (middle, late), base = np.quantile(seconds, [0.5, 0.99]), np.quantile(bare, [0.5, 0.99])
        ratio = f"{middle / base[0]:5.1f}x {late / base[1]:5.1f}x"
        print(f"{name:36} p50 {1e3 * middle:7.1f} ms   p99 {1e3 * late:7.1f} ms   {ratio}   n {len(seconds)}")


def main(bundle: str, n_closes: str = "12", speed: str = "6") -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as scratch:
        ten = ten_symbols(Path(bundle), Path(scratch) / "B")
        options = ["--symbols", ",".join(SYMBOLS), "--history", "3000", "--bar-s", f"{60 / float(speed):g}"]
        options += ["--key", KEY, "--secret", SECRET, "--wallet", "1500"]
        with server_process(*options) as (base, lines), bot(base, _scale(lines), ten, Path(scratch)) as pid:
            single, at_once, used, told = asyncio.run(measured(base, Scale.read(_scale(lines)), pid, int(n_closes)))
            rss = Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]
    first, last = latencies(told)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; memory at the end {int(rss) >> 10} MiB")
    for name, seconds in (("one", single), ("ten", at_once)):
        show(f"{name} bare signed order{'s at once' * (name == 'ten')}", seconds, at_once)
    show("closed bar to first of ten orders", first, at_once)
    show("closed bar to last of ten orders", last, at_once)
    print(f"processor time of the bot around a close: {1e3 * float(np.median(used)):.0f} ms (median)")


def _scale(lines: Any) -> str:
    return next(line.split()[line.split().index("tests.exchange.scaled") + 1] for line in lines if "scaled" in line)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--trade"]:
        sys.exit(trade(*sys.argv[2:]))
    main(*sys.argv[1:])
