"""A venue on 127.0.0.1 that answers in Binance's shapes: archive, REST klines, clock, and every fault on demand."""

import hashlib
import io
import json
import threading
import zipfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import polars as pl

from tradsys.core.time import from_ms, parse_interval, to_ms

KLINE_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)


@dataclass
class Fault:
    """An answer instead of the right one, `n` times, for paths that contain a text."""

    path: str
    n: int = 1
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    is_cut: bool = False


@dataclass
class Loopback:
    """`bars` are the truth from the listing on; `now` is the venue's clock; months and days may lack in the archive."""

    bars: pl.DataFrame
    step: timedelta
    now: datetime
    microseconds_from: datetime = datetime(2025, 1, 1, tzinfo=UTC)
    header_from: datetime = datetime(2022, 1, 1, tzinfo=UTC)
    no_file: set[str] = field(default_factory=set)
    not_in_file: dict[str, list[datetime]] = field(default_factory=dict)
    not_in_rest: list[datetime] = field(default_factory=list)
    corrections: dict[datetime, float] = field(default_factory=dict)
    wrong_checksums: Counter = field(default_factory=Counter)
    damaged: set[str] = field(default_factory=set)
    is_reordered: bool = False
    is_endless: bool = False
    most_settlements: int = 1000
    faults: list[Fault] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    tables: dict[str, str] = field(default_factory=dict)
    url: str = ""

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, str], bytes, bool]:
        for fault in self.faults:
            if fault.path in path and fault.n > 0:
                fault.n -= 1
                body = fault.body
                if body is None:
                    body = self._right(path, query)[1] if fault.is_cut else b'{"code":-1003,"msg":"fault"}'
                return fault.status, fault.headers, body, fault.is_cut
        status, body = self._right(path, query)
        return status, {}, body, False

    def _right(self, path: str, query: dict[str, str]) -> tuple[int, bytes]:
        if path.startswith("/data/"):
            return self._file(path)
        if path.endswith("/time"):
            return 200, json.dumps({"serverTime": to_ms(self.now)}).encode()
        if path.endswith("/exchangeInfo"):
            info = exchange_info(is_spot="/api/" in path)
            return 200, json.dumps(info | ({"symbols": []} if "/dapi/" in path else {})).encode()
        if path.endswith("/klines"):
            if query["symbol"] != "BTCUSDT":
                return 400, b'{"code":-1121,"msg":"Invalid symbol."}'
            return 200, json.dumps(self._page(query)).encode()
        if path.endswith("/fundingRate") and "fundingRate" in self.tables:
            return 200, json.dumps(self._settlements(query)).encode()
        return 404, b"{}"

    def current(self) -> pl.DataFrame:
        """The truth with what was corrected after it had closed; the last bar is still forming."""
        rows = self.bars.filter(pl.col("ts") <= self.now)
        for when, close in self.corrections.items():
            rows = rows.with_columns(close=pl.when(pl.col("ts") == when).then(close).otherwise("close"))
        forming = pl.col("ts") + self.step > self.now
        return rows.with_columns(
            volume=pl.when(forming).then(pl.col("volume") / 2).otherwise("volume"),
            high=pl.max_horizontal("high", "close", "open"),
            low=pl.min_horizontal("low", "close", "open"),
        )

    def _page(self, query: dict[str, str]) -> list[list]:
        rows = self.current().filter(~pl.col("ts").is_in(self.not_in_rest))
        start, end = int(query.get("startTime", 0)), int(query.get("endTime", 2**53))
        limit = int(query.get("limit", 500))
        inside = rows.filter(pl.col("ts").dt.epoch("ms").is_between(start, end))[:limit]
        if self.is_endless and len(inside) < limit:
            inside = rows[-limit:]
        page = [kline(row, self.step) for row in inside.iter_rows(named=True)]
        return page[::-1] if self.is_reordered else page

    def _settlements(self, query: dict[str, str]) -> list[dict]:
        told = json.loads(self.tables["fundingRate"])
        start, end = int(query.get("startTime", 0)), int(query.get("endTime", 2**53))
        limit = min(int(query.get("limit", 100)), self.most_settlements)
        inside = [one for one in told if start <= one["fundingTime"] <= end][:limit]
        if self.is_endless and len(inside) < limit:
            inside = told[-limit:]
        return inside[::-1] if self.is_reordered else inside

    def _file(self, path: str) -> tuple[int, bytes]:
        is_checksum = path.endswith(".CHECKSUM")
        path = path.removesuffix(".CHECKSUM")
        name = path.rpartition("/")[2]
        stem = name.removesuffix(".zip")
        if name in self.no_file:
            return 404, b""
        body = self._table(stem) if stem in self.tables else self._archived(path, stem)
        if body is None:
            return 404, b""
        if not is_checksum:
            return 200, body[: len(body) // 2] if name in self.damaged else body
        digest = hashlib.sha256(body).hexdigest()
        if self.wrong_checksums[name] > 0:
            self.wrong_checksums[name] -= 1
            digest = "0" * 64
        return 200, f"{digest}  {name}\n".encode()

    def _table(self, stem: str) -> bytes:
        return zipped(stem, self.tables[stem])

    def _archived(self, path: str, stem: str) -> bytes | None:
        symbol, interval, *when = stem.split("-") if "/klines/" in path else ("", "")
        if symbol != "BTCUSDT" or parse_interval(interval) != self.step:
            return None
        first = datetime(*map(int, when), *([1] if len(when) == 2 else []), tzinfo=UTC)
        end = (first + timedelta(days=32)).replace(day=1) if len(when) == 2 else first + timedelta(days=1)
        if end > self.now:
            return None
        left_out = self.not_in_file.get(stem, [])
        rows = self.current().filter(pl.col("ts").is_between(first, end, closed="left") & ~pl.col("ts").is_in(left_out))
        if rows.is_empty():
            return None
        scale = 1000 if "/spot/" in path and first >= self.microseconds_from else 1
        lines = [KLINE_HEADER] if first >= self.header_from else []
        lines += [",".join(map(str, kline(row, self.step, scale))) for row in rows.iter_rows(named=True)]
        return zipped(stem, "\n".join(lines) + "\n")


def zipped(stem: str, text: str) -> bytes:
    """A zip with one CSV, the same bytes each time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(f"{stem}.csv"), text)
    return buffer.getvalue()


def kline(row: dict, step: timedelta, scale: int = 1) -> list:
    ms = to_ms(row["ts"])
    prices = [str(row[name]) for name in ("open", "high", "low", "close", "volume")]
    close_time = ms + step // timedelta(milliseconds=1) - 1
    return [ms * scale, *prices, close_time * scale, str(row["volume"] * 100), 7, str(row["volume"] / 4), "1.0", "0"]


def exchange_info(is_spot: bool) -> dict:
    """One symbol, as Binance describes it."""
    symbol = {
        "symbol": "BTCUSDT", "pair": "BTCUSDT", "contractType": "PERPETUAL", "deliveryDate": 4133404800000,
        "onboardDate": 1569398400000, "status": "TRADING", "contractStatus": "TRADING", "baseAsset": "BTC",
        "quoteAsset": "USDT", "marginAsset": "USDT", "pricePrecision": 2, "quantityPrecision": 3,
        "baseAssetPrecision": 8, "quotePrecision": 8, "underlyingType": "COIN", "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False, "permissions": ["SPOT"], "permissionSets": [["SPOT"]],
        "orderTypes": ["LIMIT", "MARKET"], "timeInForce": ["GTC"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
        ],
    }  # fmt: skip
    others = ("permissions", "permissionSets", "isSpotTradingAllowed", "isMarginTradingAllowed")
    if is_spot:
        others = (
            "pair",
            "contractType",
            "deliveryDate",
            "onboardDate",
            "contractStatus",
            "marginAsset",
            "underlyingType",
        )
    symbol = {name: value for name, value in symbol.items() if name not in others}
    return {"timezone": "UTC", "serverTime": 0, "rateLimits": [], "exchangeFilters": [], "symbols": [symbol]}


@contextmanager
def serving(loopback: Loopback):
    """The venue at `loopback.url` while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            loopback.asked.append(parts.path)
            status, headers, body, is_cut = loopback.answer(parts.path, query)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if is_cut else body)
            if is_cut:
                self.close_connection = True

        def date_time_string(self, timestamp=None) -> str:
            return format_datetime(loopback.now, usegmt=True)

        def log_message(self, *args) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    loopback.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield loopback
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def truth(start: datetime, n_bars: int, step: timedelta) -> pl.DataFrame:
    """A plausible market with two decimals in every number."""
    close = [round(100 + (i * 37 % 211) / 10, 2) for i in range(n_bars)]
    open_ = [close[0], *close[:-1]]
    return pl.DataFrame(
        {
            "ts": [from_ms(to_ms(start + i * step)) for i in range(n_bars)],
            "open": open_,
            "high": [max(a, b) + 0.5 for a, b in zip(open_, close, strict=True)],
            "low": [min(a, b) - 0.5 for a, b in zip(open_, close, strict=True)],
            "close": close,
            "volume": [1 + i % 50 + 0.25 for i in range(n_bars)],
        },
        schema_overrides={"ts": pl.Datetime("ms", "UTC")},
    )
