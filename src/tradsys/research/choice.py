"""Which forecaster decides, judged inside the training part alone."""

from tradsys.verdict.skill import Estimate

STANDARD_ERRORS = 1.0
"""Lead, in standard errors over blocks of time, that a challenger needs: stability weighs more than a tiny gain."""


def is_convincing(lead: Estimate) -> bool:
    """Whether the challenger should decide; a history too short to say keeps the incumbent."""
    return lead.standard_error is not None and lead.value > STANDARD_ERRORS * lead.standard_error
