"""What one close brought: the bars that came, and why the others did not."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from tradsys.features.stream.bar import Bar


@dataclass(frozen=True, slots=True)
class Close:
    """The bars that closed at `close_ms`, by symbol, and the reason of each symbol that has none (`missing`).

    `histories` are of symbols whose bars had a hole or were revised: read anew, up to the bar before this one's, to be
    warmed with first. `no_entry` says why nothing may be entered on this close, such as one that was filled in later.
    """

    close_ms: int
    bars: Mapping[str, Bar]
    missing: Mapping[str, str] = field(default_factory=dict)
    histories: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    no_entry: str | None = None
