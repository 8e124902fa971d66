"""One symbol's bars with nothing in them yet: what a feature computes from them is written down instead of computed.

A feature is defined once, over arrays. Called with `TracedBars` its formulas meet a `Series` where they would meet
an array, and each operation leaves a node on the tape; the same node is never written twice, so that features share
what they have in common. Whatever cannot be written down raises `Untraceable`: that feature is computed as a batch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, cast

import numpy as np
import polars as pl
from numpy.lib.mixins import NDArrayOperatorsMixin

from tradsys.core.arrays import FloatArray
from tradsys.core.bars import Ohlcv, to_arrays
from tradsys.core.single_symbol import refuse_several
from tradsys.features.stream import kernel

INPUTS = ("ts", "open", "high", "low", "close", "volume")
INPUT, CONSTANT, PART = -1, -2, -3
"""Nodes that compute nothing: a field of the bar, a number, and one of several values of the node before."""

OPERATIONS: dict[np.ufunc, int] = {
    np.add: kernel.ADD,
    np.subtract: kernel.SUBTRACT,
    np.multiply: kernel.MULTIPLY,
    np.divide: kernel.DIVIDE,
    np.floor_divide: kernel.FLOOR_DIVIDE,
    np.remainder: kernel.REMAINDER,
    np.power: kernel.POWER,
    np.maximum: kernel.MAXIMUM,
    np.minimum: kernel.MINIMUM,
    np.greater: kernel.GREATER,
    np.greater_equal: kernel.GREATER_EQUAL,
    np.less: kernel.LESS,
    np.less_equal: kernel.LESS_EQUAL,
    np.absolute: kernel.ABSOLUTE,
    np.sqrt: kernel.SQRT,
    np.log: kernel.LOG,
    np.log1p: kernel.LOG1P,
    np.exp: kernel.EXP,
    np.sin: kernel.SIN,
    np.cos: kernel.COS,
    np.sign: kernel.SIGN,
    np.tanh: kernel.TANH,
}
"""What may be done to a series element by element; another operation is one line here and one in the kernel."""


class Untraceable(TypeError):
    """A computation that the tape has no words for."""


@dataclass(frozen=True, slots=True)
class Node:
    """An operation, the nodes it reads, and its numbers: a lag, a window's weights (oldest first), a table."""

    op: int
    reads: tuple[int, ...] = ()
    numbers: tuple[float, ...] = ()


@dataclass(slots=True)
class Tape:
    """Nodes in the order in which they are computed."""

    nodes: dict[Node, int] = field(default_factory=dict)

    def write(self, op: int, *reads: "Series | float", numbers: Sequence[float] = ()) -> "Series":
        """The series of this node, which is the old one if it is on the tape already."""
        ids = tuple(self.of(x).node for x in reads)
        return Series(self, self.nodes.setdefault(Node(op, ids, tuple(numbers)), len(self.nodes)))

    def of(self, x: "Series | float") -> "Series":
        """A series, or a number as one."""
        if isinstance(x, Series):
            return x
        if not isinstance(x, (int, float, np.number)):
            raise Untraceable(f"series and numbers can be traced bar by bar, found {type(x).__name__}")
        return self.write(CONSTANT, numbers=(float(x),))


class Series(NDArrayOperatorsMixin):
    """A node in the place of an array of shape (n_bars,)."""

    def __init__(self, tape: Tape, node: int) -> None:
        self.tape, self.node = tape, node

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, where: Any = True, **other: Any
    ) -> "Series":
        if method != "__call__" or other or (ufunc not in OPERATIONS and ufunc is not np.negative):
            raise Untraceable(f"{ufunc.__name__} has no counterpart that goes bar by bar")
        if ufunc is np.negative:
            return self.tape.write(kernel.MULTIPLY, self, -1.0)
        value = self.tape.write(OPERATIONS[ufunc], *inputs)
        if where is True:
            return value
        if out is None:
            raise Untraceable(f"{ufunc.__name__} with `where` needs `out`: what holds elsewhere")
        return self.tape.write(kernel.CHOOSE, where, value, out[0])

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function not in _FUNCTIONS:
            raise Untraceable(f"numpy.{function.__name__} has no counterpart that goes bar by bar")
        return _FUNCTIONS[function](*args, **kwargs)

    def _is_no_array(self, *_: object) -> Any:
        raise Untraceable("a series has no rows to look into: it is traced one bar after the other")

    __array__ = __bool__ = __float__ = __iter__ = __len__ = __getitem__ = __setitem__ = _is_no_array
    __hash__ = object.__hash__

    def windowed(self, weights: FloatArray) -> "Series":
        """Sum of the last rows by weights, latest first."""
        return self.tape.write(kernel.WINDOW, self, numbers=weights[::-1].tolist())

    def decayed(self, decay: float, window: int) -> "Series":
        """Sum of the last `window` rows, each row back weighing `decay` as much as the one after it."""
        return self.windowed(decay ** np.arange(window, dtype=np.float64))

    def lagged(self, lag: int) -> "Series":
        """The value `lag` rows ago."""
        return self if lag == 0 else self.tape.write(kernel.LAG, self, numbers=(lag,))

    def looked_up(self, table: FloatArray) -> "Series":
        """The entry of a table whose number this is."""
        return self.tape.write(kernel.TABLE, self, numbers=table.tolist())


@dataclass(frozen=True, slots=True)
class Columns:
    """Several series side by side, in the place of an array of shape (n_bars, n_columns)."""

    T: tuple[Series, ...]
    ndim: int = 2

    @property
    def shape(self) -> tuple[int, int]:
        """No row is there yet."""
        return 0, len(self.T)


class TracedBars:
    """Bars in the place of a frame; the formulas read their `arrays`."""

    def __init__(self, tape: Tape) -> None:
        fields = [tape.write(INPUT, numbers=(i,)) for i in range(len(INPUTS))]
        self.arrays = Ohlcv(*(cast(Any, x) for x in fields))
        self.tape, self.needs_no_gaps = tape, list[str]()

    def __getattr__(self, name: str) -> Any:
        raise Untraceable(f"bars that are traced one by one have no {name}; read them with `ohlcv` or `LogPrices.of`")

    def __getitem__(self, name: object) -> Any:
        raise Untraceable(f"{name!r} of the frame is read; prices that are traced bar by bar come from `ohlcv`")


def is_traced(bars: object) -> bool:
    """Whether a feature is being written down rather than computed."""
    return isinstance(bars, TracedBars)


def ohlcv(bars: pl.DataFrame) -> Ohlcv:
    """The arrays of one symbol's bars, or the series in their place; a DataError for bars of several symbols."""
    if is_traced(bars):
        return cast(TracedBars, bars).arrays
    refuse_several(bars, "a feature")
    return to_arrays(bars)


def needs_no_gaps(bars: pl.DataFrame, feature: str) -> pl.DataFrame:
    """The traced bars, with the wish that none be missing between them."""
    cast(TracedBars, bars).needs_no_gaps.append(feature)
    return bars


def recorded_by[F: Callable[..., Any]](record: Callable[..., object]) -> Callable[[F], F]:
    """Decorator: called with a series first (or with a sequence that begins with one), `record` writes it down."""

    def decorate(function: F) -> F:
        @wraps(function)
        def call(x: Any, *args: Any, **kwargs: Any) -> Any:
            first = x[0] if isinstance(x, (list, tuple)) and x else x
            return (record if isinstance(first, (Series, Columns)) else function)(x, *args, **kwargs)

        return cast(F, call)

    return decorate


def filtered(likelihood: Columns, transition: FloatArray, stationary: FloatArray, window: int) -> Columns:
    """Probabilities of hidden states from a window of log-likelihoods, one series a state."""
    best = likelihood.T[0]
    for other in likelihood.T[1:]:
        best = cast(Series, np.maximum(best, other))
    tape, states = best.tape, [cast(Series, np.exp(cast(Any, x - best))) for x in likelihood.T]
    whole = tape.write(kernel.FILTER, *states, numbers=(window, *stationary.tolist(), *transition.ravel().tolist()))
    return Columns(tuple(tape.write(PART, whole, numbers=(j,)) for j in range(len(states))))


_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.column_stack: lambda columns: Columns(tuple(columns)),
    np.clip: lambda x, low, high: np.minimum(np.maximum(x, low), high),
    np.zeros_like: lambda x: x.tape.of(0.0),
    np.ones_like: lambda x: x.tape.of(1.0),
}
