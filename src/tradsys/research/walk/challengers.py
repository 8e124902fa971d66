"""Whether a challenger decides in place of the logistic, judged on out-of-fold forecasts of the training part."""

from collections.abc import Mapping

from scipy.special import ndtr, ndtri

from tradsys.verdict.skill import Estimate

STANDARD_ERRORS = 1.0
"""Lead, in standard errors over blocks of time, that a challenger needs: stability weighs more than a tiny gain."""


def standard_errors(n_challengers: int) -> float:
    """The lead that one of several needs, so that the luckiest of them convinces as seldom as a single one (Sidak).

    >>> round(standard_errors(1), 2), round(standard_errors(5), 2)
    (1.0, 1.83)
    """
    return float(ndtri(ndtr(STANDARD_ERRORS) ** (1 / n_challengers)))


def convincing_challenger(leads: Mapping[str, Estimate]) -> str | None:
    """The challenger that should decide, the one with the surest lead; None keeps the incumbent.

    A history too short to say, which has no standard error, convinces nobody.
    """
    needed = standard_errors(max(len(leads), 1))
    sure = {name: _t(lead) for name, lead in leads.items() if _t(lead) > needed}
    return max(sure, key=lambda name: sure[name], default=None)


def _t(lead: Estimate) -> float:
    return lead.value / lead.standard_error if lead.standard_error else 0.0
