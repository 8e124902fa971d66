"""A stored series looked at as a whole: hashes, defects, gaps, other intervals of it, another venue's prices."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl

from tradsys.core.arrays import BoolArray
from tradsys.core.bars import QualityReport, quality_report
from tradsys.core.defects import find_defects, name_rows
from tradsys.core.errors import DataError, NotEnoughBars
from tradsys.core.stale import disagreements
from tradsys.core.time import as_ms, interval_ms, stamp, ts_ms
from tradsys.data.outside.funding import MOST_USUAL, missing_settlements
from tradsys.data.store.admit import RULES
from tradsys.data.store.series import FUNDING, SeriesId
from tradsys.data.store.store import SeriesStore

OUTLIER_SHARE, OUTLIER_MADS = 5e-3, 12.0
"""A close this far from the other venue's, beyond the usual distance and this many of its median deviations."""
AROUND = 49
N_SHOWN = 3
OUTLIER_RATE, OUTLIER_MEDIANS = 5e-3, 20.0
"""A rate of funding beyond this, and beyond this many times the median rate."""
LEAST_APART = timedelta(minutes=30)
"""Settlements nearer than this are one listed twice."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or doubtful; `is_bad` where the rows themselves cannot be right."""

    kind: str
    n_rows: int
    sentence: str
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class SeriesAudit:
    """All that was found in one series; `quality` is None where its files cannot be read."""

    series: SeriesId
    n_rows: int
    quality: QualityReport | None
    findings: tuple[Finding, ...]

    @property
    def is_bad(self) -> bool:
        """Whether anything is wrong rather than doubtful."""
        return any(finding.is_bad for finding in self.findings)


def audit(
    store: SeriesStore, series: SeriesId, *, against: Sequence[SeriesId] = (), now: int | None = None
) -> SeriesAudit:
    """Check a stored series against its manifests, the bars' rules, its other intervals and other venues.

    `against` are series to compare closes with; by default every stored one of the same pair and interval elsewhere.
    Bars that close after `now` (ms, by the clock unless given) cannot be right.
    """
    manifests = store.manifests(series)
    if not manifests:
        raise DataError(f"{series} is not in the store at {store.place}; tradsys data list shows what is")
    findings = [
        Finding(flaw.kind, flaw.n_rows, f"{manifest.year}: {flaw.sentence}")
        for manifest in manifests
        for flaw in manifest.defects
    ]
    try:
        rows = store.read(series)  # checks every file's hash
    except DataError as error:
        return SeriesAudit(series, 0, None, (*findings, Finding("damaged file", 0, str(error), is_bad=True)))
    n_listed = sum(manifest.n_rows for manifest in manifests)
    if n_listed != len(rows):
        sentence = f"the manifests list {n_listed:,} rows, the files hold {len(rows):,}"
        findings.append(Finding("wrong manifest", abs(n_listed - len(rows)), sentence, is_bad=True))
    if series.interval == FUNDING:
        findings += _funding(rows)
    if not series.is_bars:
        return SeriesAudit(series, len(rows), None, (*findings, *_of_table(series, rows)))
    required = rows.select("ts", "open", "high", "low", "close", "volume")
    _, defects = find_defects(required, interval=series.step, now=as_ms(now))
    findings += [Finding(d.kind, d.n_rows, d.sentence, is_bad=True) for d in defects]
    findings += _other_intervals(store, series, required)
    elsewhere = (other for other in store.series() if other.exchange != series.exchange)
    same = [other for other in elsewhere if (other.symbol, other.interval) == (series.symbol, series.interval)]
    for other in against or same:
        findings += _outliers(store, other, required)
    try:
        quality = quality_report(rows, interval=series.step)
    except NotEnoughBars:
        quality = None
    return SeriesAudit(series, len(rows), quality, tuple(findings))


def _of_table(series: SeriesId, rows: pl.DataFrame) -> list[Finding]:
    """Impossible and repeated rows of a table that is no bars, and the stretches without any."""
    rules = RULES[series.interval]
    found = []
    for why, mask in rules.impossible_rows(rows).items():
        n = int(mask.sum())
        found.append(Finding("impossible value", n, f"{n:,} rows: {why}: {_times(rows, mask)}", is_bad=True))
    twice = rows.select(series.keys).is_duplicated()
    if twice.any():
        n = int(twice.sum())
        found.append(Finding("duplicates", n, f"{n:,} rows are there twice: {_times(rows, twice)}", is_bad=True))
    gaps = rules.gaps(rows)
    if gaps:
        n = sum(gap.n_missing for gap in gaps)
        longest = sorted(gaps, key=lambda gap: -gap.n_missing)[:N_SHOWN]
        spans = "; ".join(f"{gap.start:%Y-%m-%d %H:%M} to {gap.end:%Y-%m-%d %H:%M}" for gap in longest)
        noun = "gap leaves" if len(gaps) == 1 else "gaps leave"
        found.append(Finding("gaps", n, f"{len(gaps):,} {noun} out {n:,} {rules.unit}, the longest: {spans}"))
    return found


def _times(rows: pl.DataFrame, mask: pl.Series) -> str:
    times = rows.filter(mask)["ts"]
    more = f" and {len(times) - N_SHOWN:,} more" if len(times) > N_SHOWN else ""
    return ", ".join(f"{when:%Y-%m-%d %H:%M}" for when in times[:N_SHOWN]) + more


def _other_intervals(store: SeriesStore, series: SeriesId, bars: pl.DataFrame) -> list[Finding]:
    """Bars that their shorter parts contradict, for each shorter interval that is stored."""
    findings = []
    for parts in store.series():
        same = parts.is_bars and (parts.exchange, parts.symbol) == (series.exchange, series.symbol)
        if not same or parts.step >= series.step or series.step % parts.step:
            continue
        fine = store.read(parts, columns=["ts", "open", "high", "low", "close", "volume"])
        if (int(ts_ms(bars)[0]) - int(ts_ms(fine)[0])) % interval_ms(parts.step):
            sentence = f"not compared with {parts}: its bars open beside the grid, as {stamp(int(ts_ms(fine)[0]))} does"
            findings.append(Finding("not compared", 0, sentence))
            continue
        wrong, columns = disagreements(bars, fine, series.step, parts.step)
        if wrong.any():
            rows = np.flatnonzero(wrong)
            words = f"disagree with the {parts.interval} bars in {', '.join(columns)}"
            findings.append(_finding("cross-interval disagreement", words, bars, rows))
    return findings


def _outliers(store: SeriesStore, other: SeriesId, bars: pl.DataFrame) -> list[Finding]:
    """Closes far from another venue's, measured by how far they usually are around that time."""
    theirs = store.read(other, columns=["ts", "close"]).rename({"close": "other"})
    both = bars.select("ts", "close").with_row_index("row").join(theirs, on="ts", maintain_order="left")
    if len(both) < AROUND:
        sentence = f"only {len(both)} bars in common with {other}, wanted {AROUND} to compare closes"
        return [Finding("not compared", 0, sentence)]
    apart = both.select(pl.col("row"), away=(pl.col("close") / pl.col("other")).log()).with_columns(
        usual=pl.col("away").rolling_median(AROUND, center=True, min_samples=AROUND // 2)
    )
    distance = (apart["away"] - apart["usual"]).abs()
    mad = float(distance.median() or 0.0)  # type: ignore[arg-type]
    far: BoolArray = (distance > max(OUTLIER_SHARE, OUTLIER_MADS * mad)).fill_null(False).to_numpy()
    if not far.any():
        return []
    words = f"closes unlike those of {other}, by over {max(OUTLIER_SHARE, OUTLIER_MADS * mad):.2%}"
    return [_finding("outlier", words, bars, apart["row"].to_numpy().astype(np.int64)[far])]


def _funding(rows: pl.DataFrame) -> list[Finding]:
    """What is wrong or doubtful in settlements: holes, doubles, percent for fractions, rates unlike the rest."""
    times, size = ts_ms(rows), rows["funding_rate"].abs()
    usual = float(np.median(size.to_numpy()))
    found = []
    if lacking := missing_settlements(rows, int(times[0]), int(times[-1])):
        shown = ", ".join(f"{stamp(a)} to {stamp(b)}" for a, b in lacking[:3]) + (" ..." if len(lacking) > 3 else "")
        found.append(Finding("gap", len(lacking), f"no settlement in {len(lacking):,} ranges: {shown}"))
    twice = np.append(False, rows["ts"].diff()[1:].to_numpy() < np.timedelta64(LEAST_APART))
    if twice.any():
        words = f"settlements less than {LEAST_APART // timedelta(minutes=1)} minutes after another"
        found.append(_finding("duplicate", words, rows, np.flatnonzero(twice), is_bad=True))
    if usual > MOST_USUAL:
        sentence = f"half of all rates are beyond {usual:.2%}: percent instead of fractions?"
        return [*found, Finding("unit", len(rows), sentence, is_bad=True)]
    far = (size > max(OUTLIER_RATE, OUTLIER_MEDIANS * usual)).to_numpy()
    if far.any():
        words = f"rates beyond {max(OUTLIER_RATE, OUTLIER_MEDIANS * usual):.2%}"
        found.append(_finding("outlier", words, rows, np.flatnonzero(far)))
    return found


def _finding(kind: str, words: str, bars: pl.DataFrame, rows: Any, *, is_bad: bool = False) -> Finding:
    noun = "bar" if "close" in bars.columns else "row"
    count = f"1 {noun}" if len(rows) == 1 else f"{len(rows):,} {noun}s"
    return Finding(kind, len(rows), f"{count}: {words}: {name_rows(bars, rows)}", is_bad)
