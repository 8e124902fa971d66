"""A bundle's columns are given by the venue and by macro series; what nobody gives is refused by name."""

import asyncio
import math
from pathlib import Path

import polars as pl
import pytest
from tests.live.bars.scripted_market import ScriptedMarket
from tests.live.deployments import deployment
from tests.live.risk.accounts import HandClock
from tests.live.virtual_time import LoopClock, run_virtual
from tests.settings.macro_files import write_series

from tradsys.bundle.deployment import OutsideColumn
from tradsys.core.bars import TS
from tradsys.core.errors import ConfigError
from tradsys.core.time import ts_ms
from tradsys.data import load_bars
from tradsys.features.stream.bar import Bar
from tradsys.live.outside.columns import OutsideSources
from tradsys.live.outside.providers import outside_sources

HOUR_MS = 3_600_000
START_MS = 1_700_006_400_000
RATE = OutsideColumn("funding_rate", "venue", 9 * 3_600.0, "refuse")


def sources(*columns: OutsideColumn, market: ScriptedMarket | None = None) -> OutsideSources:
    data = market or ScriptedMarket(LoopClock.__new__(LoopClock))
    return outside_sources(deployment(outside=columns), data, tell=lambda kind, fields: None)


def test_what_no_provider_gives_is_refused_by_name(tmp_path: Path) -> None:
    vix = f"macro:vix={tmp_path / 'vix.csv'}"
    sources(RATE, OutsideColumn("macro_vix_z", vix, 1.0, "nan"))
    lacking = (
        OutsideColumn("flow_oi", "venue", 1.0, "nan"),
        OutsideColumn("book_tilt", "book", 1.0, "nan"),
        OutsideColumn("macro_gold_z", vix, 1.0, "nan"),
    )
    with pytest.raises(
        ConfigError, match=r"needs flow_oi of venue, book_tilt of book, macro_gold_z of macro:vix=.*deploy"
    ):
        sources(RATE, *lacking)


@pytest.mark.parametrize("is_played", [True, False])
def test_on_a_tape_a_close_has_what_was_due_at_it_however_fast_it_is_played(tmp_path: Path, is_played: bool) -> None:
    hours = load_bars("simulated:sv-martingale", seed=1).head(600)
    series = write_series(tmp_path, hours, "vix", seed=3)
    column = OutsideColumn("macro_vix_age_h", f"macro:vix={series}?calendar=XNYS", 1e9, "nan")
    end_ms, whole = int(ts_ms(hours)[-1]) + HOUR_MS, series.read_text()

    async def main(clock: LoopClock) -> bool:
        data = ScriptedMarket(clock)
        deployed = deployment(outside=(column,))
        columns = outside_sources(deployed, data, tell=lambda kind, fields: None, is_played=is_played)
        series.write_text("\n".join(whole.splitlines()[:-20]) + "\n")
        await columns.begin(int(ts_ms(hours)[0]), end_ms)
        series.write_text(whole)
        bar = Bar(end_ms, 1.0, 1.0, 1.0, 1.0, 1.0)
        assert math.isnan(columns.enrich("A", bar, end_ms - HOUR_MS).bar.outside["macro_vix_age_h"])
        await columns.refresh(end_ms + HOUR_MS)
        return columns.enrich("A", bar, end_ms - HOUR_MS).bar.outside["macro_vix_age_h"] < 24

    if is_played:
        assert run_virtual(main) is True
    else:
        assert asyncio.run(main(HandClock())) is False, "a live close waits for no slow host"


def test_a_bar_gets_the_columns_that_the_bundle_reads_and_no_others_until_they_are_too_old() -> None:
    async def main(clock: LoopClock) -> None:
        market = ScriptedMarket(clock, funding={"A": [(START_MS - k * 8 * HOUR_MS, 1e-4) for k in (2, 1, 0)]})
        columns = sources(RATE, OutsideColumn("funding_age_h", "venue", 3_600.0, "nan"), market=market)
        await columns.begin(START_MS - 20 * HOUR_MS, clock.now_ms())
        bars = pl.DataFrame({"ts": pl.Series([START_MS]).cast(TS), "close": [1.0]})
        assert columns.join("A", bars).columns == ["ts", "close", "funding_rate", "funding_age_h"]
        bar = Bar(START_MS, 1.0, 1.0, 1.0, 1.0, 1.0, {"n_trades": 3.0})
        fresh = columns.enrich("A", bar, START_MS - HOUR_MS)
        assert fresh.bar.outside == {"n_trades": 3.0, "funding_rate": 1e-4, "funding_age_h": 1.0}
        assert fresh.no_entry is None
        old = columns.enrich("A", bar._replace(ts=START_MS + 8 * HOUR_MS), START_MS + 7 * HOUR_MS)
        assert old.bar.outside["funding_rate"] == 1e-4
        assert math.isnan(old.bar.outside["funding_age_h"])
        assert old.no_entry is None  # at nine hours, which are allowed
        stale = columns.enrich("A", bar._replace(ts=START_MS + 9 * HOUR_MS), START_MS + 8 * HOUR_MS)
        assert math.isnan(stale.bar.outside["funding_rate"])
        assert stale.no_entry == "funding_rate is 10.0 h old, at most 9 h are allowed"
        never = columns.enrich("B", bar, START_MS - HOUR_MS)
        assert never.no_entry == "funding_rate is not known, at most 9 h are allowed"

    run_virtual(main, epoch_ms=START_MS + HOUR_MS)
