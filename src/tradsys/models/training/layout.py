"""Where each symbol's rows lie in the one matrix that is resident on the device."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

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
