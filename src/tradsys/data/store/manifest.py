"""What is known of a partition, a year of one series: its rows, their hash, where they came from and what is wrong."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from tradsys.core.errors import DataError
from tradsys.core.json_text import read_json

NAME = "manifest.json"
N_KEPT = 50
"""Rows of one kind of flaw that are kept by their time; the count goes on."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where some rows came from: the source, the file or endpoint, SHA-256 of the bytes as received ("" for pages).

    `first` and `last` are the opens of its rows in milliseconds; `flags` say what was accepted with a doubt.
    """

    source: str
    item: str
    sha256: str
    first: int
    last: int
    n_rows: int
    fetched_at: str
    flags: tuple[str, ...] = ()

    def continues(self, other: "Origin") -> bool:
        """Whether both are pages of one endpoint, so that one entry can stand for both."""
        return not self.sha256 and (self.source, self.item, self.flags) == (other.source, other.item, other.flags)


@dataclass(frozen=True, slots=True)
class Flaw:
    """Rows at fault, by time in milliseconds: refused, or changed after they had closed; the sentence says which."""

    kind: str
    n_rows: int
    rows: tuple[int, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class SeriesManifest:
    """One partition; `file` is named after its content, so writing this manifest is what makes new rows stand."""

    series: str
    year: int
    file: str
    sha256: str
    n_bytes: int
    n_rows: int
    first: int
    last: int
    n_missing: int
    columns: tuple[str, ...]
    fetched_at: str
    origins: tuple[Origin, ...] = ()
    defects: tuple[Flaw, ...] = ()

    def knows(self, origin: Origin) -> bool:
        """Whether nothing is to be noted about an origin that brought no new row: pages, or a file that is listed."""
        return not origin.sha256 or any((o.item, o.sha256) == (origin.item, origin.sha256) for o in self.origins)

    def to_bytes(self) -> bytes:
        """The file's content, the same for the same manifest."""
        return (json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()

    @classmethod
    def from_bytes(cls, data: bytes, where: str) -> Self:
        """The manifest that `to_bytes` wrote."""
        try:
            read: dict[str, Any] = read_json(data)
            origins = tuple(Origin(**{**o, "flags": tuple(o["flags"])}) for o in read.pop("origins"))
            defects = tuple(Flaw(**{**d, "rows": tuple(d["rows"])}) for d in read.pop("defects"))
            columns = tuple(read.pop("columns"))
            return cls(**read, columns=columns, origins=origins, defects=defects)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(
                f"{where} is not a manifest of the store ({error}); delete its folder and download again"
            ) from error


def add_origin(origins: tuple[Origin, ...], new: Origin) -> tuple[Origin, ...]:
    """The list with one more entry: a file fetched again replaces itself, pages of one endpoint are one entry."""
    kept = [o for o in origins if o.sha256 == "" or (o.source, o.item) != (new.source, new.item)]
    if kept and new.continues(kept[-1]):
        last = kept.pop()
        first, end = min(last.first, new.first), max(last.last, new.last)
        new = replace(new, first=first, last=end, n_rows=last.n_rows + new.n_rows)
    return (*kept, new)


def add_flaws(flaws: tuple[Flaw, ...], new: Iterable[Flaw]) -> tuple[Flaw, ...]:
    """The list with more flaws, each listed once."""
    known = list(flaws)
    for flaw in new:
        kept = replace(flaw, rows=flaw.rows[:N_KEPT])
        if kept not in known:
            known.append(kept)
    return tuple(known)
