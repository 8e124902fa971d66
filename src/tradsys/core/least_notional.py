"""The smallest order that is placed where nobody said what the venue takes."""

LEAST_NOTIONAL = 5.0
"""What most venues ask of an order, in quote, where the quote is a dollar."""

LEAST_SHARE = 1 / 2_000
"""What `least_notional` asks of an account that does not count in dollars, as a share of its cash."""


def least_notional(cash_quote: float) -> float:
    """The smallest order where none is given: 5 in quote, or a 2,000th of the cash where that is less.

    >>> least_notional(10_000.0), least_notional(1.0)
    (5.0, 0.0005)
    """
    return min(LEAST_NOTIONAL, LEAST_SHARE * cash_quote)
