"""Words of the web pages that the report has no need of: a market's name in brief, a number of trials."""

from typing import Final

_MANY: Final = 5
_FIRST: Final = 3


def brief(market: str) -> str:
    """A market's name as a line has room for it: of many symbols the first ones, and how many more there are."""
    symbols = market.split(" + ")
    if len(symbols) < _MANY:
        return market
    interval = symbols[-1].rpartition(" ")[2]
    return f"{' + '.join(symbols[:_FIRST])} and {len(symbols) - _FIRST:,} more, {interval}"


def trials(number: int) -> str:
    """As many trials, in words."""
    return f"{number:,} {'trial' if number == 1 else 'trials'}"
