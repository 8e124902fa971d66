"""Which files and stored series a command line takes along, and what its words become on the host."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tradsys.cli.remote import _trusted
from tradsys.cli.sent import _variables, command_line, wanted_by
from tradsys.core.errors import ConfigError
from tradsys.data.settings import DataSettings
from tradsys.data.simulate import simulate
from tradsys.data.store import SeriesId, SeriesStore
from tradsys.data.store.manifest import Origin
from tradsys.remote.push import Prepared
from tradsys.remote.settings import RemoteSettings
from tradsys.remote.wanted import gather_series

THERE = Prepared("/pod", "/pod/code/1", "/python", "me")


@pytest.fixture
def place(tmp_path, monkeypatch):
    here = tmp_path / "here"
    (here / "bars").mkdir(parents=True)
    for name in ("bars/a.csv", "bars/b.csv", "bars/.hidden", "vix.csv", "own.py", "fast.toml", "listings.csv", ".env"):
        (here / name).write_text("")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "c.csv").write_text("")
    monkeypatch.chdir(here)
    return here


def taken(*words, **settings):
    return wanted_by(words, RemoteSettings(**settings))


@pytest.mark.parametrize(
    ("words", "files"),
    [
        (("run", "--bars", "bars/a.csv"), ["bars/a.csv"]),
        (("run", "--bars", "bars"), ["bars/a.csv", "bars/b.csv"]),
        (("run", "--bars", "bars/*.csv?tz=Asia/Tokyo"), ["bars/a.csv", "bars/b.csv"]),
        (("run", "--bars=sample", "--macro", "vix=vix.csv|fred:VIXCLS?lag_h=2"), ["vix.csv"]),
        (("run", "--macro", "gold=bars:bars/a.csv", "--funding", "BTC=bars/b.csv"), ["bars/a.csv", "bars/b.csv"]),
        (("run", "--config", "fast.toml", "--plugin", "own.py"), ["fast.toml", "own.py"]),
        (("run", "--plugin", "own"), ["own.py"]),
        (("run", "--set", "universe.listings=listings.csv"), ["listings.csv"]),
        (("data", "check", "bars/a.csv", "sample"), ["bars/a.csv"]),
        (("calibrate", "--markets", "1"), []),
    ],
)
def test_files_that_a_command_names_are_taken(place, words, files):
    wanted = taken(*words)
    assert wanted.taken == files and wanted.words == words


def test_settings_and_what_is_named_by_hand_go_along_and_secrets_do_not(place, monkeypatch):
    (place / "tradsys.toml").write_text('[macro]\nseries = ["vix=vix.csv"]\n')
    (place / ".env").write_text("STRATEGY_PROFILE=AUDITED\nEXCHANGE_SECRET=canary\nTRADSYS_LABELS__HORIZON=6\n")
    monkeypatch.setenv("TRADSYS_REMOTE__FOLDER", "x")
    monkeypatch.setenv("SSL_CERT_FILE", "/pem")
    wanted = taken("run", "--bars", "sample", take=("bars",), variables=("SSL_CERT_FILE", "ABSENT"))
    assert wanted.taken == ["bars/a.csv", "bars/b.csv", "tradsys.toml", "vix.csv"]
    assert dict(wanted.variables) == {
        "STRATEGY_PROFILE": "AUDITED",
        "TRADSYS_LABELS__HORIZON": "6",
        "SSL_CERT_FILE": "/pem",
    }


def test_a_file_from_elsewhere_gets_a_folder_of_its_own_and_the_word_follows(place, tmp_path):
    wanted = taken("run", "--bars", f"{tmp_path}/other/c.csv?tz=UTC")
    (name,) = wanted.taken
    assert name.startswith("outside/") and name.endswith("/c.csv")
    assert wanted.words == ("run", "--bars", f"{name}?tz=UTC")
    (place / "tradsys.toml").write_text(f'[macro]\nseries = ["vix={tmp_path}/other/c.csv"]\n')
    with pytest.raises(ConfigError, match=r"put it below this folder"):
        taken("run", "--bars", "sample")


def test_no_file_of_secrets_goes_along_whoever_names_it(place):
    (place / "link.toml").symlink_to(".env")
    for named in (".env", "link.toml"):
        with pytest.raises(ConfigError, match="holds secrets and never leaves"):
            taken("run", "--bars", "sample", take=(named,))
    (place / ".env").write_text("TRADSYS_MARKET__API_KEY=canary\n")
    assert "canary" not in _variables(()).values()


def test_results_that_would_not_come_back_are_refused(place, tmp_path):
    for out in (str(tmp_path / "claims"), "../claims"):
        with pytest.raises(ConfigError, match=r"calibrate writes into the job's folder .* such as claims"):
            taken("calibrate", "--markets", "1", "--out", out)
    assert taken("run", "--bars", "sample", "--out", str(tmp_path / "runs")).out == tmp_path / "runs"
    assert taken("calibrate", "--markets", "1", "--out", "parts/one").words[-1] == "parts/one"


def test_a_folder_that_the_host_names_lies_below_this_one():
    assert _trusted("runs", "--out", "1") == Path("runs")
    for told in ("/home/me/.ssh", "../runs"):
        with pytest.raises(ConfigError, match="the host's word alone; say it yourself: --out"):
            _trusted(told, "--out", "1")


def test_results_and_ledger_go_where_they_are_looked_for(place):
    wanted = taken("run", "--out", "elsewhere", "--journal", "book")
    assert (str(wanted.out), str(wanted.journal)) == ("elsewhere", "book")
    typed = ["/python", "-m", "tradsys", "run", "--out", "elsewhere", "--journal", "book"]
    assert command_line(THERE, wanted) == [*typed, "--out", "runs", "--journal", "/pod/journal"]
    assert command_line(THERE, taken("calibrate", "--markets", "1"))[3:] == ["calibrate", "--markets", "1"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("remote", "status", "pod"), "behind -- stands a command"),
        (("fly",), "behind -- stands a command"),
        (("run", "--set", "labels.horizn=6"), "did you mean 'labels.horizon'"),
        (("run", "--set", "data.root=x"), "the store of the host has its own place"),
    ],
)
def test_a_mistake_is_told_before_anything_is_sent(place, words, message):
    with pytest.raises(ConfigError, match=message):
        taken(*words)


def test_stored_series_are_taken_with_what_another_interval_is_made_of(tmp_path):
    store = SeriesStore(tmp_path)
    rows = simulate("noise", seed=1, n_bars=48).select("ts", "open", "high", "low", "close", "volume")
    for name in ("binance:BTC/USDT:1h", "binance:BTC/USDT:USDT:1h", "binance:ETH/USDT:1h"):
        store.write(
            SeriesId.parse(name),
            rows,
            Origin("test", "x", "", 0, 0, 48, "2024-01-01"),
            at=datetime(2024, 1, 1, tzinfo=UTC),
        )
    settings = DataSettings(root=str(tmp_path))

    def found(*specs):
        series, absent = gather_series(specs, settings)
        return [str(one) for one in series], absent

    assert found("binance:BTC/USDT:1h", "sample") == (["binance:BTC/USDT:1h"], [])
    assert found("binance:BTC/USDT:4h") == (["binance:BTC/USDT:1h"], [])
    assert found("BTC=binance:BTC/USDT:USDT?lag_s=1") == (["binance:BTC/USDT:USDT:1h"], [])
    assert found("binance:SOL/USDT:1h") == ([], ["binance:SOL/USDT:1h"])
