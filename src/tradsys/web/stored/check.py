"""One stored series read and checked as a whole, in a process of its own: `python -m tradsys.web.stored.check`.

What to check comes by standard input, since a store's URL may hold a key that the list of processes must not show.
"""

import json
import sys
from typing import Any

from tradsys.core.errors import TradsysError
from tradsys.core.time import ts_ms
from tradsys.data.audit import audit
from tradsys.data.outside.funding import missing_settlements
from tradsys.data.settings import DataSettings
from tradsys.data.store.admit import RULES
from tradsys.data.store.series import FUNDING, SeriesId
from tradsys.data.store.store import SeriesStore


def checked(root: str, name: str) -> dict[str, Any]:
    """Gaps as [first missing, last missing, how many], and findings; or why it cannot be checked."""
    store, series = SeriesStore(root), SeriesId.parse(name)
    found = audit(store, series, now=DataSettings.load().span.end)
    findings = [[one.kind, one.sentence, one.is_bad] for one in found.findings]
    gaps: list[list[int]] = []
    if found.quality is not None:
        gaps = [[_ms(one.start), _ms(one.end), one.n_missing] for one in found.quality.gaps]
    elif not series.is_bars and found.n_rows:
        gaps = _table_gaps(store, series)
    return {"n_rows": found.n_rows, "gaps": gaps, "findings": findings}


def _table_gaps(store: SeriesStore, series: SeriesId) -> list[list[int]]:
    rows = store.read(series, columns=["ts", "funding_rate"] if series.interval == FUNDING else None)
    if series.interval == FUNDING:
        times = ts_ms(rows)
        return [[int(a), int(b), 1] for a, b in missing_settlements(rows, int(times[0]), int(times[-1]))]
    rules = RULES[series.interval]
    return [[_ms(one.start), _ms(one.end), one.n_missing] for one in rules.gaps(rows)] if rules.has_rhythm else []


def _ms(when: Any) -> int:
    ms: int = round(when.timestamp() * 1_000)
    return ms


def main() -> None:
    """Check what standard input names, and print what was found as one line of JSON."""
    asked = json.load(sys.stdin)
    try:
        told = checked(asked["root"], asked["series"])
    except TradsysError as error:
        told = {"trouble": str(error)}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
