"""The services that apprise knows, by their URLs: chats, mail, push, web hooks."""

from collections.abc import Sequence
from typing import Final

from pydantic import SecretStr

from tradsys.core.errors import ConfigError
from tradsys.live.notify.message import Level, Message
from tradsys.live.notify.notifier import Send

KINDS: Final = {Level.INFO: "info", Level.WARNING: "warning", Level.CRITICAL: "failure"}
"""Our levels in apprise's words."""


def sender_to(urls: Sequence[SecretStr], title: str) -> Send:
    """What sends a message to all of them, under that title; a URL that apprise does not know is a ConfigError.

    A URL is a secret: it is named by its place among the others. Apprise loads all its services, which takes seconds:
    call this in a thread while bars are fetched.
    """
    import apprise

    known = apprise.Apprise()
    for place, url in enumerate(urls, start=1):
        if not known.add(url.get_secret_value()):
            raise ConfigError(
                f"URL {place} of {len(urls)} for notifications is none that apprise knows; see its list of services"
            )

    def send(message: Message) -> bool:
        kind = apprise.NotifyType(KINDS[message.level])
        return bool(known.notify(body=message.text, title=title, notify_type=kind))

    return send
