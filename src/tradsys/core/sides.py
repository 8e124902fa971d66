"""The two sides of a trade."""

from typing import Literal

type Side = Literal["long", "short"]
SIDES: tuple[Side, ...] = ("long", "short")
"""In the order of the columns of every two-sided array."""
