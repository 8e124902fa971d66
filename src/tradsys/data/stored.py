"""Bars by the name of their series, from the store: as they were downloaded, or made of shorter ones that were."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

import polars as pl

from tradsys.core.bars import OPTIONAL, find_gaps
from tradsys.core.errors import ConfigError
from tradsys.core.time import ts_ms
from tradsys.data.repairs import Repair
from tradsys.data.settings import DataSettings
from tradsys.data.store.manifest import SeriesManifest
from tradsys.data.store.resample import divides, resample
from tradsys.data.store.series import SeriesId
from tradsys.data.store.store import SeriesStore

_N_GAPS = 5


def load_stored(spec: str, settings: DataSettings) -> tuple[pl.DataFrame, str, tuple[Repair, ...]]:
    """The bars of `VENUE:SYMBOL:INTERVAL`, their symbol, and what is known to be wrong or missing in them.

    `settings` say where the store is. Rows were checked when they were stored, and the files' hashes are checked here.
    An interval that is not stored is made of the longest stored one that divides it.
    """
    series = SeriesId.parse(spec)
    if not series.is_bars:
        raise ConfigError(f"{series} holds no bars; name an interval such as 1h")
    store = SeriesStore(settings.root)
    source = _source(store, series)
    bars = store.read(source)
    notes = [*_flaws(store.manifests(source)), *_gaps(bars, source.step)]
    if source != series:
        n_parts = len(bars)
        bars = resample(bars, source.step, series.step)
        sentence = f"{len(bars):,} bars of {series.interval} made of {n_parts:,} whole bars of {source.interval}"
        notes.append(Repair("resampled", len(bars), (), sentence, changed=False))
    bars, incomplete = _without_incomplete(bars)
    return bars, series.symbol, (*incomplete, *notes)


def parts_of(stored: Iterable[SeriesId], series: SeriesId) -> list[SeriesId]:
    """The stored series of which this one can be made, the longest interval first."""
    same = [s for s in stored if s.is_bars and (s.exchange, s.symbol) == (series.exchange, series.symbol)]
    return sorted((s for s in same if divides(s.step, series.step)), key=lambda s: s.step, reverse=True)


def _source(store: SeriesStore, series: SeriesId) -> SeriesId:
    if store.manifests(series):
        return series
    stored = store.series()
    parts = parts_of(stored, series)
    if parts:
        return parts[0]
    there = ", ".join(map(str, stored[:5])) + (" ..." if len(stored) > 5 else "")
    raise ConfigError(
        f"{series} is not in the store at {store.place} ({f'which holds {there}' if stored else 'which is empty'}); "
        f"fetch it: tradsys data download {series} --from 2020-01-01"
    )


def _flaws(manifests: Iterable[SeriesManifest]) -> list[Repair]:
    return [
        Repair(flaw.kind, flaw.n_rows, (), f"{manifest.year}: {flaw.sentence}", changed=False)
        for manifest in manifests
        for flaw in manifest.defects
    ]


def _gaps(bars: pl.DataFrame, step: timedelta) -> list[Repair]:
    gaps = find_gaps(ts_ms(bars), step)
    if not gaps:
        return []
    n_missing = sum(gap.n_missing for gap in gaps)
    longest = "; ".join(str(gap) for gap in sorted(gaps, key=lambda gap: -gap.n_missing)[:3])
    noun = "gap leaves" if len(gaps) == 1 else "gaps leave"
    sentence = f"{len(gaps):,} {noun} out {n_missing:,} bars, the longest: {longest}; nothing is filled in"
    return [Repair("gaps", n_missing, tuple(str(gap) for gap in gaps[:_N_GAPS]), sentence, changed=False)]


def _without_incomplete(bars: pl.DataFrame) -> tuple[pl.DataFrame, Sequence[Repair]]:
    """Optional columns only where every row has them: an absent number is no zero."""
    lacking = {name: bars[name].null_count() for name in OPTIONAL if name in bars.columns and bars[name].null_count()}
    sentence = "column {} is empty in {:,} of {:,} rows and was left out"
    repairs = [Repair("incomplete column", n, (), sentence.format(name, n, len(bars))) for name, n in lacking.items()]
    return bars.drop(lacking), repairs
