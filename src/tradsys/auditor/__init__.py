"""The second opinion on every trade: how likely it is to make money after costs."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.auditor.auditor import Auditor, FittedAuditor, LogisticAuditor

__all__ = ["Auditor", "FittedAuditor", "LogisticAuditor"]

__getattr__, __dir__ = attach(
    __name__, {"Auditor": "auditor", "FittedAuditor": "auditor", "LogisticAuditor": "auditor"}
)
