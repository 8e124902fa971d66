"""A day or a time of day, as it is typed on the command line."""

from datetime import UTC, datetime

from tradsys.core.errors import ConfigError


def moment(text: str | None, option: str) -> datetime | None:
    """What `option` was given, in UTC unless it names a zone; None where it was not given."""
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"{option} takes a day such as 2020-01-01, or a time such as 2020-01-01T12:00, found {text!r}"
        ) from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
