"""What a source answered made into rows that may be kept: closed, on grid and possible; the rest is named."""

from dataclasses import dataclass

import polars as pl

from tradsys.core.defects import ROW, find_defects, off_grid
from tradsys.core.time import from_ms, interval_ms, ts_ms
from tradsys.data.store.manifest import Flaw
from tradsys.data.store.merge import refused
from tradsys.data.store.rules import RULES
from tradsys.data.store.series import SeriesId
from tradsys.data.store.store import ordered


@dataclass(frozen=True, slots=True)
class Admitted:
    """Rows that may be written, the flaws of those that may not, and how many had not closed yet."""

    rows: pl.DataFrame
    flaws: tuple[Flaw, ...]
    n_open: int = 0


def admit(series: SeriesId, bars: pl.DataFrame, *, closed_at: int | None = None) -> Admitted:
    """Bars in order of time, without those off the interval's grid, impossible, or not closed by `closed_at` (ms)."""
    rows = ordered(bars).unique("ts", keep="last", maintain_order=True).sort("ts")
    step = interval_ms(series.step)
    n_open = 0
    if closed_at is not None:
        n_all = len(rows)
        rows = rows.filter(pl.col("ts") <= from_ms(closed_at - step))
        n_open = n_all - len(rows)
    flaws = []
    if len(rows):
        off = pl.Series(off_grid(ts_ms(rows), step))
        if off.any():
            flaws.append(refused("off-grid", rows.filter(off), f"off the {series.interval} grid"))
            rows = rows.filter(~off)
        rows, impossible = _possible(rows, series)
        flaws += impossible
    return Admitted(rows, tuple(flaws), n_open)


def _possible(rows: pl.DataFrame, series: SeriesId) -> tuple[pl.DataFrame, list[Flaw]]:
    required = rows.select("ts", "open", "high", "low", "close", "volume")
    _, defects = find_defects(required, interval=series.step)
    flaws = [refused(d.kind, rows[list(d.rows)], d.sentence.partition(" (")[0]) for d in defects if d.rows]
    bad = sorted({row for defect in defects for row in defect.rows})
    if not bad:
        return rows, flaws
    return rows.with_row_index(ROW).filter(~pl.col(ROW).is_in(bad)).drop(ROW), flaws


def admit_table(series: SeriesId, rows: pl.DataFrame, *, closed_at: int) -> Admitted:
    """Rows of a table that is no bars, in order, each once, without those of the future, incomplete or impossible."""
    rules = RULES[series.interval]
    past = rows.filter(pl.col("ts") <= from_ms(closed_at))
    latest = past.unique(list(series.keys), keep="last", maintain_order=True)
    whole = pl.all_horizontal(pl.col(name).is_not_null() for name in rules.required(rows))
    lacking = latest.filter(~whole)
    flaws = [refused("empty value", lacking, "a value is missing")] if len(lacking) else []
    kept = latest.filter(whole)
    bad = rules.impossible_rows(kept)
    flaws += [refused("impossible value", kept.filter(mask), why) for why, mask in bad.items()]
    possible = ~pl.any_horizontal(*bad.values()) if bad else pl.lit(True)
    return Admitted(kept.filter(possible).sort(*series.keys), tuple(flaws))
