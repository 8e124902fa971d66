"""Every symbol's rows in one matrix on the device; crops are gathered from it, windows never exist."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tradsys.core.arrays import IntArray
from tradsys.core.errors import FitError

type Symbols = Sequence[npt.NDArray[np.float64]]
"""One array a symbol, each (n_bars,) or (n_bars, k)."""


def best_device() -> torch.device:
    """The accelerator that is there, else the processor."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


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
        """The symbols' arrays in one float32 array (n_rows, ...); zero in the margins and where a value is NaN."""
        placed = np.zeros((self.n_rows, *symbols[0].shape[1:]), np.float32)
        for rows, array in zip(self.rows, symbols, strict=True):
            placed[rows] = array
        # in place; numpy's own would first build a mask of the whole matrix
        torch.from_numpy(placed).nan_to_num_(nan=0.0)
        return placed


@dataclass(frozen=True, slots=True)
class CropBank:
    """Features and targets of all symbols, and the weights of each model's rows, resident on one device.

    `x` (n_rows, n_features), `known` (n_rows,) where a bar has features, `y` (n_rows, n_outputs); `offset`, `fit` and
    `check` (n_models, n_rows, n_outputs): the logits each model starts from, and the weights of the rows it learns from
    and is stopped by.
    """

    layout: Layout
    x: Tensor
    known: Tensor
    y: Tensor
    offset: Tensor
    fit: Tensor
    check: Tensor

    @classmethod
    def build(
        cls,
        x: Symbols,
        y: Symbols,
        *,
        offset: Sequence[Symbols],
        fit: Sequence[Symbols],
        check: Sequence[Symbols],
        margin: int,
        device: torch.device,
    ) -> "CropBank":
        """Lay the symbols out; `offset`, `fit` and `check` hold one entry a model, each with one array a symbol."""
        layout = Layout(tuple(map(len, x)), margin)

        def put(symbols: Symbols) -> Tensor:
            return torch.from_numpy(layout.place(symbols)).to(device)

        def stack(models: Sequence[Symbols]) -> Tensor:
            return put(models[0])[None] if len(models) == 1 else torch.stack([put(model) for model in models])

        # a sum is NaN exactly where a term is; it needs no second matrix
        known = put([np.isfinite(symbol.sum(axis=1)).astype(np.float64) for symbol in x]) > 0
        return cls(layout, put(x), known, put(y), stack(offset), stack(fit), stack(check))

    @property
    def n_models(self) -> int:
        """Models that are trained side by side."""
        return len(self.fit)

    def gather(self, first: Tensor, length: int, context: int) -> tuple[Tensor, Tensor, Tensor]:
        """Crops of `context + length` rows whose forecasts start at rows `first` (n_models, n_crops).

        Returns features (n_models, n_crops, context + length, n_features), known rows, and the rows of the forecasts,
        (n_models, n_crops, length).
        """
        offsets = torch.arange(-context, length, device=first.device)
        rows = first[..., None] + offsets
        return self.x[rows], self.known[rows], rows[..., context:]

    def demand(self, n_models: int, crop: int) -> None:
        """Raise FitError unless this bank can train that many models on crops of that many rows."""
        n_ready = sum(
            bool((fit > 0).any() and (check > 0).any()) for fit, check in zip(self.fit, self.check, strict=True)
        )
        if n_ready < n_models or n_models != self.n_models:
            raise FitError(
                f"training {n_models} models needs rows to learn from and rows to check for each, found both for "
                f"{n_ready} of {self.n_models}; load more history"
            )
        if self.layout.margin < crop:
            raise FitError(
                f"crops of {crop} rows need margins as long, found {self.layout.margin}; build the bank for them"
            )

    def spans(self, weight: Tensor) -> list[IntArray]:
        """For each model the first and one past the last row of positive weight in each symbol, (n_spans, 2)."""
        spans = []
        for model in (weight > 0).any(dim=2).cpu().numpy():
            found = [rows.start + np.flatnonzero(model[rows]) for rows in self.layout.rows]
            spans.append(np.array([(at[0], at[-1] + 1) for at in found if len(at)], np.int64))
        return spans

    def tiles(self, weight: Tensor, length: int) -> Tensor:
        """First rows of the crops that cover each model's rows of positive weight side by side, (n_models, n_crops)."""
        starts = [
            np.concatenate([np.arange(first, last, length) for first, last in spans]) for spans in self.spans(weight)
        ]
        longest = max(map(len, starts))
        # models with fewer crops get some in the last margin, where all weights are zero
        padded = [np.pad(s, (0, longest - len(s)), constant_values=self.layout.n_rows - length) for s in starts]
        return torch.from_numpy(np.stack(padded)).to(weight.device)


def random_starts(spans: IntArray, length: int, shape: tuple[int, int], seed: int) -> IntArray:
    """First forecast rows of random crops, such that every row of the spans is equally likely to be in one."""
    low = spans[:, 0] - length + 1
    n_places = np.cumsum(spans[:, 1] - low)
    draw = np.random.default_rng(seed).integers(0, n_places[-1], size=shape)
    span = np.searchsorted(n_places, draw, side="right")
    return np.asarray(spans[span, 1] - (n_places[span] - draw), np.int64)
