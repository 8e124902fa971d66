"""Where data is kept and where it is fetched from: section `data` of the settings."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field

from tradsys.core.errors import ConfigError
from tradsys.core.settings import SettingsSection, build, dotted, gather
from tradsys.core.time import as_ms, to_ms
from tradsys.data.span import FIRST, TimeSpan

SECTION = "data."


def _aware(when: datetime) -> datetime:
    return when if when.tzinfo else when.replace(tzinfo=UTC)


Time = Annotated[datetime, AfterValidator(_aware)]
"""A day or a time, UTC unless it says otherwise."""


class DataSettings(SettingsSection):
    """The store's folder or URL (`s3://bucket/folder`), the hosts, and how patiently they are asked.

    `requests_per_s` holds for each host, all processes of this user together. With `ccxt_url` every exchange is asked
    there instead of at its own hosts. Bars that open before `earliest`, or close after `latest` (now unless given), are
    refused.
    """

    root: str = "data"
    archive_url: str = "https://data.binance.vision"
    spot_url: str = "https://api.binance.com"
    futures_url: str = "https://fapi.binance.com"
    ccxt_url: str | None = None
    fred_url: str = "https://fred.stlouisfed.org"
    yahoo_url: str = "https://query1.finance.yahoo.com"
    requests_per_s: float = Field(8.0, gt=0)
    n_attempts: int = Field(6, ge=1)
    backoff_s: float = Field(1.0, ge=0)
    timeout_s: float = Field(30.0, gt=0)
    max_wait_s: float = Field(120.0, ge=0)
    earliest: Time = FIRST
    latest: Time | None = None

    @property
    def span(self) -> TimeSpan:
        """When bars may be from; a ConfigError where they cannot be from any time."""
        if to_ms(self.earliest) >= as_ms(self.latest):
            latest = "now" if self.latest is None else f"{self.latest:%Y-%m-%d %H:%M}"
            raise ConfigError(
                f"data.earliest must lie before data.latest, found {self.earliest:%Y-%m-%d %H:%M} and {latest}; mend "
                "either"
            )
        return TimeSpan(to_ms(self.earliest), as_ms(self.latest))

    @classmethod
    def load(cls, *, file: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Self:
        """The settings in force, such as `TRADSYS_DATA__ROOT`; keys of other sections are left to their owners."""
        values = gather(KEYS, file=file, overrides=overrides, within=SECTION)
        return build(cls, {key.removeprefix(SECTION): value for key, value in values.items()}, SECTION)


KEYS = tuple(dotted(DataSettings, SECTION))
