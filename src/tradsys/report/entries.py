"""What entering by limit orders brought each profile: gross, fees and net of a trade beside what was missed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tradsys.report.numbers import count, interval_text, number, percent
from tradsys.runs.metrics import ProfileMetrics
from tradsys.runs.section import Measurement

COLUMNS = {
    "gross": "Gross",
    "fees": "Fees",
    "slippage": "Slippage",
    "carry": "Funding and borrowing",
    "net": "Net",
    "missed_gross": "Missed gross",
    "missed_net": "Missed net",
}
"""Means that are shown, in basis points of the notional at entry: fields of `entries`, and their headings."""


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One profile: orders filled and missed, and each mean with its interval."""

    profile: str
    filled: str
    missed: str
    share: str
    cells: tuple[tuple[str, str], ...]


def entry_rows(profiles: Mapping[str, ProfileMetrics], names: Sequence[str]) -> list[EntryRow]:
    """A row a profile whose entries rested in the book and that sent any; none of runs that entered at the market."""
    found = []
    for name in names:
        entries = profiles[name].entries
        if entries is None or not entries["missed_share"].n:
            continue
        share, missed = entries["missed_share"], entries["missed_gross"].n
        around = interval_text(share.low, share.high, percent)
        found.append(
            EntryRow(
                profile=name,
                filled=count(entries["gross"].n),
                missed=count(missed),
                share=f"{percent(share.value)}{f' ({around})' if around else ''}",
                cells=tuple(_cell(entries[key]) for key in COLUMNS),
            )
        )
    return found


def entry_sentence(row: EntryRow) -> str:
    """The row in one line, for a terminal."""
    told = (f"{COLUMNS[key].lower()} {_one(*cell)}" for key, cell in zip(COLUMNS, row.cells, strict=True))
    return f"{row.filled} filled, {row.missed} missed, {row.share}; bp a trade: {', '.join(told)}"


def _cell(one: Measurement) -> tuple[str, str]:
    return _bps(one.value), interval_text(one.low, one.high, _bps)


def _bps(fraction: float | None) -> str:
    return number(None if fraction is None else fraction * 1e4)


def _one(value: str, interval: str) -> str:
    return f"{value} [{interval}]" if interval else value
