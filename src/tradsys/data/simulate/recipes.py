"""The recipes of simulated markets: names, parameters and the calibration of the known edge."""

import difflib
from dataclasses import dataclass
from typing import Final

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
BULL_EDGE_DRIFT: Final = 2.5
"""Annual Sharpe ratio of holding a `bull-edge` market."""


@dataclass(frozen=True, slots=True)
class Family:
    """Recipes of one name: what the number behind the colon is, its bounds, and what it is where none is given.

    Without `what` there is no number.
    """

    example: str
    what: str = ""
    least: float = 0.0
    most: float = 0.0
    default: float | None = None
    n_symbols: int = 1

    def number(self, name: str, text: str) -> float:
        """The number in the recipe; a ConfigError where it is none, or out of bounds."""
        if not self.what:
            if text:
                raise ConfigError(f"{name} takes no number, found {name}:{text}; write {self.example}")
            return 0.0
        if not text and self.default is not None:
            return self.default
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not self.least <= number <= self.most:
            raise ConfigError(
                f"{name} takes {self.what} from {self.least:g} to {self.most:g}, was {text or 'not given'}; write one "
                f"such as {self.example}"
            )
        return number


_SHARPE: Final = "a net annual Sharpe"
FAMILIES: Final = {
    "edge": Family("edge:2", _SHARPE, 0.0, EDGE_SHARPE[-1]),
    "bull-edge": Family("bull-edge:0", _SHARPE, 0.0, EDGE_SHARPE[-1]),
    "decay": Family("decay:3", _SHARPE, 0.0, EDGE_SHARPE[-1], default=3.0),
    "ticks": Family("ticks:0.4", "a tick in percent of the first price", 0.01, 2.0),
    "bounce": Family("bounce:20", "a spread in basis points", 1.0, 200.0, default=20.0),
    "thin": Family("thin"),
    "rounded": Family("rounded:0.5", "a step in percent of the first price", 0.01, 2.0, default=0.5),
    "illiquid": Family("illiquid"),
    "wash": Family("wash"),
    "spread-regimes": Family("spread-regimes"),
    "storms": Family("storms"),
    "bad-prints": Family("bad-prints"),
    "weekends": Family("weekends"),
    "averaged": Family("averaged:3", "a number of hours", 1.0, 24.0, default=3.0),
    "misaligned": Family("misaligned", n_symbols=4),
    "late": Family("late:20", "a delay in minutes (tens)", 10.0, 60.0, default=20.0, n_symbols=4),
    "survivors": Family("survivors", n_symbols=3),
    "stale-ranks": Family("stale-ranks", n_symbols=20),
}
"""Recipes with a name and at most one number."""

_UNIVERSE_EXAMPLE = "universe:30"
_UNIVERSE_SYMBOLS, _UNIVERSE_MOMENTUM = (2, 200), 0.2


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a simulated market is made of.

    `family` is the name without its number, and `number` that number (0 where there is none). `drift_sharpe` is the
    annual Sharpe ratio of being always long; `edge` the drift of the next bar, in its conditional standard deviations,
    for each unit of the past shocks' decaying sum. Where the edge `dies`, it does so half-way through five years.
    """

    name: str
    volatility: int
    drift_sharpe: float = 0.0
    edge: float = 0.0
    n_symbols: int = 1
    number: float = 0.0
    is_long_only: bool = False
    dies: bool = False

    def __post_init__(self) -> None:
        if self.volatility not in (GARCH, STOCHASTIC_VOLATILITY, REGIMES):
            raise ConfigError(f"volatility is GARCH, STOCHASTIC_VOLATILITY or REGIMES, was {self.volatility}")

    @property
    def family(self) -> str:
        """The name in front of the first colon."""
        return self.name.partition(":")[0]


def parse_recipe(text: str) -> Recipe:
    """The recipe behind a name, such as `noise`, `edge:2` (net annual Sharpe, 0 to 3) or `ticks:0.4`.

    `universe:<n>` is n symbols with listings and delistings, `universe:<n>:<m>` the same with momentum m across them.
    docs/simulated-markets.md lists all of them with what can be earned there.
    """
    if text in PLAIN:
        volatility, drift_sharpe, _ = PLAIN[text]
        return Recipe(text, volatility, drift_sharpe, is_long_only=drift_sharpe > 0)
    name, _, number = text.partition(":")
    if name == "universe":
        return _universe(number)
    if name in FAMILIES:
        return _of_family(name, number)
    written = {one: one for one in PLAIN} | {one: family.example for one, family in FAMILIES.items()}
    written["universe"] = _UNIVERSE_EXAMPLE
    nearest = difflib.get_close_matches(name, written, n=1, cutoff=0.4)
    hint = f" (did you mean {written[nearest[0]]}?)" if nearest else ""
    raise ConfigError(
        f"no recipe {text!r}{hint}; there are {', '.join(PLAIN)}, edge:<Sharpe 0 to 3>, such as edge:2, "
        f"universe:<symbols>, and {', '.join(one.example for name, one in FAMILIES.items() if name != 'edge')}"
    )


def edge_drift(sharpe: float) -> float:
    """Drift per unit of signal for an oracle's net annual Sharpe, piecewise linear through the four measured values."""
    return float(np.interp(sharpe, EDGE_SHARPE, EDGE_DRIFT))


def examples() -> tuple[str, ...]:
    """One recipe of each kind, by a name that can be parsed."""
    return (*PLAIN, *(one.example for one in FAMILIES.values()), _UNIVERSE_EXAMPLE)


def _of_family(name: str, text: str) -> Recipe:
    family = FAMILIES[name]
    number = family.number(name, text)
    full = f"{name}:{number:g}" if family.what else name
    if family.what != _SHARPE:
        return Recipe(full, STOCHASTIC_VOLATILITY, n_symbols=family.n_symbols, number=number)
    drift = BULL_EDGE_DRIFT if name == "bull-edge" else 0.0
    return Recipe(full, GARCH, drift, edge_drift(number), number=number, dies=name == "decay")


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
