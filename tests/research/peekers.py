"""Features that peek in few of their rows, each in a way that people have done it, and an honest relative."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl
from tests.research.leaky import OneColumn

from tradsys.core.time import HOUR_MS, ts_ms


def ahead(log_close: np.ndarray) -> np.ndarray:
    """The next bar's return, 0 in the last row."""
    return np.append(np.diff(log_close), 0.0)


def own(log_close: np.ndarray) -> np.ndarray:
    return np.append(0.0, np.diff(log_close))


def drawn(bars: pl.DataFrame, seed: int, share: float = 0.01) -> np.ndarray:
    """Rows that the time of the bar draws, whatever other bars there are."""
    return pl.Series(ts_ms(bars) // HOUR_MS).hash(seed).to_numpy() % 10_000 < 10_000 * share


@dataclass(frozen=True)
class InOnePercent(OneColumn):
    """The next return in 1% of the rows."""

    seed: int
    name: ClassVar[str] = "in_one_percent"

    def values(self, bars, log_close):
        return np.where(drawn(bars, self.seed), ahead(log_close), own(log_close))


@dataclass(frozen=True)
class AtLargeMoves(OneColumn):
    """The next return where it is one of the largest percent."""

    seed: int
    name: ClassVar[str] = "at_large_moves"

    def values(self, bars, log_close):
        later = ahead(log_close)
        return np.where(np.abs(later) > np.quantile(np.abs(later), 0.99), later, own(log_close))


@dataclass(frozen=True)
class AfterGaps(OneColumn):
    """The next return in rows after a gap."""

    seed: int
    name: ClassVar[str] = "after_gaps"

    def values(self, bars, log_close):
        return np.where(np.append(False, np.diff(ts_ms(bars)) > HOUR_MS), ahead(log_close), own(log_close))


@dataclass(frozen=True)
class OnMondays(OneColumn):
    """The next return at midnight before Monday."""

    seed: int
    name: ClassVar[str] = "on_mondays"

    def values(self, bars, log_close):
        is_monday = ((bars["ts"].dt.weekday() == 1) & (bars["ts"].dt.hour() == 0)).to_numpy()
        return np.where(is_monday, ahead(log_close), own(log_close))


@dataclass(frozen=True)
class LateMean(OneColumn):
    """Returns less the mean of all returns, in rows after a date."""

    seed: int
    after: int
    name: ClassVar[str] = "late_mean"

    def values(self, bars, log_close):
        returns = own(log_close)
        return np.where(ts_ms(bars) > self.after, returns - returns.mean(), returns)


@dataclass(frozen=True)
class SometimesCentred(OneColumn):
    """A mean of three bars, centred in 1% of the rows."""

    seed: int
    name: ClassVar[str] = "sometimes_centred"

    def values(self, bars, log_close):
        returns = own(log_close)
        centred = (np.append(0.0, returns[:-1]) + returns + ahead(log_close)) / 3
        return np.where(drawn(bars, self.seed), centred, returns)


@dataclass(frozen=True)
class NextVolume(OneColumn):
    """The next bar's volume, and nothing of its price, in 1% of the rows."""

    seed: int
    name: ClassVar[str] = "next_volume"

    def values(self, bars, log_close):
        volume = bars["volume"].to_numpy()
        return np.where(drawn(bars, self.seed), np.append(volume[1:], volume[-1]), volume)


@dataclass(frozen=True)
class RemembersMore(OneColumn):
    """An exponential mean that remembers much longer than two bars, whatever its lookback says: honest."""

    seed: int
    name: ClassVar[str] = "remembers_more"

    def values(self, bars, log_close):
        return pl.Series(log_close).ewm_mean(half_life=20).to_numpy().copy()


@dataclass(frozen=True)
class RemembersMoreAndPeeks(RemembersMore):
    """The same with little of the next return in 1% of the rows: less than what two bars alone leave out."""

    name: ClassVar[str] = "remembers_more_and_peeks"

    def values(self, bars, log_close):
        honest = RemembersMore.values(self, bars, log_close)
        return honest + np.where(drawn(bars, self.seed), 0.01 * ahead(log_close), 0.0)


def peekers(bars: pl.DataFrame, seed: int) -> list[OneColumn]:
    """One of each."""
    late = int(ts_ms(bars)[int(0.985 * len(bars))])
    kinds = (InOnePercent, AtLargeMoves, AfterGaps, OnMondays, SometimesCentred, NextVolume, RemembersMoreAndPeeks)
    return [*(kind(seed) for kind in kinds), LateMean(seed, late)]
