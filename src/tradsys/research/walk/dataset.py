"""Bars and their labels, row for row, the labels' weights in training, and the panel that forecasters are fitted on."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Literal

import numpy as np
import polars as pl

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.bars import split_symbols, to_arrays
from tradsys.core.carry import carry_of, held
from tradsys.core.costs import Costs
from tradsys.core.errors import ConfigError
from tradsys.core.limit_entry import entry_cost
from tradsys.core.slippage import slippage_of
from tradsys.core.time import interval_ms
from tradsys.features.feature_set import FeatureSet, FittedFeatures, RawFeatures
from tradsys.labels.barriers import BarrierSpec
from tradsys.labels.expansion import Expansion, volatility_expansion
from tradsys.labels.weights import average_uniqueness, return_attribution, time_decay
from tradsys.models.forecaster import Panel, Rows, stack

LONG_SHORT = (1, -1)


@dataclass(frozen=True, slots=True)
class StackedLabels:
    """Outcomes of rows, symbol after symbol; column 0 is long, column 1 short; NaN and 0 where there is no label.

    `start` (n,) close of the bar in ms; `end` (n, 2) when the outcome is known; `target` (n, 2) 1 where that side's
    target came first; `timed_out`, `ambiguous` (n, 2); `ret` (n, 2) gross and `net` (n, 2) after all costs, as the
    simulated trade, fractions of the entry price; `weight` (n, 2) average uniqueness; `atr_over_price` (n,) the pace of
    the barriers' rule, an ATR unless set, as a fraction of the price. `missed` (n, 2) are the sides whose limit order
    was not filled: their other values are 0, and so is their weight, so that no fit learns from them.
    """

    start: IntArray
    end: IntArray
    target: FloatArray
    timed_out: BoolArray
    ambiguous: BoolArray
    ret: FloatArray
    net: FloatArray
    weight: FloatArray
    atr_over_price: FloatArray
    missed: BoolArray

    @property
    def is_filled(self) -> BoolArray:
        """Rows whose trades would have been entered on both sides, shape (n,)."""
        return ~self.missed.any(axis=1)

    @property
    def ret_atr(self) -> FloatArray:
        """Gross returns in multiples of the volatility, shape (n, 2)."""
        return self.ret / self.atr_over_price[:, None]

    @property
    def last_end(self) -> IntArray:
        """When both sides' outcomes are known, ms, shape (n,)."""
        return np.asarray(self.end.max(axis=1))


@dataclass(frozen=True, slots=True)
class SymbolLabels(StackedLabels):
    """One symbol's outcomes, a row a bar.

    `expansion` says how much further the next bars move than the last ones did, whatever became of the trade.
    """

    expansion: Expansion

    @property
    def is_labelled(self) -> BoolArray:
        """Rows with both sides' outcomes, those that were missed among them, shape (n,)."""
        return np.asarray(np.isfinite(self.target).all(axis=1), dtype=bool)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Several symbols' bars with their labels; nothing in it has been fitted."""

    interval: timedelta
    frames: Mapping[str, pl.DataFrame]
    labels: Mapping[str, SymbolLabels]
    raw: RawFeatures = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "raw", RawFeatures(tuple(self.frames.values())))

    @classmethod
    def build(cls, bars: pl.DataFrame, interval: timedelta, barriers: BarrierSpec, costs: Costs) -> "Dataset":
        """Label every symbol on its own bars."""
        frames = split_symbols(bars)
        return cls(interval, frames, {s: label_symbol(f, interval, barriers, costs) for s, f in frames.items()})

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names of the symbols, in the order of the bars."""
        return tuple(self.frames)

    @property
    def closes(self) -> int:
        """When the last bar of any symbol has closed, ms."""
        return max(int(one.start[-1]) for one in self.labels.values())

    @property
    def labelled(self) -> Rows:
        """Rows with both sides' outcomes, a mask a symbol."""
        return tuple(one.is_labelled for one in self.labels.values())

    def stacked(self, rows: Rows) -> StackedLabels:
        """The labels of the chosen rows, symbol after symbol."""
        each = tuple(self.labels.values())
        return StackedLabels(
            **{one.name: stack([getattr(own, one.name) for own in each], rows) for one in fields(StackedLabels)}
        )

    def panel(
        self, features: FeatureSet, rows: Rows, *, seed: int, held_out: Rows | None = None
    ) -> tuple[FittedFeatures, Panel]:
        """Features fitted on the bars `before` the last chosen rows, and the panel of all rows with them."""
        unscaled = features.learn(self.before(rows, held_out), seed=seed)
        raw = self.raw.of(unscaled)
        fitted = unscaled.scaled([raw[symbol][bars] for symbol, bars in _stretches(rows, held_out)])
        return fitted, self.panel_of(fitted, tuple(fitted.standardise(values) for values in raw))

    def panel_of(self, features: FittedFeatures, X: tuple[FloatArray, ...]) -> Panel:
        """The panel of all rows with features computed before, one array a symbol."""
        labels = tuple(self.labels.values())
        return Panel(
            symbols=self.symbols,
            columns=features.columns,
            is_odd=np.array(features.is_odd),
            is_volatility=np.array(features.is_volatility),
            X=X,
            start=tuple(one.start for one in labels),
            y=tuple(one.target for one in labels),
            end=tuple(one.end for one in labels),
            weight=tuple(one.weight for one in labels),
            ret_atr=tuple(one.ret_atr for one in labels),
            expansion=tuple(one.expansion.value for one in labels),
            expansion_end=tuple(one.expansion.end for one in labels),
        )

    def before(self, rows: Rows, held_out: Rows | None = None) -> list[pl.DataFrame]:
        """Each symbol's bars up to its last chosen row: what may be fitted on when those rows train.

        Symbols without such a row, listed later than the others, are left out. Where bars are held out, each unbroken
        stretch between them is a frame of its own.
        """
        frames = tuple(self.frames.values())
        return [frames[symbol][bars] for symbol, bars in _stretches(rows, held_out)]


def filled(data: Dataset, rows: Rows) -> Rows:
    """Those of the rows whose trades would have been entered on both sides: all of them, unless limit orders lapsed."""
    return tuple(mask & one.is_filled for mask, one in zip(rows, data.labels.values(), strict=True))


def _stretches(rows: Rows, held_out: Rows | None) -> list[tuple[int, slice]]:
    """Number of the symbol and its bars, for each unbroken stretch up to the last chosen row without those held out."""
    found: list[tuple[int, slice]] = []
    for symbol, chosen in enumerate(rows):
        end = _rows_until_last(chosen)
        kept = np.ones(end, bool) if held_out is None else ~held_out[symbol][:end]
        edges = np.flatnonzero(np.diff(kept, prepend=False, append=False))
        found += [(symbol, slice(int(a), int(b))) for a, b in edges.reshape(-1, 2)]
    return found


def _rows_until_last(chosen: BoolArray) -> int:
    rows = np.flatnonzero(chosen)
    return int(rows[-1]) + 1 if len(rows) else 0


def label_symbol(bars: pl.DataFrame, interval: timedelta, barriers: BarrierSpec, costs: Costs) -> SymbolLabels:
    """Both sides' outcomes of one symbol, spread over all of its bars."""
    arrays = to_arrays(bars)
    n = len(arrays.ts)
    start = arrays.ts + interval_ms(interval)
    end = np.zeros((n, 2), np.int64)
    target, ret, net = (np.full((n, 2), np.nan) for _ in range(3))
    timed_out, ambiguous, missed = np.zeros((n, 2), bool), np.zeros((n, 2), bool), np.zeros((n, 2), bool)
    weight = np.zeros((n, 2))
    labels, carry = barriers.label(bars), carry_of(bars, costs, interval_ms(interval))
    slippage = slippage_of(bars, costs)
    taker, entering = costs.taker + slippage, entry_cost(barriers.entry, costs, slippage)
    rests = barriers.entry is not None
    for column, side in enumerate(LONG_SHORT):
        one = labels.filter(pl.col("side") == side)
        rows = one["index"].to_numpy()
        label_end = one["end"].dt.epoch("ms").to_numpy()
        hit = one["label"].to_numpy() == 1
        gross = one["ret"].to_numpy()
        target[rows, column] = hit
        ret[rows, column] = gross
        is_time, is_missed = ((one["reason"] == reason).to_numpy() for reason in ("time", "missed"))
        entered, left = one["entry_index"].to_numpy(), one["exit_index"].to_numpy()
        at_close = is_time & (left == rows + barriers.horizon)  # later than that it is the next open somebody traded at
        funding, borrow = held(carry, side, entered, left, ~at_close, enters_inside=rests)
        exit_fee = np.where(hit, costs.maker, taker[left]) * (1.0 + side * gross)
        earned = gross - entering[entered] - exit_fee - (funding + borrow) / one["entry"].to_numpy()
        net[rows, column] = np.where(is_missed, 0.0, earned)
        end[rows, column] = label_end
        timed_out[rows, column] = is_time
        ambiguous[rows, column] = one["ambiguous"].to_numpy()
        # orders that were missed crowd the others while they rest: how crowded a label was is known when it ends
        weight[rows, column] = np.where(is_missed, 0.0, average_uniqueness(start[rows], label_end, times=start))
        missed[rows, column] = is_missed
    pace = barriers.pace(bars) / arrays.close
    expansion = volatility_expansion(bars, horizon=barriers.horizon, rule=barriers.pacing)
    return SymbolLabels(start, end, target, timed_out, ambiguous, ret, net, weight, pace, missed, expansion)


type Weights = Literal["uniqueness", "return"]


@dataclass(frozen=True, slots=True)
class WeightSpec:
    """Average uniqueness or attributed return, each decaying from 1 for a symbol's latest label to `time_decay`."""

    weights: Weights = "uniqueness"
    time_decay: float = 1.0

    def __post_init__(self) -> None:
        if self.weights not in ("uniqueness", "return"):
            raise ConfigError(f"weights must be 'uniqueness' or 'return', was {self.weights!r}")
        if not -1 < self.time_decay <= 1:
            raise ConfigError(f"time_decay must lie above -1 and be at most 1, was {self.time_decay}; 1 decays nothing")

    def on_training(self, panel: Panel, rows: Rows, data: Dataset) -> Panel:
        """The panel with these weights in the training rows, scaled and decayed over those rows alone.

        A symbol's attributed returns are scaled to the sum of its uniqueness, so that penalties keep their meaning.
        """
        if self == WeightSpec():
            return panel
        weight = []
        for (symbol, labels), mask in zip(data.labels.items(), rows, strict=True):
            own = labels.weight.copy()
            close = data.frames[symbol]["close"].to_numpy()
            for column, uniqueness in enumerate(labels.weight.T):
                labelled = np.isfinite(labels.target[:, column]) & ~labels.missed[:, column]
                train = mask & labelled
                if not train.any():
                    continue
                if self.weights == "return":
                    ends = labels.end[labelled, column]
                    own[labelled, column] = return_attribution(labels.start[labelled], ends, labels.start, close)
                    own[train, column] *= uniqueness[train].sum() / own[train, column].sum()
                own[train, column] *= time_decay(labels.start[train], uniqueness[train], self.time_decay)
            weight.append(own)
        return replace(panel, weight=tuple(weight))
