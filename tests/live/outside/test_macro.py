"""A running bot's macro columns are those that research joins; a source that fails lets them age."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.settings.macro_files import write_series

from tradsys.core.bars import TS
from tradsys.core.errors import DataError
from tradsys.core.time import to_ms, ts_ms
from tradsys.data import load_bars
from tradsys.data.outside.macro.macro_series import MacroSeries
from tradsys.data.outside.source import join_outside
from tradsys.data.settings import DataSettings
from tradsys.live.outside.macro import MacroProvider, at_once

HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def hours() -> pl.DataFrame:
    return load_bars("simulated:sv-martingale", seed=1).head(600)


@pytest.fixture
def series(tmp_path: Path, hours: pl.DataFrame) -> Path:
    return write_series(tmp_path, hours, "vix", seed=3)


def provider(series: Path, told: list[str] | None = None) -> MacroProvider:
    def tell(kind: str, fields: Any) -> None:
        assert told is not None
        told.append(f"{kind} {fields['what']} {fields['reason']}")

    return MacroProvider(f"vix={series}?calendar=XNYS", DataSettings(), HOUR_MS, tell=tell, in_thread=at_once)


def close_of(bars: pl.DataFrame, row: int) -> int:
    return int(ts_ms(bars)[row]) + HOUR_MS


def test_a_history_and_each_bar_get_the_columns_of_research(series: Path, hours: pl.DataFrame) -> None:
    macro = provider(series)
    asyncio.run(macro.begin(int(ts_ms(hours)[0]), close_of(hours, -1)))
    source = MacroSeries.parse(f"vix={series}?calendar=XNYS")
    wanted = join_outside(hours, [source], interval=timedelta(hours=1), symbol="")
    assert macro.join("A", hours).equals(wanted)
    assert wanted["macro_vix_z"].is_finite().sum() > 500
    for row in range(0, len(hours), 7):
        at = int(ts_ms(hours)[row])
        known = macro.known("A", at, at - HOUR_MS)
        same = wanted.row(row, named=True)
        assert known.values == pytest.approx({name: same[name] for name in macro.columns}, nan_ok=True)
        assert known.age_s["macro_vix_z"] == pytest.approx(3_600 * same["macro_vix_age_h"])


def test_new_closes_are_read_once_an_hour_has_passed(series: Path, hours: pl.DataFrame) -> None:
    async def main() -> None:
        macro, end = provider(series), close_of(hours, -1)
        whole = series.read_text()
        series.write_text("\n".join(whole.splitlines()[:-20]) + "\n")
        await macro.begin(int(ts_ms(hours)[0]), end)
        old = macro.known("A", end - HOUR_MS, end - 2 * HOUR_MS)
        series.write_text(whole)
        await macro.refresh(end + HOUR_MS // 2)
        await asyncio.sleep(0)
        assert macro.known("A", end - HOUR_MS, end - 2 * HOUR_MS).age_s == old.age_s
        await macro.refresh(end + HOUR_MS)
        await asyncio.sleep(0)
        assert macro.known("A", end - HOUR_MS, end - 2 * HOUR_MS).age_s["macro_vix_z"] < old.age_s["macro_vix_z"]

    asyncio.run(main())


def test_a_source_that_fails_at_the_start_is_an_error_and_later_it_is_told(series: Path, hours: pl.DataFrame) -> None:
    async def main() -> None:
        told: list[str] = []
        macro, end = provider(series, told), close_of(hours, -1)
        await macro.begin(int(ts_ms(hours)[0]), end)
        before = macro.known("A", end - HOUR_MS, end - 2 * HOUR_MS)
        series.unlink()
        await macro.refresh(end + HOUR_MS)
        await asyncio.sleep(0)
        assert "error macro no file" in told[0]
        assert macro.known("A", end - HOUR_MS, end - 2 * HOUR_MS) == before
        with pytest.raises(DataError, match="no file"):
            await provider(series).begin(int(ts_ms(hours)[0]), end)

    asyncio.run(main())


def test_a_thread_reads_by_default(series: Path, hours: pl.DataFrame) -> None:
    macro = MacroProvider(f"vix={series}?calendar=XNYS", DataSettings(), HOUR_MS, tell=lambda kind, fields: None)
    asyncio.run(macro.begin(int(ts_ms(hours)[0]), close_of(hours, -1)))
    opens = pl.DataFrame({"ts": pl.Series([close_of(hours, -1)]).cast(TS)})
    assert macro.join("A", opens)["macro_vix_age_h"][0] > 0
    assert to_ms(opens["ts"][0]) == close_of(hours, -1)
