"""Who stands at another time than the rest: pooled symbols and outside columns, with the sentences that say so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tradsys.data.lead_lag import Correlation


@dataclass(frozen=True, slots=True)
class Misaligned:
    """Who goes with `others` better `lag` bars (or own changes) off than in the same bar, and how well.

    A positive lag of a symbol says that its stamps are late, of a column that it was known early. `span` names the part
    of the history that shows it, empty for all.
    """

    name: str
    others: tuple[str, ...]
    lag: int
    then: Correlation
    own: Correlation
    unit: str
    span: str
    is_column: bool
    is_too_good: bool

    @property
    def sentence(self) -> str:
        """The two correlations with intervals and n, and what is the likely cause."""
        others = ", ".join(self.others[:3]) + (f" and {len(self.others) - 3} more" if len(self.others) > 3 else "")
        many = f"{abs(self.lag):,} {self.unit}{'' if abs(self.lag) == 1 else 's'}"
        figures = f"rank correlation {self.then.text}, in the same one {self.own.text}, n = {self.then.n:,}{self.span}"
        if not self.is_column:
            when = "earlier" if self.lag > 0 else "later"
            cause = f"the stamps of {self.name} are late" if self.lag > 0 else f"the stamps of {self.name} are early"
            by = ", by their close where the others' are by their open" if self.lag == 1 else ""
            by = by or (", by their open where the others' are by their close" if self.lag == -1 else f" by {many}")
            return f"{self.name} goes with the bars of {others} {many} {when} ({figures}): {cause}{by}"
        if self.lag < 0:
            return (
                f"{self.name} goes with the {self.unit} of {others} {many} before its own ({figures}): it is known "
                "later than it could be"
            )
        which = f"the next {self.unit}" if self.lag == 1 else f"the {self.unit} {self.lag:,} ahead"
        if not self.is_too_good:
            return f"{self.name} tells {which} of {others} better than its own ({figures}): look at its time stamps"
        return (
            f"{self.name} tells {which} of {others} ({figures}), as no column does that was known by then: it is "
            "stamped by when it began, or too early by a lag"
        )


@dataclass(frozen=True, slots=True)
class Alignment:
    """What was compared, and who stands at another time than the rest: `allowed` in the settings, or only `noticed`.

    `n_rows` are the bars of the longest comparison; 0 where there was nothing to compare, or too few bars.
    """

    n_symbols: int
    n_columns: int
    n_rows: int
    allowed: tuple[Misaligned, ...] = ()
    noticed: tuple[Misaligned, ...] = ()

    @property
    def sentence(self) -> str:
        """What was compared over how many bars; empty where there was nothing to compare."""
        if not (self.n_symbols > 1 or self.n_columns):
            return ""
        parts = []
        if self.n_symbols > 1:
            parts.append(f"{self.n_symbols:,} symbols with each other")
        if self.n_columns:
            parts.append(f"{self.n_columns:,} columns from outside with the bars before and after")
        what = " and ".join(parts)
        if not self.n_rows:
            return f"time stamps not compared: too few bars for {what}"
        return f"time stamps: {what} compared over {self.n_rows:,} bars"

    @property
    def lines(self) -> list[str]:
        """The sentence, and one for each that is allowed or noticed."""
        allowed = [f"alignment.allow_lead takes it as it is: {one.sentence}" for one in self.allowed]
        return [*filter(None, [self.sentence]), *allowed, *(f"noticed: {one.sentence}" for one in self.noticed)]

    def to_dict(self) -> dict[str, Any]:
        """The `alignment` of `metrics.json`."""
        return {
            "n_symbols": self.n_symbols,
            "n_columns": self.n_columns,
            "n_rows": self.n_rows,
            "sentence": self.sentence,
            "allowed": [one.sentence for one in self.allowed],
            "noticed": [one.sentence for one in self.noticed],
        }


def refusal(refused: Sequence[Misaligned]) -> str:
    """The error for those that are refused: who, how well, and what to do."""
    sentences = "\n  ".join(one.sentence for one in refused[:10])
    more = "" if len(refused) <= 10 else f"\n  and {len(refused) - 10} more"
    columns = any(one.is_column for one in refused)
    symbols = any(not one.is_column for one in refused)
    mend = [
        *(
            ["load a symbol again by its opens (--columns time=NAME), or move its times by that much"]
            if symbols
            else []
        ),
        *(
            ["say when the column's values were known: available_at in its file, or ?lag_s= (macro: ?lag_h=)"]
            if columns
            else []
        ),
    ]
    names = ", ".join(f'"{name}"' for name in dict.fromkeys(one.name for one in refused))
    return (
        f"what is known at a bar's close must have been known then, found {len(refused)} that tell the next bar better "
        f"than their own:\n  {sentences}{more}\n{'; '.join(mend)}. Where it is truly so: "
        f"--set 'alignment.allow_lead=[{names}]'"
    )
