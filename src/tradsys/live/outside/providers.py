"""The providers that a bundle's columns name: the venue, and macro series as the settings write them."""

import asyncio
from typing import Final

from tradsys.bundle.deployment import Deployment
from tradsys.data.settings import DataSettings
from tradsys.live.outside.columns import OutsideSources
from tradsys.live.outside.funding import FundingProvider
from tradsys.live.outside.macro import MacroProvider, at_once
from tradsys.live.outside.provider import OutsideProvider
from tradsys.live.telling import Tell
from tradsys.live.venue import MarketData

VENUE: Final = "venue"
MACRO: Final = "macro:"
"""Before a series as `macro.series` of the settings writes it, such as macro:vix=fred:VIXCLS."""


POOL: Final = "rank"
"""Ranks among the bundle's own symbols, which the decider makes of their bars itself (`live.outside.pool`)."""


def outside_sources(
    deployment: Deployment,
    data: MarketData,
    *,
    tell: Tell,
    settings: DataSettings | None = None,
    is_played: bool = False,
) -> OutsideSources:
    """What the columns of a deployed bundle come from; a ConfigError names those that nothing gives.

    Where a tape `is_played` a close waits for what is read, since its time waits for nobody.
    """
    settings = settings or DataSettings()
    providers: dict[str, OutsideProvider] = {
        VENUE: FundingProvider(data, deployment.symbols, deployment.interval_ms, tell=tell)
    }
    for name in {one.provider for one in deployment.outside if one.provider.startswith(MACRO)}:
        providers[name] = MacroProvider(
            name.removeprefix(MACRO),
            settings,
            deployment.interval_ms,
            tell=tell,
            in_thread=at_once if is_played else asyncio.to_thread,
        )
    columns = [one for one in deployment.outside if one.provider != POOL or deployment.pool is None]
    return OutsideSources(columns, providers)
