"""The recipes of simulated markets: names, parameters and the calibration of the known edge."""

import difflib
from dataclasses import dataclass

import numpy as np

from tradsys.core.errors import ConfigError

GARCH, STOCHASTIC_VOLATILITY, REGIMES = 0, 1, 2
"""How the conditional standard deviation of a bar moves."""

ANNUAL_VOLATILITY = 0.6
EDGE_SHARPE = (0.0, 1.0, 2.0, 3.0)
EDGE_DRIFT = (0.0228, 0.0384, 0.0533, 0.0679)
"""Drift per unit of signal, in conditional standard deviations, that gives the oracle that net annual Sharpe.

The oracle trades the sign of signals beyond 1.5, barriers 1.5 ATR, 24 bars, taker 5 bp and maker 2 bp. Calibrated on
500 markets a value (standard error .02): exact highs and lows widen the ATR, so that less drift is needed than where
bars are built from sub-steps (.027, .0410, .0556, .0697).
"""

PLAIN = {
    "noise": (GARCH, 0.0, "GARCH volatility, fat tails, no edge of any kind"),
    "sv-martingale": (STOCHASTIC_VOLATILITY, 0.0, "predictable volatility, no edge of any kind"),
    "bull": (GARCH, 1.5, "noise with a steady drift of Sharpe 1.5, for longs only"),
    "regimes": (REGIMES, 0.0, "quiet, trend and panic, with the true state known"),
}

_EXAMPLES = {"edge": "edge:2", "universe": "universe:30"}
_UNIVERSE_SYMBOLS, _UNIVERSE_MOMENTUM = (2, 200), 0.2


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a simulated market is made of.

    `drift_sharpe` is the annual Sharpe ratio of being always long; `edge` the drift of the next bar, in its conditional
    standard deviations, for each unit of the past shocks' decaying sum.
    """

    name: str
    volatility: int
    drift_sharpe: float = 0.0
    edge: float = 0.0
    n_symbols: int = 1

    @property
    def is_long_only(self) -> bool:
        """Whether the market is meant for longs only, as `bull` is."""
        return self.drift_sharpe > 0

    def __post_init__(self) -> None:
        if self.volatility not in (GARCH, STOCHASTIC_VOLATILITY, REGIMES):
            raise ConfigError(f"volatility is GARCH, STOCHASTIC_VOLATILITY or REGIMES, was {self.volatility}")


def parse_recipe(text: str) -> Recipe:
    """The recipe behind a name: `noise`, `sv-martingale`, `bull`, `regimes` or `edge:<net annual Sharpe, 0 to 3>`.

    `universe:<n>` is n symbols with listings and delistings, `universe:<n>:<m>` the same with momentum m across them.
    """
    if text in PLAIN:
        volatility, drift_sharpe, _ = PLAIN[text]
        return Recipe(text, volatility, drift_sharpe)
    name, _, strength = text.partition(":")
    if name == "edge":
        return Recipe(f"edge:{_sharpe(strength):g}", GARCH, edge=edge_drift(_sharpe(strength)))
    if name == "universe":
        return _universe(strength)
    nearest = difflib.get_close_matches(name, [*PLAIN, "edge", "universe"], n=1, cutoff=0.4)
    hint = f" (did you mean {_EXAMPLES.get(nearest[0], nearest[0])}?)" if nearest else ""
    raise ConfigError(
        f"no recipe {text!r}{hint}; there are {', '.join(PLAIN)}, edge:<Sharpe 0 to 3>, such as edge:2, and "
        "universe:<symbols>"
    )


def edge_drift(sharpe: float) -> float:
    """Drift per unit of signal for an oracle's net annual Sharpe, piecewise linear through the four measured values."""
    return float(np.interp(sharpe, EDGE_SHARPE, EDGE_DRIFT))


def _sharpe(text: str) -> float:
    try:
        sharpe = float(text)
    except ValueError:
        raise ConfigError(f"edge takes a net annual Sharpe from 0 to 3, such as edge:2; found edge:{text}") from None
    if not 0 <= sharpe <= EDGE_SHARPE[-1]:
        raise ConfigError(f"edge is calibrated for a net annual Sharpe from 0 to 3, was {text}; choose one in between")
    return sharpe


def _universe(text: str) -> Recipe:
    """`<n>` or `<n>:<momentum>`."""
    n_symbols, _, momentum = text.partition(":")
    try:
        n, m = int(n_symbols), float(momentum or 0.0)
    except ValueError:
        n, m = 0, 0.0
    least, most = _UNIVERSE_SYMBOLS
    if not (least <= n <= most and 0 <= m <= _UNIVERSE_MOMENTUM):
        raise ConfigError(
            f"universe takes {least} to {most} symbols and a momentum from 0 to {_UNIVERSE_MOMENTUM}, such as "
            f"universe:30 or universe:30:0.02; found universe:{text}"
        )
    return Recipe(f"universe:{n}" + (f":{m:g}" if m else ""), GARCH, edge=m, n_symbols=n)
