"""A small series made by hand, and the origin of its rows."""

from datetime import datetime, timedelta

import polars as pl

from tradsys.data.store.manifest import Origin

PAGES = Origin("test", "pages", "", 0, 0, 0, "2024-01-01T00:00:00+00:00")


def some_bars(start: datetime, n_bars: int, step: timedelta = timedelta(hours=1)) -> pl.DataFrame:
    close = [100.0 + (i * 7 % 13) for i in range(n_bars)]
    return pl.DataFrame(
        {
            "ts": [start + i * step for i in range(n_bars)],
            "open": close,
            "high": [price + 1 for price in close],
            "low": [price - 1 for price in close],
            "close": close,
            "volume": [1.5 + i for i in range(n_bars)],
        },
        schema_overrides={"ts": pl.Datetime("ms", "UTC")},
    )
