"""What an importer changed, or noticed and left alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from tradsys.core.bars import Gap

N_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Repair:
    """One kind of repair: how many rows it touched, the first of them by name, and a sentence that says what was done.

    `changed` is false where rows only look wrong: those are named and left as they are. `symbol` is named where several
    are pooled.
    """

    kind: str
    n_rows: int
    rows: tuple[str, ...]
    sentence: str
    changed: bool = True
    symbol: str = ""

    @property
    def told(self) -> str:
        """The sentence, with its symbol before it where there is one."""
        return f"{self.symbol}: {self.sentence}" if self.symbol else self.sentence


def describe(kind: str, what: str, n_rows: int, names: Sequence[str], *, changed: bool = True) -> Repair:
    """A repair whose sentence ends with the number of rows and the names of the first of them.

    >>> describe("order", "sorted by time", 9, ["line 3", "line 4"]).sentence
    'sorted by time (9 rows): line 3, line 4 and 7 more'
    """
    more = f" and {n_rows - len(names):,} more" if n_rows > len(names) else ""
    count = "1 row" if n_rows == 1 else f"{n_rows:,} rows"
    return Repair(kind, n_rows, tuple(names), f"{what} ({count}): {', '.join(names)}{more}", changed)


def gaps_left(gaps: Sequence[Gap]) -> list[Repair]:
    """The one repair that tells of holes in bars, how many there are and where the longest; none without a hole."""
    if not gaps:
        return []
    n_missing = sum(gap.n_missing for gap in gaps)
    longest = "; ".join(str(gap) for gap in sorted(gaps, key=lambda gap: -gap.n_missing)[:3])
    noun = "gap leaves" if len(gaps) == 1 else "gaps leave"
    sentence = f"{len(gaps):,} {noun} out {n_missing:,} bars, the longest: {longest}; nothing is filled in"
    return [Repair("gaps", n_missing, tuple(str(gap) for gap in gaps[:N_SHOWN]), sentence, changed=False)]


def incomplete_column(name: str, n_empty: int, n_rows: int) -> Repair:
    """An optional column that is left out because some of its cells are empty."""
    sentence = f"column {name} is empty in {n_empty:,} of {n_rows:,} rows and was left out"
    return Repair("incomplete column", n_empty, (), sentence)
