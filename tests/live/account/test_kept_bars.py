"""The bars that an account was traded on are found again in its folder, and what lacks is said."""

import polars as pl
import pytest
from tests.live.deployments import deployment

from tradsys.core.bars import TS
from tradsys.core.errors import ConfigError
from tradsys.live.account.audit import AuditLog
from tradsys.live.account.kept_bars import keep_histories, kept_bars, missing_bars
from tradsys.live.account.replayed import own_bars

HOUR_MS = 3_600_000


class Noon:
    def now_ms(self):
        return 1_700_000_000_000


def bars(first, last, price=100.0):
    opens = pl.Series("ts", [hour * HOUR_MS for hour in range(first, last)]).cast(TS)
    ohlc = {name: [price] * len(opens) for name in ("open", "high", "low", "close")}
    return pl.DataFrame({"ts": opens, **ohlc, "volume": [1.0] * len(opens)})


def test_histories_of_several_starts_and_closed_bars_are_one_series_a_symbol(tmp_path):
    keep_histories(tmp_path, {"A": bars(0, 10), "B": bars(0, 10, 7.0)})
    keep_histories(tmp_path, {"A": bars(8, 12, 101.0)})
    log = AuditLog(tmp_path, Noon())
    told = {"symbol": "A", "ts_ms": 12 * HOUR_MS, "ohlcv": [1.5, 2.5, 0.1, 2.0, 3.0], "extra": {"n_trades": 4.0}}
    log.append("bar", told)
    log.append("bar", {"symbol": "A", "missing": "nobody answered"})
    log.close()
    found = kept_bars(tmp_path)
    assert set(found) == {"A", "B"} and len(found["B"]) == 10
    a = found["A"]
    assert a["ts"].dt.epoch("ms").to_list() == [hour * HOUR_MS for hour in range(13)]
    assert a["close"].to_list() == [100.0] * 8 + [101.0] * 4 + [2.0]
    assert a.row(12, named=True) | {"ts": 0} == {
        "ts": 0, "open": 1.5, "high": 2.5, "low": 0.1, "close": 2.0, "volume": 3.0, "n_trades": 4.0,
    }  # fmt: skip


def test_what_lacks_is_said_with_its_number_and_its_time():
    whole = bars(0, 20)
    assert missing_bars(whole, HOUR_MS, HOUR_MS // 2, 20 * HOUR_MS) is None
    holed = whole.filter(~pl.col("ts").dt.epoch("ms").is_in([5 * HOUR_MS, 7 * HOUR_MS]))
    said = missing_bars(holed, HOUR_MS, HOUR_MS, 20 * HOUR_MS)
    assert said == "2 of 19 bars, from 1970-01-01 05:00 to 1970-01-01 07:00"


def test_an_account_without_bars_names_what_to_give(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        ConfigError, match=r"kept no bars of A, and the store has none: .*give --bars A=FILE.*data fetch"
    ):
        own_bars(tmp_path, deployment(symbols=("A",)))
