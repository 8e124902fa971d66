"""Look-ahead leaks: recomputed tables compared value by value, and each value that depended on later bars."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from tradsys.core.arrays import BoolArray, IntArray
from tradsys.core.errors import LookaheadError
from tradsys.core.time import stamp


@dataclass(frozen=True, slots=True)
class Leak:
    """A look-ahead leak: a value that was not settled when it was used.

    `row` (of the symbol's bars) and `start` (ms) are where it was first seen to differ; `bars_ahead` is the smallest
    number of bars after the value should have been known that must be there for it to become what it is.
    """

    part: str
    column: str
    symbol: str
    row: int
    start: int
    bars_ahead: int

    @property
    def sentence(self) -> str:
        """The leak in one sentence, with where it is and how many bars ahead it saw."""
        bars = "1 bar" if self.bars_ahead == 1 else f"{self.bars_ahead:,} bars"
        of = f" of {self.symbol}" if self.symbol else ""
        return f"{self.part}: {self.column}{of} saw {bars} ahead, first in row {self.row:,} ({stamp(self.start)})"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"start": stamp(self.start)}


@dataclass(frozen=True, slots=True)
class RowsChecked:
    """Rows of features whose future was taken away, each alone: `n_random` drawn from all `n_rows`, `n_cuts` in all.

    Those that are no random ones were singled out as places where a peek pays or shows. `unsettled` names features, and
    a barrier rule, of which fewer rows were checked: their values need more bars than their lookback says, or cannot be
    computed many rows at once.
    """

    n_random: int
    n_rows: int
    n_cuts: int
    unsettled: tuple[str, ...] = ()

    @property
    def least_share(self) -> float:
        """The smallest share of a feature's rows that peek of which a random row would have met one 99 times in 100.

        0 where every row was checked.

        >>> round(RowsChecked(n_random=460, n_rows=43_800, n_cuts=700).least_share, 4)
        0.01
        """
        if self.n_random >= self.n_rows:
            return 0.0
        return float(1.0 - 0.01 ** (1.0 / self.n_random)) if self.n_random else 1.0

    @property
    def sentence(self) -> str:
        """How many rows were checked, and what share of peeking rows that would have found."""
        if self.n_random >= self.n_rows:
            checked = f"features of all {self.n_rows:,} rows computed without what follows"
        else:
            share = f"{self.least_share:.2%}" if self.least_share < 0.01 else f"{self.least_share:.1%}"
            checked = (
                f"features of {self.n_random:,} of {self.n_rows:,} rows, drawn at random, and of "
                f"{self.n_cuts - self.n_random:,} more where a peek would pay, computed without what follows: one that "
                f"peeks in {share} of its rows is met 99 times in 100"
            )
        if self.unsettled:
            names = ", ".join(self.unsettled)
            checked += f"; fewer rows of {names}, which needs more bars than its lookback says or is slow to check"
        return checked


@dataclass(frozen=True, slots=True)
class Lookahead:
    """How many values were compared, the past being cut off from the future at how many points; and what differed.

    `rows` says at how many single rows the features were computed again; None where there are none.
    """

    n_points: int
    n_values: int
    findings: tuple[Leak, ...]
    rows: RowsChecked | None = None

    @property
    def sentence(self) -> str:
        """How many values were checked, and how many leaks there are."""
        compared = f"{self.n_values:,} values checked at {self.n_points:,} points"
        if self.rows is not None:
            compared += f"; {self.rows.sentence}"
        if not self.findings:
            return f"nothing saw the future: {compared}"
        return f"{len(self.findings):,} of what the run computes saw the future: {compared}"

    def to_dict(self) -> dict[str, Any]:
        """The `lookahead` of `metrics.json`."""
        return asdict(self) | {"findings": [finding.to_dict() for finding in self.findings]}


def refuse(lookahead: Lookahead) -> None:
    """A LookaheadError that says who saw what, where there is any finding."""
    if lookahead.findings:
        sentences = "\n  ".join(finding.sentence for finding in lookahead.findings[:10])
        more = "" if len(lookahead.findings) <= 10 else f"\n  and {len(lookahead.findings) - 10} more"
        raise LookaheadError(
            f"a run may only use what was known at the time, found {len(lookahead.findings)} that saw later bars; "
            f"mend them, and see all with tradsys lookahead:\n  {sentences}{more}"
        )


@dataclass(frozen=True, slots=True)
class ComputedTable:
    """Values (n_rows, n_columns) with the time `start` (n_rows,) of each row and the time at which it is `known`, ms.

    Numbers may differ by `tolerance` where rounding depends on how many rows are computed together; what follows from
    those by a threshold is compared only in rows where the part it is `derived_from` has equal bits.
    """

    part: str
    symbol: str
    columns: tuple[str, ...]
    values: np.ndarray[Any, Any]
    start: IntArray
    known: IntArray
    tolerance: float = 0.0
    derived_from: str = ""


type Recompute = Callable[[int], Sequence[ComputedTable]]
"""Everything computed again without the future after a time (ms)."""


@dataclass(slots=True)
class Search:
    """Compares tables recomputed without the future with those of everything, and keeps the first difference a column.

    `closes` are the closes of all bars of all symbols in order, `bars` those of each symbol, ms.
    """

    closes: IntArray
    bars: Mapping[str, IntArray]
    n_values: int = 0
    found: dict[tuple[str, str, str], Leak] = field(default_factory=dict)

    def add(self, finding: Leak) -> None:
        key = (finding.part, finding.column, finding.symbol)
        if key not in self.found or finding.start < self.found[key].start:
            self.found[key] = finding

    def join(self, other: "Search") -> None:
        """Enter what another search compared and found, which began with nothing."""
        self.n_values += other.n_values
        for finding in other.found.values():
            self.add(finding)

    def add_all(self, part: str, symbol: str, start: IntArray, bars_ahead: Mapping[str, IntArray]) -> None:
        """Enter columns (n_rows,) that count how far ahead each row saw, 0 for those in order."""
        for column, ahead in bars_ahead.items():
            self.n_values += len(ahead)
            wrong = np.flatnonzero(ahead)
            if len(wrong):
                first = int(start[wrong[0]])
                row = int(np.searchsorted(self.bars[symbol], first))
                self.add(Leak(part, column, symbol, row, first, int(ahead[wrong].max())))

    def compare(self, full: Sequence[ComputedTable], recompute: Recompute, at: int) -> None:
        """Recompute without what came after `at` (ms) and compare all that was known by then."""

        @lru_cache(maxsize=16)  # columns that see equally far share their steps
        def recomputed(time: int) -> dict[tuple[str, str], ComputedTable]:
            return {(table.part, table.symbol): table for table in recompute(time)}

        equal: dict[tuple[str, str], BoolArray] = {}
        for table in full:
            other = recomputed(at).get((table.part, table.symbol))
            if other is None:
                continue
            n = min(len(table.start), len(other.start))
            rows = table.known[:n] <= at
            same = _same(table.values[:n], other.values[:n])
            base = equal.get((table.derived_from, table.symbol), np.ones(n, bool))
            rows &= base
            equal[table.part, table.symbol] = base & same.all(axis=1)
            self.n_values += int(rows.sum()) * len(table.columns)
            differs = rows[:, None] & ~(same | _close(table, other, n))
            for column in np.flatnonzero(differs.any(axis=0)):
                row = int(differs[:, column].argmax())
                when = int(table.start[row])
                earlier = self.found.get((table.part, table.columns[column], table.symbol))
                if earlier is not None and earlier.start <= when:
                    continue
                self.add(
                    Leak(
                        part=table.part,
                        column=table.columns[column],
                        symbol=table.symbol,
                        row=int(np.searchsorted(self.bars.get(table.symbol, self.closes), when)),
                        start=when,
                        bars_ahead=self._distance(table, row, int(column), at, recomputed),
                    )
                )

    def _distance(
        self,
        table: ComputedTable,
        row: int,
        column: int,
        at: int,
        recomputed: Callable[[int], dict[tuple[str, str], ComputedTable]],
    ) -> int:
        """Bars after the value should have been known without which it is another one, by bisection."""

        def is_settled(time: int) -> bool:
            other = recomputed(time).get((table.part, table.symbol))
            if other is None or len(other.start) <= row:
                return False
            here, there = table.values[row : row + 1, [column]], other.values[row : row + 1, [column]]
            return bool(_same(here, there).all())

        first = int(np.searchsorted(self.closes, table.known[row], side="right"))
        low, high = int(np.searchsorted(self.closes, at, side="right")), len(self.closes) - 1
        while low < high:  # the bar that closes at closes[high] settles the value, the one before closes[low] does not
            middle = (low + high) // 2
            if is_settled(int(self.closes[middle])):
                high = middle
            else:
                low = middle + 1
        return low - first + 1


def _same(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> BoolArray:
    """Where two arrays have equal bits, or NaN in both."""
    return np.asarray((a == b) | ((a != a) & (b != b)), dtype=bool)


def _close(table: ComputedTable, other: ComputedTable, n: int) -> BoolArray:
    if table.tolerance == 0.0:
        return np.zeros((n, len(table.columns)), bool)
    return np.asarray(np.abs(table.values[:n] - other.values[:n]) <= table.tolerance, dtype=bool)
