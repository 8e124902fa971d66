"""The second opinion on every trade: how likely it is to make money after costs."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.auditor.auditor import Auditor as Auditor
    from tradsys.auditor.auditor import FittedAuditor as FittedAuditor
    from tradsys.auditor.auditor import LogisticAuditor as LogisticAuditor

__getattr__, __dir__, __all__ = attach(__name__, __file__)
