"""Settings that flatter a result or multiply its losses, each in a sentence that says so."""

from collections.abc import Mapping
from typing import Final, Protocol

import polars as pl

from tradsys.core.costs import Estimated


class HasFees(Protocol):
    """What a trade pays, in basis points of notional."""

    @property
    def taker_bps(self) -> float:
        """Fee of orders that take."""

    @property
    def maker_bps(self) -> float:
        """Fee of orders that wait."""

    @property
    def slippage_bps(self) -> float | Estimated:
        """What an order that takes is filled worse than the price that it saw."""


def dangers(costs: HasFees, *, fraction: float | None, cap: float) -> list[str]:
    """A sentence for each; `fraction` and `cap` are shares of the equity, for one position and for all together.

    >>> from tradsys.core.costs import Costs
    >>> dangers(Costs(), fraction=1.0, cap=1.0)
    []
    """
    found = []
    if costs.maker_bps < 0:
        fee = f"costs.maker_bps is {costs.maker_bps:g}"
        found.append(f"{fee}: every such order is paid for, a rebate that hardly any account gets")
    if costs.taker_bps == 0:
        found.append("costs.taker_bps is 0: hardly any exchange takes nothing for orders that take")
    if costs.slippage_bps == 0:
        found.append(
            "costs.slippage_bps is 0: entries, stops and time exits take at exactly the price that they saw, which "
            "flatters every trade; leave it estimated, or set what your own fills lose"
        )
    if fraction is not None and fraction > 1:
        found.append(f"portfolio.fraction is {fraction:g}: one position is {fraction:g} times the equity, on leverage")
    if cap > 1:
        found.append(
            f"portfolio.cap is {cap:g}: all positions together reach {cap:g} times the equity, and a move of "
            f"{1 / cap:.1%} against them takes all of it"
        )
    return found


_LATE: Final = 0.01
"""Share of a symbol's bars before the first volume from which on it is told: a listing's first hours are less."""


def volume_dangers(frames: Mapping[str, pl.DataFrame]) -> list[str]:
    """A sentence where bars do not tell whether anybody traded, so that every order in them is taken to be filled."""
    has_volume = {symbol: bars["volume"].to_numpy() > 0 for symbol, bars in frames.items()}
    without = [symbol or "these bars" for symbol, volume in has_volume.items() if not volume.any()]
    late = [
        f"{symbol or 'these bars'} until {frames[symbol]['ts'][int(volume.argmax())]:%Y-%m-%d}"
        for symbol, volume in has_volume.items()
        if volume.any() and volume.argmax() > _LATE * len(volume)
    ]
    if not (told := [*without, *late]):
        return []
    return [
        f"no volumes: those of {', '.join(told)} are 0 or missing, and nothing tells whether anybody traded, so that "
        "every order is taken to be filled"
    ]
