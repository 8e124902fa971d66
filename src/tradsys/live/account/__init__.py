"""The folder of a traded account: who trades it, what it is doing, and everything that happened"""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.live.account.folder import AccountFolder as AccountFolder
    from tradsys.live.account.lock import holder_of as holder_of
    from tradsys.live.account.scrub import Scrubber as Scrubber
    from tradsys.live.account.status import read_status as read_status

__getattr__, __dir__, __all__ = attach(__name__, __file__)
