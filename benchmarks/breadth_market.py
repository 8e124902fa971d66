"""The markets of docs/results/ranks.md from the development data: pooled bars, funding where it is known, settings.

    python benchmarks/breadth_market.py ../shared/data/breadth OUT

writes into OUT
    hourly.parquet       29 coins from 2020-10-23 on, hourly
    funding.parquet      what 17 of them settled, from the first bar to the last
    hourly.toml          funding of the 17, none of the others, and all of the time but the first 5% tested
    known.parquet        the 17 coins whose funding is known, hourly, with known.toml
    survivors.parquet    124 coins, 4-hourly: the futures that were left in June 2024
    with_delisted.parquet  the same and 30 coins that were delisted since, 4-hourly, with fourhourly.toml
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl

FROM = 1_603_440_000_000
"""2020-10-23 08:00 UTC: from here on all 29 coins have hourly bars."""

MASKED = 1_699_628_400_000
"""2023-11-10 15:00 UTC, an hour of which Binance's own records contradict each other."""

HOUR_MS, FOUR_HOURS_MS = 3_600_000, 4 * 3_600_000

_FIRST_BY = FROM + 2 * HOUR_MS
_TESTED = "[folds]\ninitial = 0.05\nlockbox = 0.0\n"


def main(source: Path, out: Path) -> None:
    """Write every file and say how many rows and symbols each has."""
    out.mkdir(parents=True, exist_ok=True)
    hourly = {symbol: _bars(path) for symbol, path in _named(source, "-1h-binancefut.parquet").items()}
    old = {symbol: bars for symbol, bars in hourly.items() if int(bars["ts"][0]) <= _FIRST_BY}
    _write(out / "hourly.parquet", old)
    tables = {symbol: pl.read_parquet(path) for symbol, path in _named(source, "-funding-binancefut.parquet").items()}
    known = {symbol: tables[symbol] for symbol in old if symbol in tables and _covers(tables[symbol], old[symbol])}
    settled = [table.select(pl.lit(symbol).alias("symbol"), pl.all()) for symbol, table in known.items()]
    pl.concat(settled).write_parquet(out / "funding.parquet")
    _write(out / "known.parquet", {symbol: old[symbol] for symbol in known})
    none = [f"{symbol}=none" for symbol in old if symbol not in known]
    for name, files in (("hourly", [str(out / "funding.parquet"), *none]), ("known", [str(out / "funding.parquet")])):
        listed = ", ".join(f'"{one}"' for one in files)
        (out / f"{name}.toml").write_text(f"{_TESTED}[funding]\nfiles = [{listed}]\n[costs]\nslippage_bps = 0.0\n")
    coarse = {symbol: _bars(path) for symbol, path in _named(source, "-4h-binancefut.parquet").items()}
    left = {**{symbol: _four_hourly(bars) for symbol, bars in hourly.items()}, **coarse}
    gone = {symbol: _bars(path) for symbol, path in _named(source, "-4h-binancespot.parquet").items()}
    if both := sorted(left.keys() & gone.keys()):
        raise SystemExit(f"{', '.join(both)} is both left and gone; mend the list of files")
    _write(out / "survivors.parquet", left)
    _write(out / "with_delisted.parquet", {**left, **gone})
    everybody = "[universe]\nsize = 200\n"
    (out / "fourhourly.toml").write_text(f"{_TESTED}{everybody}[costs]\nslippage_bps = 0.0\n")


def _named(source: Path, ending: str) -> dict[str, Path]:
    return {path.name.removesuffix(ending): path for path in sorted(source.glob(f"*{ending}"))}


def _bars(path: Path) -> pl.DataFrame:
    """From 2020-10-23 on, without the hour that is masked; a bar of four hours that holds it goes too."""
    bars = pl.read_parquet(path).sort("ts")
    step = int(bars["ts"].diff().min())  # of a column of integers
    return bars.filter((pl.col("ts") >= FROM) & ~((pl.col("ts") <= MASKED) & (pl.col("ts") + step > MASKED)))


def _covers(table: pl.DataFrame, bars: pl.DataFrame) -> bool:
    """Whether funding is known for all of the bars: from the first to the last, eight hours apart at most."""
    times = table["funding_time"].to_numpy()
    inside = times[(times >= int(bars["ts"][0]) - 8 * HOUR_MS) & (times <= int(bars["ts"][-1]) + HOUR_MS)]
    starts, ends = int(inside[0]) <= int(bars["ts"][0]), int(inside[-1]) >= int(bars["ts"][-1]) - 8 * HOUR_MS
    return bool(starts and ends and np.diff(inside).max() <= 8 * HOUR_MS + 60_000) if len(inside) else False


def _four_hourly(bars: pl.DataFrame) -> pl.DataFrame:
    """Whole bars of four hours alone."""
    summed = bars.group_by(pl.col("ts") // FOUR_HOURS_MS * FOUR_HOURS_MS, maintain_order=True).agg(
        pl.len().alias("n"),
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
    )
    return summed.filter(pl.col("n") == FOUR_HOURS_MS // HOUR_MS).drop("n")


def _write(path: Path, frames: dict[str, pl.DataFrame]) -> None:
    columns = ("ts", "open", "high", "low", "close", "volume")
    pooled = pl.concat(
        bars.select(
            pl.lit(symbol).alias("symbol"),
            *(pl.col(name).cast(pl.Float64) if name != "ts" else pl.col(name) for name in columns),
        )
        for symbol, bars in frames.items()
    )
    pooled.write_parquet(path)
    print(f"{path.name}: {len(pooled):,} bars of {len(frames)} symbols")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
