"""A trial as the verdict needs it: daily net returns and the positions behind them, small enough to keep for ever."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import safetensors.numpy

from tradsys.core.arrays import Float32Array, FloatArray, IntArray
from tradsys.core.errors import DataError
from tradsys.core.time import DAY_MS


@dataclass(frozen=True, eq=False)
class TrialSeries:
    """One procedure's simulated record out of sample.

    `key` is the profile's name. `days` (n_days,) are UTC day numbers since 1970 and `daily` their net returns, flat
    days included. `position` (n_symbols, n_grid) is side x weight held from the open of grid stamp i (`grid`, int64
    milliseconds of bar opens) to the next open, 0 where a symbol has no bar; `opens` (n_symbols, n_grid) are those
    opens, NaN where a symbol has no bar. A trial read back from the ledger has no opens, shape (n_symbols, 0): the
    market's prices are those of the run that is being judged. `delayed` (n_days,) are the daily net returns with every
    order one bar later, None where that was not simulated, as in trials of earlier versions.

    Daily returns are rounded to float32 and positions kept as float32, as they are stored, so that a verdict does not
    depend on whether a series came from memory or from the ledger.
    """

    key: str
    days: IntArray
    daily: FloatArray
    grid: IntArray
    position: Float32Array
    opens: FloatArray
    symbols: tuple[str, ...]
    n_trades: int
    delayed: FloatArray | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "days", np.ascontiguousarray(self.days, np.int64))
        put(self, "daily", np.asarray(self.daily, np.float32).astype(np.float64))
        if self.delayed is not None:
            put(self, "delayed", np.asarray(self.delayed, np.float32).astype(np.float64))
        put(self, "grid", np.ascontiguousarray(self.grid, np.int64))
        put(self, "position", np.ascontiguousarray(self.position, np.float32))
        put(self, "opens", np.ascontiguousarray(self.opens, np.float64))
        shape = (len(self.symbols), len(self.grid))
        if self.position.shape != shape or self.opens.shape not in (shape, (shape[0], 0)):
            raise DataError(
                f"trial {self.key!r} has {shape[0]} symbols on {shape[1]} stamps, but positions of shape "
                f"{self.position.shape} and opens of shape {self.opens.shape}"
            )
        if self.days.shape != self.daily.shape or self.days.ndim != 1:
            raise DataError(f"trial {self.key!r} has {self.days.shape} days and {self.daily.shape} daily returns")
        if self.delayed is not None and (self.delayed.shape != self.days.shape or not np.isfinite(self.delayed).all()):
            raise DataError(f"trial {self.key!r} has {self.days.shape} days and delayed returns that do not fit them")
        for name, times in (("days", self.days), ("grid", self.grid)):
            if not len(times) or (np.diff(times) <= 0).any():
                raise DataError(f"trial {self.key!r} needs strictly increasing {name}, at least one")
        if not (np.isfinite(self.daily).all() and np.isfinite(self.position).all()):
            raise DataError(f"trial {self.key!r} has daily returns or positions that are not finite; 0 means flat")

    @property
    def n_days_with_bars(self) -> int:
        """Days in or before which a bar opened: what a record rests on, while those within a hole are merely flat."""
        opened = np.unique(self.grid // DAY_MS)
        return int(np.count_nonzero(np.isin(self.days, opened) | np.isin(self.days - 1, opened)))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the record: the same under other symbols' names, or without its delayed returns, is equal."""
        sha = hashlib.sha256(self.key.encode())
        for name, array in sorted(self._arrays().items()):
            if name not in ("key", "symbols", "delayed"):
                sha.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
        return sha.hexdigest()

    @property
    def delayed_digest(self) -> str | None:
        """SHA-256 of the delayed returns as they are stored; None where there are none."""
        return None if self.delayed is None else hashlib.sha256(self.delayed.astype(np.float32).tobytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """As safetensors: about 12 bytes a trade and 8 a day; opens are left out."""
        return safetensors.numpy.save(self._arrays())

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        """The trial that `to_bytes` wrote, equal to the last bit, without opens."""
        arrays = safetensors.numpy.load(stored)
        grid, days = _unpack(arrays["grid"]), _unpack(arrays["days"])
        symbols = tuple(arrays["symbols"].tobytes().decode().split("\n"))
        position = np.zeros((len(symbols), len(grid)), np.float32)
        for symbol, entry, exit_, weight in zip(
            arrays["symbol"], arrays["entries"], arrays["exits"], arrays["weights"], strict=True
        ):
            position[symbol, entry:exit_] = weight
        return cls(
            key=arrays["key"].tobytes().decode(),
            days=days,
            daily=arrays["daily"].astype(np.float64),
            grid=grid,
            position=position,
            opens=np.empty((len(symbols), 0)),
            symbols=symbols,
            n_trades=int(arrays["n_trades"][0]),
            delayed=arrays["delayed"].astype(np.float64) if "delayed" in arrays else None,
        )

    def _arrays(self) -> dict[str, np.ndarray]:
        symbol, entries, exits, weights = _holdings(self.position)
        late = {} if self.delayed is None else {"delayed": self.delayed.astype(np.float32)}
        return {
            **late,
            "key": np.array(list(self.key.encode()), np.uint8),
            "symbols": np.array(list("\n".join(self.symbols).encode()), np.uint8),
            "days": _pack(self.days),
            "daily": self.daily.astype(np.float32),
            "grid": _pack(self.grid),
            "symbol": symbol,
            "entries": entries,
            "exits": exits,
            "weights": weights,
            "n_trades": np.array([self.n_trades], np.int64),
        }


def _holdings(position: Float32Array) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Stretches of one unchanged position: symbol, first stamp, one past the last, weight with its sign."""
    n_symbols, n_grid = position.shape
    starts = np.ones((n_symbols, n_grid), np.bool_)
    starts[:, 1:] = position[:, 1:] != position[:, :-1]
    first = np.flatnonzero(starts)
    last = np.append(first[1:], n_symbols * n_grid)
    weight = position.reshape(-1)[first]
    held = weight != 0
    symbol, entry = np.divmod(first[held], n_grid)
    return (
        symbol.astype(np.int32),
        entry.astype(np.int32),
        (last[held] - symbol * n_grid).astype(np.int32),
        weight[held],
    )


def _pack(times: IntArray) -> IntArray:
    """Increasing times as (first, n) and then (step, count) for every run of equal steps, shape (1 + n_runs, 2)."""
    steps = np.diff(times)
    change = np.flatnonzero(np.diff(steps, prepend=-1))
    counts = np.diff(np.append(change, len(steps)))
    return np.concatenate([[[times[0], len(times)]], np.column_stack([steps[change], counts])]).astype(np.int64)


def _unpack(packed: IntArray) -> IntArray:
    return np.cumsum(np.append(packed[0, 0], np.repeat(packed[1:, 0], packed[1:, 1])))
