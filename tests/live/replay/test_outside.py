"""Bars of a replay get the columns from outside that their bot had, and those that are there are kept."""

import polars as pl
import pytest
from tests.live.bars.scripted_market import ScriptedMarket
from tests.live.deployments import deployment
from tests.live.outside.test_funding import HOUR_MS, RATES, START_MS, hours
from tests.live.virtual_time import LoopClock, run_virtual

from tradsys.bundle.deployment import OutsideColumn
from tradsys.core.errors import ConfigError
from tradsys.live.account.replayed import lacking_columns, with_outside

RATE = OutsideColumn("funding_rate", "venue", 9 * 3_600.0, "refuse")
NEEDS = deployment(symbols=("A",), outside=(RATE,))


def attached(market: dict[str, pl.DataFrame], needs: object = NEEDS) -> dict[str, pl.DataFrame]:
    async def main(clock: LoopClock) -> dict[str, pl.DataFrame]:
        data = ScriptedMarket(clock, funding={"A": RATES})
        return await with_outside(market, needs, data, tell=lambda kind, fields: None)

    return run_virtual(main, epoch_ms=START_MS + 40 * HOUR_MS)


def test_the_funding_that_the_bot_had_stands_beside_its_bars():
    bars = hours(0, 20)
    (one,) = lacking_columns({"A": bars}, NEEDS)
    assert one is RATE
    joined = attached({"A": bars})["A"]
    assert joined.columns == ["ts", "funding_rate"]
    assert joined["funding_rate"][0] == pytest.approx(RATES[3][1])
    assert joined["funding_rate"][-1] == pytest.approx(RATES[5][1])
    assert lacking_columns({"A": joined}, NEEDS) == []


def test_bars_that_have_their_columns_lack_none_and_what_nobody_gives_is_named():
    has = hours(0, 5).with_columns(funding_rate=pl.lit(1e-4))
    assert lacking_columns({"A": has}, NEEDS) == []
    needs = deployment(symbols=("A",), outside=(OutsideColumn("flow_oi", "venue", 1.0, "nan"),))
    with pytest.raises(ConfigError, match="flow_oi of venue"):
        attached({"A": hours(0, 5)}, needs)
