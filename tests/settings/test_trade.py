"""Section `trade`: secrets come from `.env` or the environment alone, and no message says what they are."""

import pytest

from tradsys.core.errors import ConfigError
from tradsys.settings.config import RunConfig
from tradsys.settings.trade import BY_VARIABLE, SECRETS, TradeSettings

CANARY = "c4nary, 0f-a=secret"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def dotenv(path, mode=0o600, **values):
    (path / ".env").write_text("".join(f"TRADSYS_TRADE__{name}='{value}'\n" for name, value in values.items()))
    (path / ".env").chmod(mode)


def test_secrets_are_taken_as_they_are_written(tmp_path, monkeypatch):
    dotenv(tmp_path, API_KEY=CANARY, API_SECRET="0123456789", CONFIRM="007")
    monkeypatch.setenv("TRADSYS_TRADE__NOTIFY", "json://one:1/abc tgram://two/def")
    settings = TradeSettings.load()
    assert settings.api_key.get_secret_value() == CANARY
    assert settings.api_secret.get_secret_value() == "0123456789"
    assert settings.confirm == "007"
    assert settings.has_key
    assert settings.secrets == (CANARY, "0123456789", "json://one:1/abc", "tgram://two/def")


def test_the_environment_goes_before_the_file(tmp_path, monkeypatch):
    dotenv(tmp_path, API_KEY="from-the-file", LEVERAGE="3")
    monkeypatch.setenv("TRADSYS_TRADE__API_KEY", "from-the-environment")
    settings = TradeSettings.load()
    assert settings.api_key.get_secret_value() == "from-the-environment"
    assert settings.leverage == 3


@pytest.mark.parametrize("name", BY_VARIABLE)
@pytest.mark.parametrize("load", [TradeSettings.load, RunConfig.load], ids=["trade", "run"])
def test_no_command_takes_a_secret_or_the_confirmation_from_its_line_or_a_file(tmp_path, name, load):
    with pytest.raises(ConfigError, match=rf"the command line sets trade.{name}, which only .env") as refused:
        load(overrides={f"trade.{name}": CANARY})
    (tmp_path / "tradsys.toml").write_text(f'[trade]\n{name} = "{CANARY}"\n')
    with pytest.raises(ConfigError, match=rf"tradsys.toml sets trade.{name}, which only .env") as refused_too:
        load()
    assert "c4nary" not in f"{refused.value}{refused_too.value}"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_file_with_secrets_that_others_may_read_is_refused(tmp_path, mode):
    dotenv(tmp_path, mode, API_KEY=CANARY)
    with pytest.raises(
        ConfigError, match=rf"\.env holds TRADSYS_TRADE__API_KEY .*mode is {mode:o}.*chmod 600"
    ) as refused:
        TradeSettings.load()
    assert "c4nary" not in str(refused.value)


def test_a_file_without_secrets_may_be_read_by_anyone(tmp_path):
    dotenv(tmp_path, 0o644, CONFIRM="main", LEVERAGE="3", API_KEY="")
    assert TradeSettings.load().confirm == "main"


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_that_was_cut_is_refused_and_not_shown(monkeypatch, name):
    monkeypatch.setenv(f"TRADSYS_TRADE__{name.upper()}", "s3cr3t")
    with pytest.raises(ConfigError, match=f"TRADSYS_TRADE__{name.upper()} has fewer") as refused:
        TradeSettings.load()
    assert "s3cr3t" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://fapi.binance.com", "asked by https"),
        ("ftp://127.0.0.1", "asked by https"),
        ("http://127.0.0.1.evil.example", "asked by https"),
        (f"https://{'c4nary'}:x@host", "names no user"),
    ],
)
def test_an_exchange_is_asked_by_https_or_on_this_machine(url, why):
    with pytest.raises(ConfigError, match=rf"trade.url: .*{why}") as refused:
        TradeSettings.load(overrides={"trade.url": url})
    assert "c4nary" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["https://fapi.binance.com", "http://127.0.0.1:8080", "http://[::1]:1", "http://localhost:1"]
)
def test_these_addresses_may_be_asked(url):
    assert TradeSettings.load(overrides={"trade.url": url}).url == url


def test_a_mistyped_variable_is_named_without_what_it_holds(monkeypatch):
    monkeypatch.setenv("TRADSYS_TRADE__API_SECRT", CANARY)
    with pytest.raises(ConfigError, match=r"trade.api_secrt.*did you mean 'trade.api_secret'") as refused:
        TradeSettings.load()
    assert "c4nary" not in str(refused.value)


def test_secrets_are_in_no_text_of_the_settings(monkeypatch):
    for name in SECRETS:
        monkeypatch.setenv(f"TRADSYS_TRADE__{name.upper()}", "c4nary-secret")
    settings = TradeSettings.load()
    assert "c4nary" not in f"{settings!r}{settings}{settings.model_dump_json()}{settings.model_dump(mode='json')}"
    RunConfig.load()


def test_limits_have_bounds():
    with pytest.raises(ConfigError, match=r"trade.daily_loss: input should be less than or equal to 1, found 5"):
        TradeSettings.load(overrides={"trade.daily_loss": "5"})
