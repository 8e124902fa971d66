import pytest

from tradsys.core.errors import ConfigError
from tradsys.data.store.series import SeriesId, is_series


@pytest.mark.parametrize(
    ("text", "market", "folder"),
    [
        ("binance:BTC/USDT:1h", "spot", "exchange=binance/market=spot/symbol=BTC%2FUSDT/interval=1h"),
        ("okx:BTC/USDT:USDT:5m", "swap", "exchange=okx/market=swap/symbol=BTC%2FUSDT%3AUSDT/interval=5m"),
        ("okx:BTC/USD:BTC-240628:1d", "future", "exchange=okx/market=future/symbol=BTC%2FUSD%3ABTC-240628/interval=1d"),
        ("gate:X/Y:Y:funding", "swap", "exchange=gate/market=swap/symbol=X%2FY%3AY/interval=funding"),
    ],
)  # fmt: skip
def test_a_name_and_its_folder_stand_for_each_other(text, market, folder):
    series = SeriesId.parse(text)
    assert (series.market, series.folder, str(series)) == (market, folder, text)
    assert SeriesId.from_folder(folder) == series


def test_one_interval_has_one_name():
    assert SeriesId.parse("binance:BTC/USDT:60m") == SeriesId.parse("binance:BTC/USDT:1h")


def test_a_week_is_asked_for_as_venues_spell_it():
    assert SeriesId.parse("binance:BTC/USDT:1w").venue_interval == "1w"
    assert SeriesId.parse("binance:BTC/USDT:1d").venue_interval == "1d"


@pytest.mark.parametrize("text", ["BTC/USDT", "binance:BTC/USDT", "binance:BTC/USDT:1y", "Binance:BTC/USDT:1h", "a:b"])
def test_anything_else_is_refused_with_an_example(text):
    assert not is_series(text)
    with pytest.raises(ConfigError, match="such as binance:BTC/USDT:1h"):
        SeriesId.parse(text)
