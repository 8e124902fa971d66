"""Updates of books written by hand, and a venue that sends random ones."""

from typing import Any

import numpy as np
import polars as pl

from tradsys.data.outside.book.book import Book, joined
from tradsys.data.outside.book.rebuild import LAST, books_from_updates

START = 1_700_000_000_000


def event(
    second: float, ids: tuple[int, int], levels: dict[str, dict[float, float]], **more: Any
) -> list[dict[str, Any]]:
    """Rows of one event: {"bid": {price: size}, "ask": ...}; a snapshot with `is_snapshot=True`."""
    common = {"ts": START + round(second * 1000), "first_id": ids[0], "last_id": ids[1], "is_snapshot": False} | more
    return [common | {"side": s, "price": p, "size": q} for s, side in levels.items() for p, q in side.items()]


def table(*events: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame([row for one in events for row in one])


def book_from_updates(table: pl.DataFrame, source: str, **how: Any) -> Book:
    return joined(list(books_from_updates([(table, LAST)], source, **how)))


SNAPSHOT = event(
    0,
    (10, 10),
    {"bid": {99.0: 1.0, 98.0: 2.0, 97.0: 9.0}, "ask": {101.0: 3.0, 102.0: 4.0, 103.0: 9.0}},
    is_snapshot=True,
)


def random_events(n_events: int, seed: int) -> pl.DataFrame:
    """A deep snapshot, then differences whose ids follow each other; the book is never crossed."""
    rng = np.random.default_rng(seed)
    depth = np.arange(1, 301)
    events = [
        event(
            0,
            (1, 1),
            {
                "bid": dict(zip(1000.0 - depth, rng.random(300) + 0.1, strict=True)),
                "ask": dict(zip(1000.0 + depth, rng.random(300) + 0.1, strict=True)),
            },
            is_snapshot=True,
        )
    ]
    known = 1
    for k in range(n_events):
        ids = (known + 1, known + int(rng.integers(1, 5)))
        known = ids[1]
        sides = {}
        for side, sign in (("bid", -1.0), ("ask", 1.0)):
            prices = 1000.0 + sign * rng.integers(1, 60, int(rng.integers(1, 6)))
            sides[side] = {float(p): float(q) for p, q in zip(prices, rng.random(len(prices)).round(1), strict=True)}
        events.append(event(0.1 * (k + 1), ids, sides))
    return table(*events)
