"""`python -m tests.exchange.server PORT`: a Binance USD-M exchange on this machine alone, with faults on demand.

Bars come from a file (`--bars`, or anything else that `tradsys run --bars` takes), or are random walks of `--symbols`.
`--bar-s` is how long a bar lasts here: shorter than its interval, and the exchange's time goes faster than the world's,
which a client must go along with (`tests/exchange/scaled.py`).
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise

import polars as pl
from aiohttp import web
from tests.exchange.app import LoopbackExchange
from tests.exchange.books import Books
from tests.exchange.building import random_exchange, taped_exchange
from tests.exchange.faults import FaultSchedule
from tests.exchange.model import Exchange
from tests.exchange.rest import interval_ms
from tests.exchange.scaled import Scale, real_ms
from tests.exchange.signing import Gate
from tests.exchange.spot.app import LoopbackSpot
from tests.exchange.spot.books import SpotBooks
from tests.exchange.spot.model import SpotExchange
from tests.exchange.tape import TapeBar

from tradsys.core.time import format_step

HOST = "127.0.0.1"


def arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.exchange.server", description=__doc__.split("\n")[0])
    parser.add_argument("port", type=int, help="0 takes a free one")
    parser.add_argument("--symbols", default="BTCUSDT,ETHUSDT", help="names, of random walks or of the file's bars")
    parser.add_argument("--bars", help="a file, or what else `tradsys run --bars` takes")
    parser.add_argument("--history", type=int, default=3_000, help="bars that are over when it starts")
    parser.add_argument("--interval", default="1m", help="of random walks; a file's bars have their own")
    parser.add_argument("--bar-s", type=float, help="seconds that a bar lasts; default: its interval")
    parser.add_argument("--restamp", action="store_true", help="the file's bars happen now, not when they did")
    parser.add_argument("--spot", action="store_true", help="the spot market in place of the perpetuals")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--wallet", type=float, default=10_000.0)
    parser.add_argument("--key", default="loopback-key")
    parser.add_argument("--secret", default="loopback-secret")
    return parser.parse_args(given)


def read_bars(spec: str, symbols: Sequence[str]) -> dict[str, list[TapeBar]]:
    """Bars of each symbol of whatever `tradsys run --bars` takes; those of one symbol go by the first name."""
    from tradsys.data.load import load_bars

    frame = load_bars(spec)
    if "symbol" not in frame.columns or frame["symbol"].n_unique() == 1:
        frame, symbols = frame.with_columns(symbol=pl.lit(symbols[0])), symbols[:1]
    rows = frame.select("symbol", pl.col("ts").dt.epoch("ms"), "open", "high", "low", "close", "volume")
    found = {name: [TapeBar(*row[1:]) for row in rows.filter(symbol=name).iter_rows()] for name in symbols}
    empty = [name for name, bars in found.items() if not bars]
    if empty:
        there = ", ".join(sorted(rows["symbol"].unique()))
        raise SystemExit(f"{spec} has no bars of {', '.join(empty)}; it has {there}: name those by --symbols")
    return found


def interval_of(bars: Mapping[str, Sequence[TapeBar]]) -> str:
    """The interval of a tape by its name, such as 15m."""
    every = min(later.ts_ms - bar.ts_ms for own in bars.values() for bar, later in pairwise(own))
    return format_step(every)


def built(options: argparse.Namespace) -> tuple[Exchange, Scale]:
    """The exchange that the options describe, and the time in which it lives."""
    names, bars = options.symbols.split(","), None
    if options.bars is not None:
        bars = read_bars(options.bars, names)
        options.interval = interval_of(bars)
    every, faults, now = interval_ms(options.interval), FaultSchedule(options.seed), real_ms()
    speed = every / 1_000 / options.bar_s if options.bar_s else 1.0
    kind: type[Exchange] = SpotExchange if options.spot else Exchange
    books = SpotBooks(wallet=options.wallet) if options.spot else Books(wallet=options.wallet)
    if bars is None:
        scale = Scale(speed, now, now)
        exchange = random_exchange(
            scale, names, seed=options.seed, faults=faults, interval_ms=every, history=options.history,
            kind=kind, books=books,
        )  # fmt: skip
        return exchange, scale
    first = max(own[min(options.history, len(own) - 1)].ts_ms for own in bars.values())
    if options.restamp:
        later = int(now) // every * every - first
        bars = {name: [bar._replace(ts_ms=bar.ts_ms + later) for bar in own] for name, own in bars.items()}
    scale = Scale(speed, now, now if options.restamp else first)
    return taped_exchange(scale, bars, faults=faults, interval_ms=every, kind=kind, books=books), scale


async def serve(options: argparse.Namespace) -> None:
    """Serve until the process is ended."""
    exchange, scale = built(options)
    gate = Gate({options.key: options.secret, "WITHDRAW": options.secret}, checks_time=scale.speed == 1.0)
    door = LoopbackSpot if options.spot else LoopbackExchange
    loopback = door(exchange, options.interval, gate, speed=scale.speed)
    runner = web.AppRunner(loopback.application(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, HOST, options.port)
    await site.start()
    port = runner.addresses[0][1]
    sys.stdout.write(_advice(port, options, exchange, scale))
    sys.stdout.flush()
    await asyncio.Event().wait()


def _advice(port: int, options: argparse.Namespace, exchange: Exchange, scale: Scale) -> str:
    """What to set for a bot that is to trade here."""
    lines = [
        f"{', '.join(exchange.symbols)} in bars of {options.interval} on http://{HOST}:{port}; Ctrl-C ends it.",
        "",
        f"TRADSYS_TRADE__URL=http://{HOST}:{port}",
        f"TRADSYS_TRADE__API_KEY={options.key}",
        f"TRADSYS_TRADE__API_SECRET={options.secret}",
        "",
    ]
    if scale.speed != 1.0:
        lines.append(f"Time goes {scale.speed:g} times as fast: python -m tests.exchange.scaled {scale} trade ...")
    return "\n".join([*lines, f"State and faults: http://{HOST}:{port}/_ctl"]) + "\n"


if __name__ == "__main__":
    try:
        asyncio.run(serve(arguments(sys.argv[1:])))
    except KeyboardInterrupt:
        sys.exit(0)
