"""How a bundle is traded: section `trade` of the settings; secrets come from `.env` or the environment alone."""

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from tradsys.core.errors import ConfigError
from tradsys.core.settings import COMMAND_LINE, SettingsSection, build, dotted, gather, layers
from tradsys.core.variables import dotenv_variables, variable_of, variables

SECTION: Final = "trade."

SECRETS: Final = ("api_key", "api_secret", "telegram_token", "notify", "dead_man_url")
"""Whoever knows one of these may trade, listen, or speak in the bot's name."""

BY_VARIABLE: Final = (*SECRETS, "confirm")
"""What only `.env` and the environment may set; the confirmation is the second of two deliberate steps."""

_SHORTEST: Final = 8
"""Characters of a secret; a shorter one was cut, and could not be told from other text where it must not appear."""


def _listed(value: object) -> object:
    """One word is a list of one."""
    return (value,) if isinstance(value, str) else value


def venue_url(url: str) -> str:
    """An exchange's base URL as it may be set, or a ValueError."""
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL here names no user: keys have settings of their own")
    if parts.scheme == "https" and parts.hostname:
        return url
    if parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost"):
        return url
    raise ValueError("an exchange is asked by https, or by http on this machine alone (http://127.0.0.1:PORT)")


Share = Annotated[float, Field(gt=0, le=1)]


class TradeSettings(SettingsSection):
    """What a bot may do with an account, whom it tells, and how it is reached.

    `venue`, `symbols` and `interval` are what the bundle must be of, where they are set; `url` asks the exchange at
    another address than its own. `api_key`, `api_secret`, `telegram_token`, `notify` (URLs of apprise) and
    `dead_man_url` are secrets. Limits are in force whatever the bundle wants: `daily_loss` and `max_drawdown` are
    shares of the equity, at the day's beginning and at its highest; `max_notional` a multiple of it, of all positions
    together; `liquidation_distance` the least distance of a position's liquidation from the mark, as a share of the
    mark; `drift_share` the largest share of features that may lie outside of what the bundle was trained on.
    `weights_stop` is how far from its price a position of target weights has its stop at the venue, as a share of it.
    """

    confirm: str = ""
    api_key: SecretStr = SecretStr("")
    api_secret: SecretStr = SecretStr("")
    url: Annotated[str, AfterValidator(venue_url)] | None = None
    venue: str = ""
    symbols: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    interval: str = ""
    leverage: float = Field(2.0, ge=1, le=125)
    margin_type: Literal["isolated", "cross"] = "isolated"
    cash_quote: float | None = Field(None, gt=0)
    bar_wait_s: float = Field(5.0, gt=0, le=600)

    daily_loss: Share = 0.05
    max_drawdown: Share = 0.2
    max_notional: float = Field(2.0, gt=0)
    max_open_trades: int = Field(10, ge=1)
    orders_per_minute: int = Field(60, ge=1)
    max_errors: int = Field(5, ge=1)
    stale_data_s: float = Field(30.0, gt=0)
    cooldown_s: float = Field(0.0, ge=0)
    liquidation_distance: Share = 0.1
    drift_share: Share = 0.5
    weights_stop: float = Field(0.25, ge=0.01, le=0.9)

    notify: Annotated[tuple[SecretStr, ...], BeforeValidator(_listed)] = ()
    telegram_token: SecretStr = SecretStr("")
    telegram_chat: str = ""
    metrics_port: int | None = Field(None, ge=0, le=65_535)
    dead_man_url: SecretStr = SecretStr("")

    @classmethod
    def load(cls, *, file: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Self:
        """The settings in force; keys of other sections are left to their owners.

        A secret in a file of settings or on the command line is a ConfigError, and so is a `.env` with secrets that
        others may read. No message says what a secret is.
        """
        refuse_secrets(file=file, overrides=overrides)
        given = gather(KEYS, file=file, overrides=overrides, within=SECTION)
        _refuse_readable()
        # as they were written: 0123 is no number, and a comma may well stand in a secret
        values = {key.removeprefix(SECTION): value for key, value in given.items()} | _by_variable()
        return build(cls, values, SECTION, hidden=(*SECRETS, "url"))

    @property
    def secrets(self) -> tuple[str, ...]:
        """All that must not appear anywhere."""
        single = (self.api_key, self.api_secret, self.telegram_token, self.dead_man_url, *self.notify)
        return tuple(one.get_secret_value() for one in single if one.get_secret_value())

    @property
    def has_key(self) -> bool:
        return bool(self.api_key.get_secret_value() and self.api_secret.get_secret_value())


KEYS: Final = tuple(dotted(TradeSettings, SECTION))


def refuse_secrets(*, file: Path | None = None, overrides: Mapping[str, Any] | None = None) -> None:
    """A ConfigError where a file of settings or the command line sets what only `.env` and the environment may."""
    own = {SECTION + name for name in BY_VARIABLE}
    found = layers(file, overrides or {}, {})
    for where in found.keys() - variables().keys():
        for key in sorted(own & found[where].keys()):
            begin = f"{where} sets {key}, which only .env and the environment may"
            if key.removeprefix(SECTION) not in SECRETS:
                raise ConfigError(f"{begin}, as {variable_of(key)}: it is the second step to live trading")
            seen = "others can read command lines" if where == COMMAND_LINE else "files of settings are passed on"
            raise ConfigError(f"{begin}: {seen}; put {variable_of(key)} into .env, and replace the secret by a new one")


def _by_variable() -> dict[str, Any]:
    """What only variables may set, raw; an empty one is as good as none."""
    found: dict[str, Any] = {}
    for given in variables().values():
        for name, value in given.items():
            key = _key_of(name)
            if key in BY_VARIABLE and value is not None:
                found[key] = tuple(value.split()) if key == "notify" else value.strip()
    if short := [variable_of(SECTION + key) for key in SECRETS if _is_short(found.get(key, ()))]:
        found_short = ", ".join(short)
        raise ConfigError(f"a secret has {_SHORTEST} characters at least, and {found_short} has fewer; copy it whole")
    return found


def _is_short(value: str | tuple[str, ...]) -> bool:
    return any(0 < len(one) < _SHORTEST for one in ((value,) if isinstance(value, str) else value))


def _key_of(variable: str) -> str:
    """`TRADSYS_TRADE__API_KEY` is api_key; nothing for a variable of others."""
    begin = variable_of(SECTION + "x").removesuffix("X")
    return variable.upper().removeprefix(begin).lower() if variable.upper().startswith(begin) else ""


def _refuse_readable() -> None:
    """A ConfigError where `.env` holds secrets and others than its owner may read it."""
    held = sorted(name for name, value in dotenv_variables().items() if value and _key_of(name) in SECRETS)
    if not held:
        return
    mode = stat.S_IMODE(Path(".env").stat().st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(
            f".env holds {', '.join(held)} and may be read by others than you (its mode is {mode:03o}); chmod 600 .env"
        )
