"""What people are told of the bot, and what they may ask of it from a chat; never in the way of an order"""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.live.notify.message import Level as Level
    from tradsys.live.notify.message import Message as Message
    from tradsys.live.notify.message import message_of as message_of
    from tradsys.live.notify.notifier import Notifier as Notifier
    from tradsys.live.notify.services import sender_to as sender_to
    from tradsys.live.notify.telegram_api import HttpTelegram as HttpTelegram
    from tradsys.live.notify.telegram_chat import TelegramChat as TelegramChat

__getattr__, __dir__, __all__ = attach(__name__, __file__)
