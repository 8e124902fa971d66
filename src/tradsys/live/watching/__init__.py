"""Who watches the bot: metrics and health on loopback, the watchdog of systemd, a ping missed when the bot is dead"""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.live.watching.dead_man import DeadMan as DeadMan
    from tradsys.live.watching.health import Health as Health
    from tradsys.live.watching.metrics import Metrics as Metrics
    from tradsys.live.watching.page import serve as serve
    from tradsys.live.watching.watchdog import Watchdog as Watchdog

__getattr__, __dir__, __all__ = attach(__name__, __file__)
