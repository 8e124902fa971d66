"""Macro series joined to a market's bars: each bar carries what was out when it closed, and how old that was."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

from tradsys.core.errors import ConfigError
from tradsys.data.market import Market
from tradsys.data.outside.align import attach
from tradsys.data.outside.macro.changes import CHANGES, SESSIONS, changes, column
from tradsys.data.outside.macro.sessions import with_availability
from tradsys.data.outside.macro.spec import MacroSeries

AGE = "age_h"

_WARM_UP = timedelta(days=2 * SESSIONS + 30)
"""Enough days before the first bar for `SESSIONS` sessions, closures and lag included."""


def attach_macro(market: Market, series: Sequence[MacroSeries]) -> Market:
    """The market with columns `macro_<series>_r1, _r5, _z, _vol, _age_h`; its own sentence says where each came from.

    Values are NaN where nothing was out yet, and where the last one is older than the series' tolerance.
    """
    names = [one.name for one in series]
    if len(set(names)) < len(names):
        raise ConfigError(f"each macro series needs a name of its own, found {', '.join(sorted(names))}")
    if not series or market.bars.is_empty():
        return market
    opens, closes = (cast(datetime, value) for value in (market.bars["ts"].min(), market.bars["ts"].max()))
    for one in series:
        fetched = one.fetch((opens - _WARM_UP).date(), (closes + market.interval).date() + timedelta(days=1))
        published = with_availability(one.name, fetched.closes, fetched.calendar, fetched.lag)
        bars = attach(
            market.bars,
            changes(one.name, published),
            interval=market.interval,
            columns=[column(one.name, what) for what in CHANGES],
            tolerance=one.tolerance,
            age=column(one.name, AGE),
        )
        market = market.attached(bars, f"macro {fetched.sentence}")
    return market
