"""The sides of a market that forecasts, labels and trades stand on."""

from typing import Literal

type Side = Literal["long", "short"]
SIDES: tuple[Side, ...] = ("long", "short")
"""In the order of the columns of every two-sided array."""
