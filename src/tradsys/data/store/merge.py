"""New rows joined to those already kept: the later answer stands, and a row that changed is reported."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from tradsys.core.time import stamp
from tradsys.data.store.manifest import N_KEPT, Flaw

CHANGED = "changed after close"
N_SHOWN = 3
_PRICED = ("open", "high", "low", "close", "volume")
"""Where these agree, the optional columns that only one of two answers holds are kept."""


@dataclass(frozen=True, slots=True)
class Merged:
    """All rows in order, how many are new, and the flaw that names rows whose values changed."""

    rows: pl.DataFrame
    n_new: int
    n_changed: int
    flaws: tuple[Flaw, ...] = ()


def merge(kept: pl.DataFrame, new: pl.DataFrame, keys: Sequence[str]) -> Merged:
    """Rows of both, unique and sorted by `keys`; of two rows with the same keys the new one stands.

    Columns that only one side has are empty in the other's rows.
    """
    if keys != ("ts",) or not _is_ascending(new["ts"]):
        new = new.unique(list(keys), keep="last", maintain_order=True).sort(*keys)
    if len(kept) == 0 or len(new) == 0:
        return Merged(new if len(kept) == 0 else kept, len(new), 0)
    if keys == ("ts",) and new["ts"][0] > kept["ts"][-1]:
        return Merged(_joined(kept, new), len(new), 0)
    both = new.join(kept, on=list(keys), how="inner", suffix="_kept", maintain_order="left")
    values = [name for name in new.columns if name not in keys and name in kept.columns]
    differs = pl.any_horizontal(
        pl.col(name).ne_missing(pl.col(f"{name}_kept"))
        & ((pl.col(name).is_not_null() & pl.col(f"{name}_kept").is_not_null()) | pl.lit(name in _PRICED))
        for name in values
    )
    changed = both.filter(differs)
    same = both.filter(~differs).select(
        *keys,
        *(pl.coalesce(name, f"{name}_kept").alias(name) if name in values else pl.col(name) for name in new.columns
          if name not in keys),
        *(name for name in kept.columns if name not in new.columns),
    )  # fmt: skip
    fresh = new.join(same, on=list(keys), how="anti")
    rest = kept.join(new, on=list(keys), how="anti")
    rows = _joined(_joined(rest, same), fresh).select(*kept.columns, *(c for c in new.columns if c not in kept.columns))
    return Merged(rows.sort(*keys), len(new) - len(both), len(changed), _changed_after_close(changed, values))


def _is_ascending(ts: pl.Series) -> bool:
    """Whether the times are in order and unique, which is far quicker to see than to establish."""
    steps = np.diff(ts.to_physical().to_numpy())
    return bool((steps > 0).all())


def _joined(a: pl.DataFrame, b: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([a, b], how="vertical" if a.columns == b.columns else "diagonal")


def _changed_after_close(changed: pl.DataFrame, values: Sequence[str]) -> tuple[Flaw, ...]:
    if len(changed) == 0:
        return ()
    shown = []
    for row in changed[:N_SHOWN].iter_rows(named=True):
        moved = [f"{name} {row[f'{name}_kept']} to {row[name]}" for name in values if row[name] != row[f"{name}_kept"]]
        shown.append(f"{row['ts']:%Y-%m-%d %H:%M} ({', '.join(moved)})")
    times = changed["ts"].dt.epoch("ms").to_list()
    more = f" and {len(changed) - N_SHOWN:,} more" if len(changed) > N_SHOWN else ""
    noun = "row" if len(changed) == 1 else "rows"
    sentence = f"{len(changed):,} {noun} changed at the source, the later answer stands: {'; '.join(shown)}{more}"
    return (Flaw(CHANGED, len(changed), tuple(times[:N_KEPT]), sentence),)


def refused(kind: str, rows: pl.DataFrame, what: str) -> Flaw:
    """The flaw that names rows that were not kept."""
    times = rows["ts"].dt.epoch("ms").to_list()
    shown = ", ".join(stamp(ms) for ms in times[:N_SHOWN])
    more = f" and {len(times) - N_SHOWN:,} more" if len(times) > N_SHOWN else ""
    noun = "row" if len(times) == 1 else "rows"
    return Flaw(kind, len(times), tuple(times[:N_KEPT]), f"{len(times):,} {noun} left out, {what}: {shown}{more}")
