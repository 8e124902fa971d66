"""Which runs are listed, in which order: what the address of the page says, with scripts and without."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol, Self
from urllib.parse import urlencode

from tradsys.web.runs.listing import Row
from tradsys.web.runs.row import BrokenRow, RunRow
from tradsys.web.runs.written import WrittenNotes

PAGE: Final = 50
"""Runs on one page."""

VERDICTS: Final = ("proven", "not proven", "refuted", "broken")

_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_RANKS: Final = {"proven": 0, "not proven": 1, "refuted": 2}

_KEYS: Final[Mapping[str, Callable[[RunRow], Any]]] = {
    "time": lambda row: row.created,
    "market": lambda row: row.title.casefold(),
    "agent": lambda row: row.agent,
    "verdict": lambda row: -min((_RANKS[one.verdict] for one in row.verdicts), default=3),
    "sharpe": lambda row: float("-inf") if row.sharpe is None else row.sharpe,
    "trials": lambda row: row.n_trials,
}
"""What may be sorted by; a minus in front is the largest, best or newest first."""


class Asked(Protocol):
    """An address's parameters, as Starlette gives them."""

    def get(self, key: str, default: str) -> str: ...
    def getlist(self, key: str) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class RunChoice:
    """What was asked for: words that all must occur, a market, an agent, a verdict, an order, a page, ticked runs."""

    words: str = ""
    market: str = ""
    agent: str = ""
    verdict: str = ""
    sort: str = "-time"
    page: int = 1
    ticked: tuple[str, ...] = ()

    @classmethod
    def of(cls, asked: Asked) -> Self:
        """What an address says; what it says wrongly is as if it said nothing."""
        sort, page, verdict = asked.get("sort", ""), asked.get("page", ""), asked.get("verdict", "")
        return cls(
            words=asked.get("q", "").strip(),
            market=asked.get("market", ""),
            agent=asked.get("agent", ""),
            verdict=verdict if verdict in VERDICTS else "",
            sort=sort if sort.removeprefix("-") in _KEYS else "-time",
            page=int(page) if page.isascii() and page.isdigit() and 0 < len(page) < 7 else 1,
            ticked=tuple(dict.fromkeys(asked.getlist("run"))),
        )

    def among(self, names: Collection[str]) -> Self:
        """The same without ticks at runs that there are none of."""
        return replace(self, ticked=tuple(name for name in self.ticked if name in names))

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is left out."""
        return bool(self.words or self.market or self.agent or self.verdict)

    def address(self, **changed: Any) -> str:
        """The address of the same with something else."""
        other = replace(self, page=1)
        other = replace(other, **changed)
        said = {"q": other.words, "market": other.market, "agent": other.agent, "verdict": other.verdict}
        pairs = [(key, value) for key, value in said.items() if value]
        pairs += [("sort", other.sort)] if other.sort != "-time" else []
        pairs += [("page", str(other.page))] if other.page > 1 else []
        pairs += [("run", name) for name in other.ticked]
        return "/runs" + (f"?{urlencode(pairs)}" if pairs else "")

    def sorted_by(self, key: str) -> str:
        """The address of the order that a click on a column asks for: the best first, then the other way round."""
        return self.address(sort=key if self.sort == f"-{key}" else f"-{key}")

    def order_of(self, key: str) -> str:
        """How a column is sorted, in the words of `aria-sort`."""
        if self.sort.removeprefix("-") != key:
            return "none"
        return "descending" if self.sort.startswith("-") else "ascending"


@dataclass(frozen=True, slots=True)
class RunsPage:
    """The runs of a page and the number of all that were asked for; broken folders come before finished ones."""

    rows: tuple[Row, ...]
    first: int
    n: int
    n_pages: int
    number: int


def choose(rows: Sequence[Row], choice: RunChoice, written: WrittenNotes) -> RunsPage:
    """The page of the rows that a choice asks for."""
    broken = [row for row in rows if isinstance(row, BrokenRow) and _fits_broken(row, choice)]
    broken.sort(key=lambda row: row.name)
    words = choice.words.casefold().split()
    runs = [row for row in rows if isinstance(row, RunRow) and _fits(row, choice, words, written)]
    runs.sort(key=lambda row: (row.created, row.name), reverse=True)
    runs.sort(key=_KEYS[choice.sort.removeprefix("-")], reverse=choice.sort.startswith("-"))
    found: list[Row] = [*broken, *runs]
    n_pages = max(1, -(-len(found) // PAGE))
    number = min(choice.page, n_pages)
    first = (number - 1) * PAGE
    return RunsPage(tuple(found[first : first + PAGE]), first + 1, len(found), n_pages, number)


def _fits(row: RunRow, choice: RunChoice, words: Sequence[str], written: WrittenNotes) -> bool:
    if choice.market and row.market != choice.market:
        return False
    if choice.agent and row.agent != choice.agent:
        return False
    if choice.verdict and not any(one.verdict == choice.verdict for one in row.verdicts):
        return False
    if not words:
        return True
    note = written.note(row.run)
    text = " ".join((row.name, row.title, row.market, row.agent, *row.symbols, note.text)).casefold()
    return all(word in text for word in words)


def _fits_broken(row: BrokenRow, choice: RunChoice) -> bool:
    if choice.verdict == "broken":
        return True
    is_wanted = not (choice.market or choice.agent or choice.verdict)
    return is_wanted and all(word in row.name.casefold() for word in choice.words.casefold().split())
