"""One exchange of ccxt alone, and all of it afterwards."""

import subprocess
import sys

import pytest

from tradsys.core.errors import ConfigError
from tradsys.live.venues.ccxt_import import exchange_class

ALONE = """
import sys
from tradsys.live.venues.ccxt_import import exchange_class
made = exchange_class("binanceusdm")({"apiKey": "k", "secret": "s"})
others = [f"{room}.{name}" for room in ("ccxt", "ccxt.async_support") for name in ("okx", "kraken", "bybit")]
assert not [name for name in others if name in sys.modules]
assert "ccxt" not in sys.modules
signed = made.sign("order", ["fapiPrivate"], "POST", {"symbol": "BTCUSDT"})
assert "signature=" in signed["body"]
import ccxt
import ccxt.async_support
assert ccxt.async_support.binanceusdm is type(made)
assert ccxt.async_support.okx and len(ccxt.exchanges) > 90
assert issubclass(ccxt.NetworkError, ccxt.OperationFailed)
"""


def test_one_exchange_is_imported_without_the_others_and_ccxt_is_whole_afterwards():
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["nosuchvenue", "os.path", ""])
def test_an_exchange_that_ccxt_does_not_have_is_refused_by_name(name):
    with pytest.raises(ConfigError, match=f"ccxt knows no exchange '{name}'"):
        exchange_class(name)
