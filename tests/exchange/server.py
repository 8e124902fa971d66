"""`python -m tests.exchange.server PORT`: a Binance USD-M exchange on this machine alone, with faults on demand.

Bars come from a file (`--bars`, Parquet or CSV with ts, open, high, low, close, volume and perhaps symbol), or are
random walks of `--symbols`. `--bar-s` is how long a bar lasts here: shorter than its interval, and the exchange's time
goes faster than the world's, which a client must go along with (`tests/exchange/scaled.py`).
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web
from tests.exchange.app import LoopbackExchange
from tests.exchange.building import random_exchange, taped_exchange
from tests.exchange.faults import FaultSchedule
from tests.exchange.model import Exchange
from tests.exchange.rest import interval_ms
from tests.exchange.scaled import Scale, real_ms
from tests.exchange.signing import Gate
from tests.exchange.tape import TapeBar

HOST = "127.0.0.1"


def arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.exchange.server", description=__doc__.split("\n")[0])
    parser.add_argument("port", type=int, help="0 takes a free one")
    parser.add_argument("--symbols", default="BTCUSDT,ETHUSDT", help="names, of random walks or of the file's bars")
    parser.add_argument("--bars", type=Path, help="Parquet or CSV")
    parser.add_argument("--history", type=int, default=3_000, help="bars that are over when it starts")
    parser.add_argument("--interval", default="1m")
    parser.add_argument("--bar-s", type=float, help="seconds that a bar lasts; default: its interval")
    parser.add_argument("--restamp", action="store_true", help="the file's bars happen now, not when they did")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--wallet", type=float, default=10_000.0)
    parser.add_argument("--key", default="key")
    parser.add_argument("--secret", default="secret")
    return parser.parse_args(given)


def read_bars(path: Path, symbols: Sequence[str]) -> dict[str, list[TapeBar]]:
    """Bars of each symbol of a file; one without a column of symbols is the first symbol's."""
    import polars as pl

    frame = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, try_parse_dates=True)
    if frame["ts"].dtype != pl.Int64:
        frame = frame.with_columns(pl.col("ts").dt.epoch("ms"))
    if "symbol" not in frame.columns:
        frame = frame.with_columns(symbol=pl.lit(symbols[0]))
    rows = frame.sort("ts").select("symbol", "ts", "open", "high", "low", "close", "volume")
    found = {name: [TapeBar(*row[1:]) for row in rows.filter(symbol=name).iter_rows()] for name in symbols}
    empty = [name for name, bars in found.items() if not bars]
    if empty:
        raise SystemExit(f"{path} has no bars of {', '.join(empty)}; it has {', '.join(rows['symbol'].unique())}")
    return found


def built(options: argparse.Namespace) -> tuple[Exchange, Scale]:
    """The exchange that the options describe, and the time in which it lives."""
    every, names = interval_ms(options.interval), options.symbols.split(",")
    speed = every / 1_000 / options.bar_s if options.bar_s else 1.0
    faults, now = FaultSchedule(options.seed), real_ms()
    if options.bars is None:
        scale = Scale(speed, now, now)
        exchange = random_exchange(
            scale, names, seed=options.seed, faults=faults, interval_ms=every, history=options.history,
            wallet=options.wallet,
        )  # fmt: skip
        return exchange, scale
    bars = read_bars(options.bars, names)
    first = max(own[min(options.history, len(own) - 1)].ts_ms for own in bars.values())
    if options.restamp:
        later = int(now) // every * every - first
        bars = {name: [bar._replace(ts_ms=bar.ts_ms + later) for bar in own] for name, own in bars.items()}
    scale = Scale(speed, now, now if options.restamp else first)
    return taped_exchange(scale, bars, faults=faults, interval_ms=every, wallet=options.wallet), scale


async def serve(options: argparse.Namespace) -> None:
    """Serve until the process is ended."""
    exchange, scale = built(options)
    gate = Gate({options.key: options.secret, "WITHDRAW": options.secret}, checks_time=scale.speed == 1.0)
    loopback = LoopbackExchange(exchange, options.interval, gate, speed=scale.speed)
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
