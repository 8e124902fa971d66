"""Every symbol's rows in one matrix on the device; crops are gathered from it, windows never exist."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tradsys.core.arrays import IntArray
from tradsys.core.errors import FitError

type Symbols = Sequence[npt.NDArray[np.floating]]
"""One array a symbol, each (n_bars,) or (n_bars, k)."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each symbol's rows lie, with `margin` empty rows before, between and after them.

    A crop may therefore hang over a symbol's edge by up to `margin` rows and never meets another symbol.
    """

    lengths: tuple[int, ...]
    margin: int

    @property
    def n_rows(self) -> int:
        """Rows of the whole matrix."""
        return self.margin + sum(self.lengths) + self.margin * len(self.lengths)

    @property
    def rows(self) -> tuple[slice, ...]:
        """The rows of each symbol."""
        ends = np.cumsum([self.margin + length for length in self.lengths])
        return tuple(slice(int(end) - length, int(end)) for end, length in zip(ends, self.lengths, strict=True))

    def place(self, symbols: Symbols) -> npt.NDArray[np.float32]:
        """The symbols' arrays in one float32 array (n_rows, ...); zero in the margins and where a value is not finite.

        An infinity that was kept would pass through a norm as NaN, and NaN times a weight of zero is NaN.
        """
        placed = np.zeros((self.n_rows, *symbols[0].shape[1:]), np.float32)
        for rows, array in zip(self.rows, symbols, strict=True):
            placed[rows] = array
        # in place; numpy's own would first build a mask of the whole matrix
        torch.from_numpy(placed).nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)
        return placed


@dataclass(frozen=True, slots=True)
class SharedTensor:
    """One array a training set, each distinct one held once: set k's is `values[of[k]]`.

    `values` (n_distinct, n_rows, ...), `of` (n_sets,).
    """

    values: Tensor
    of: Tensor

    @classmethod
    def fill(cls, layout: Layout, sets: Sequence[Symbols], device: torch.device) -> "SharedTensor":
        """Place every set's symbols; sets that hold the very same arrays share one place."""
        places: dict[tuple[int, ...], int] = {}
        of = [places.setdefault(identity(symbols), len(places)) for symbols in sets]
        distinct = [sets[of.index(place)] for place in range(len(places))]
        placed = [torch.from_numpy(layout.place(symbols)).to(device) for symbols in distinct]
        values = placed[0][None] if len(placed) == 1 else torch.stack(placed)
        return cls(values, torch.tensor(of, device=device))

    def at(self, sets: Tensor, rows: Tensor) -> Tensor:
        """The rows (n_models, ...) of each model's set (n_models,): (n_models, ..., k)."""
        place = self.of[sets].view(-1, *[1] * (rows.dim() - 1))
        return self.values[place, rows]

    def of_set(self, number: int) -> Tensor:
        """One set's array, (n_rows, ...)."""
        return self.values[int(self.of[number])]

    def to(self, device: torch.device) -> "SharedTensor":
        """The same on another device."""
        return SharedTensor(self.values.to(device), self.of.to(device))


def identity(symbols: Symbols) -> tuple[int, ...]:
    """Equal for the very same arrays, whatever the sequence that holds them."""
    return tuple(map(id, symbols))


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """What the models of one fold are trained on, one array a symbol, row for row with its bars.

    `x` (n_bars, n_features), NaN where a bar has no features; `y`, `offset`, `fit` and `check` (n_bars, n_outputs):
    targets, the logits that a model starts from, and the weights of the rows it learns from and is stopped by.
    """

    x: Symbols
    y: Symbols
    offset: Symbols
    fit: Symbols
    check: Symbols

    @property
    def lengths(self) -> tuple[int, ...]:
        """Bars of each symbol."""
        return tuple(map(len, self.x))


@dataclass(frozen=True, slots=True)
class CropBank:
    """The training sets of all folds, resident on one device; what several folds share is held once.

    Folds have the same bars, and each its own features where these were scaled or fitted on its training rows. `known`
    says where a bar has features.
    """

    layout: Layout
    x: SharedTensor
    known: SharedTensor
    y: SharedTensor
    offset: SharedTensor
    fit: SharedTensor
    check: SharedTensor

    @classmethod
    def build(cls, sets: Sequence[TrainingSet], *, margin: int, device: torch.device) -> "CropBank":
        """Lay the symbols of all sets out alike, with `margin` empty rows around each: a whole crop's length."""
        layout = Layout(sets[0].lengths, margin)
        if other := next((one.lengths for one in sets if one.lengths != layout.lengths), None):
            raise FitError(
                f"training sets side by side have the same bars, found symbols of {layout.lengths} and {other} bars; "
                "mask the rows that a set leaves out instead of cutting them off"
            )
        x = SharedTensor.fill(layout, [one.x for one in sets], device)
        # a sum is NaN exactly where a term is not finite; it needs no second matrix
        finite = {id(symbol): np.isfinite(symbol.sum(axis=1)).astype(np.float32) for one in sets for symbol in one.x}
        known = SharedTensor.fill(layout, [[finite[id(symbol)] for symbol in one.x] for one in sets], device)
        return cls(
            layout,
            x,
            SharedTensor(known.values > 0, known.of),
            *(
                SharedTensor.fill(layout, [getattr(one, name) for one in sets], device)
                for name in ("y", "offset", "fit", "check")
            ),
        )

    @property
    def n_sets(self) -> int:
        """Training sets in here."""
        return len(self.fit.of)

    @property
    def device(self) -> torch.device:
        """Where all of it lies."""
        return self.x.values.device

    def to(self, device: torch.device) -> "CropBank":
        """The same on another device."""
        tensors = (self.x, self.known, self.y, self.offset, self.fit, self.check)
        return CropBank(self.layout, *(tensor.to(device) for tensor in tensors))

    def gather(self, sets: Tensor, first: Tensor, length: int, context: int) -> tuple[Tensor, Tensor, Tensor]:
        """Crops of `context + length` rows whose forecasts start at rows `first` (n_models, n_crops) of each's set.

        Returns features (n_models, n_crops, context + length, n_features), known rows, and the rows of the forecasts,
        (n_models, n_crops, length).
        """
        offsets = torch.arange(-context, length, device=first.device)
        rows = first[..., None] + offsets
        return self.x.at(sets, rows), self.known.at(sets, rows), rows[..., context:]

    def demand(self, sets: Sequence[int], crop: int) -> None:
        """Raise FitError unless models can be trained on each of these sets with crops of that many rows."""
        if strange := sorted(number for number in sets if not 0 <= number < self.n_sets):
            raise FitError(f"this bank holds training sets 0 to {self.n_sets - 1}, found models for {strange}")
        ready = [bool((self.fit.of_set(k) > 0).any() and (self.check.of_set(k) > 0).any()) for k in sets]
        if not all(ready):
            raise FitError(
                "training needs rows to learn from and rows to check in every training set, found both in "
                f"{sum(ready)} of {len(ready)}; load more history"
            )
        if self.layout.margin < crop:
            raise FitError(
                f"crops of {crop} rows need margins as long, found {self.layout.margin}; build the bank for them"
            )

    def spans(self, weight: Tensor) -> IntArray:
        """The first and one past the last row of positive weight (n_rows, n_outputs) in each symbol, (n_spans, 2)."""
        positive = (weight > 0).any(dim=1).cpu().numpy()
        found = [rows.start + np.flatnonzero(positive[rows]) for rows in self.layout.rows]
        return np.array([(at[0], at[-1] + 1) for at in found if len(at)], np.int64)

    def tiles(self, spans: IntArray, length: int) -> IntArray:
        """First rows of the crops that cover the spans side by side, (n_crops,)."""
        return np.concatenate([np.arange(first, last, length) for first, last in spans])


def random_starts(spans: IntArray, length: int, shape: tuple[int, int], seed: int) -> IntArray:
    """First forecast rows of random crops, such that every row of the spans is equally likely to be in one."""
    low = spans[:, 0] - length + 1
    n_places = np.cumsum(spans[:, 1] - low)
    draw = np.random.default_rng(seed).integers(0, n_places[-1], size=shape)
    span = np.searchsorted(n_places, draw, side="right")
    return np.asarray(spans[span, 1] - (n_places[span] - draw), np.int64)
