"""The pieces a profile is built from: when to enter, which regimes to sit out, what the auditor may veto, how large."""

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray
from tradsys.core.errors import ConfigError
from tradsys.profiles.forecast import Forecasts

QUIET = 0
"""Index of the quiet regime: states are ordered by volatility."""


class EntryRule(Protocol):
    """Says at which decisions the chosen side is worth entering."""

    def admits(self, forecasts: Forecasts) -> BoolArray:
        """Mask of shape (n,)."""

    @property
    def refusal(self) -> str:
        """Why a decision that was not admitted stays out."""


@dataclass(frozen=True, slots=True)
class ConfidenceAbove:
    """Enter when the chosen side's confidence exceeds a threshold.

    `rank` reads the threshold as a share of the out-of-fold confidences of the training part, since a calibrated
    probability of 0.95 hardly ever occurs; `probability` reads it literally.
    """

    threshold: float
    confidence: Literal["rank", "probability"] = "rank"

    def __post_init__(self) -> None:
        if not 0 <= self.threshold < 1:
            raise ConfigError(
                f"a confidence threshold lies in [0, 1), was {self.threshold}; the journal used .75 and .95"
            )

    def admits(self, forecasts: Forecasts) -> BoolArray:
        values = forecasts.rank if self.confidence == "rank" else forecasts.probability
        return forecasts.chosen(values) > self.threshold

    @property
    def refusal(self) -> str:
        return f"{self.confidence} of the confidence is not above {self.threshold:g}"


@dataclass(frozen=True, slots=True)
class ExpectedReturnAbove:
    """Enter when the expected return after costs is above `margin_bps`, however uncertain it is."""

    margin_bps: float = 0.0

    def admits(self, forecasts: Forecasts) -> BoolArray:
        return forecasts.chosen(forecasts.expected_net) > self.margin_bps / 1e4

    @property
    def refusal(self) -> str:
        return f"expected return after costs is not above {self.margin_bps:g} bp"


STANDARD_ERRORS = 0.8
"""How many of its standard errors an expected return is lowered by before it is taken for a profit."""


def surely_above(
    expected_net: FloatArray,
    standard_error: FloatArray | float,
    margin: float = 0.0,
    standard_errors: float = STANDARD_ERRORS,
) -> BoolArray:
    """Where the expected return stays above `margin` when it is lowered by its standard errors; not where it is NaN."""
    return np.asarray(expected_net - standard_errors * standard_error > margin, dtype=bool)


@dataclass(frozen=True, slots=True)
class EarnedReturnAbove:
    """Enter when the expected return after costs stays above `margin_bps` lowered by `standard_errors` of its own.

    Both are what such forecasts earned out of fold, not what they promise; a predictor of an earlier version, which
    kept no such record, is taken at its word.
    """

    margin_bps: float = 0.0
    standard_errors: float = STANDARD_ERRORS

    def __post_init__(self) -> None:
        if not self.standard_errors >= 0:
            raise ConfigError(f"standard_errors is 0 or more, was {self.standard_errors}; 0 ignores them")

    def admits(self, forecasts: Forecasts) -> BoolArray:
        expected = forecasts.chosen(forecasts.expected_net)
        error = 0.0 if forecasts.net_error is None else forecasts.chosen(forecasts.net_error)
        return surely_above(expected, error, self.margin_bps / 1e4, self.standard_errors)

    @property
    def refusal(self) -> str:
        lowered = f" less {self.standard_errors:g} standard errors" if self.standard_errors else ""
        return f"expected return after costs{lowered} is not above {self.margin_bps:g} bp"


class RecordRule(Protocol):
    """Says whether what such decisions earned out of fold allows more of them."""

    def allows(self, forecasts: Forecasts) -> BoolArray:
        """Mask of shape (n,)."""


@dataclass(frozen=True, slots=True)
class AnyRecord:
    """Entries whatever earlier ones earned."""

    def allows(self, forecasts: Forecasts) -> BoolArray:
        return np.ones(len(forecasts.start), bool)


@dataclass(frozen=True, slots=True)
class MustEarn:
    """No entries while decisions that were expected to pay did not earn their costs out of fold."""

    def allows(self, forecasts: Forecasts) -> BoolArray:
        return np.ones(len(forecasts.start), bool) if forecasts.has_earned is None else forecasts.has_earned


class RegimeRule(Protocol):
    """Says in which market states entries are allowed."""

    def allows(self, forecasts: Forecasts) -> BoolArray:
        """Mask of shape (n,)."""

    @property
    def refusal(self) -> str:
        """Why a decision that was not allowed stays out."""


@dataclass(frozen=True, slots=True)
class AnyRegime:
    """Entries in every regime."""

    refusal: ClassVar[str] = "no regime is allowed"

    def allows(self, forecasts: Forecasts) -> BoolArray:
        return np.ones(len(forecasts.start), bool)


@dataclass(frozen=True, slots=True)
class NotQuiet:
    """No entries while the quiet regime is the likeliest one by the filtered probabilities."""

    refusal: ClassVar[str] = "quiet regime"

    def allows(self, forecasts: Forecasts) -> BoolArray:
        return np.asarray(forecasts.regime.argmax(axis=1) != QUIET, dtype=bool)


@dataclass(frozen=True, slots=True)
class Outside:
    """No entries while one of the `blocked` regimes, counted from the quiet one, is the likeliest."""

    blocked: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "blocked", tuple(self.blocked))  # JSON knows no tuples
        if not self.blocked or min(self.blocked) < 0:
            raise ConfigError(f"blocked names regimes from 0 on, at least one, was {self.blocked}; 0 is the quiet one")

    def allows(self, forecasts: Forecasts) -> BoolArray:
        return ~np.isin(forecasts.regime.argmax(axis=1), self.blocked)

    @property
    def refusal(self) -> str:
        return f"regime {' or '.join(map(str, self.blocked))} is blocked"


class ExposureRule(Protocol):
    """Says how much of its size an entry keeps, given the state of other markets."""

    def share(self, forecasts: Forecasts) -> FloatArray:
        """Share of the size, shape (n,), each in [0, 1]; zero blocks the entry."""


@dataclass(frozen=True, slots=True)
class FullExposure:
    """Full size in every state of other markets."""

    def share(self, forecasts: Forecasts) -> FloatArray:
        return np.ones(len(forecasts.start))


@dataclass(frozen=True, slots=True)
class RiskOffSize:
    """Entries keep `size` of their size while risk-off is the likeliest state of other markets; 0 blocks them.

    What is not known counts as risk-off: a supervisor that sees nothing lets nothing through at full size.
    """

    size: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.size < 1:
            raise ConfigError(f"the size in risk-off lies in [0, 1), was {self.size}; 0 blocks, 0.5 halves")

    def share(self, forecasts: Forecasts) -> FloatArray:
        if forecasts.macro is None:
            raise ConfigError("a supervised profile needs the states of other markets, found none; give --macro series")
        known = np.isfinite(forecasts.macro).all(axis=1)
        likeliest = np.where(known[:, None], forecasts.macro, 0.0).argmax(axis=1)
        return np.where(known & (likeliest != forecasts.macro.shape[1] - 1), 1.0, self.size)


class AuditRule(Protocol):
    """Turns the auditor's probability into a size; zero is a veto."""

    def size(self, audit: FloatArray) -> FloatArray:
        """Share of the full size, shape (n,), each in [0, 1]."""


@dataclass(frozen=True, slots=True)
class NoAudit:
    """Full size at every probability of the auditor."""

    def size(self, audit: FloatArray) -> FloatArray:
        return np.ones(len(audit))


@dataclass(frozen=True, slots=True)
class AuditorVeto:
    """Veto below `threshold`; half size there, rising to the full size at `full_size_at`."""

    threshold: float = 0.5
    full_size_at: float = 0.6

    def __post_init__(self) -> None:
        if not 0 <= self.threshold < self.full_size_at <= 1:
            raise ConfigError(
                f"an audit needs 0 <= threshold < full_size_at <= 1, was {self.threshold} and {self.full_size_at}"
            )

    def size(self, audit: FloatArray) -> FloatArray:
        """Zero where vetoed, else between a half and one."""
        share = 0.5 + 0.5 * (audit - self.threshold) / (self.full_size_at - self.threshold)
        return np.where(audit >= self.threshold, np.clip(share, 0.5, 1.0), 0.0)


class SizingRule(Protocol):
    """Scales the size of a trade by what is forecast of it."""

    def share(self, forecasts: Forecasts) -> FloatArray:
        """Share of the size that the audit leaves, shape (n,), each in [0, 1]."""


@dataclass(frozen=True, slots=True)
class FullSize:
    """Full size at every forecast of volatility."""

    def share(self, forecasts: Forecasts) -> FloatArray:
        return np.ones(len(forecasts.start))


@dataclass(frozen=True, slots=True)
class VolatilityTarget:
    """Full size up to a forecast volatility of `volatility_bps` a bar, and beyond it so much less that risk stays.

    Stops are set in average true ranges, so that a trade of one size risks twice as much where bars move twice as far.

    Moreira & Muir, "Volatility-managed portfolios", *J. Finance* 72 (2017), with a cap instead of leverage.
    """

    volatility_bps: float

    def __post_init__(self) -> None:
        if not self.volatility_bps > 0:
            raise ConfigError(
                f"volatility_bps must be positive, was {self.volatility_bps}; an hour of BTC moves about 50 bp"
            )

    def share(self, forecasts: Forecasts) -> FloatArray:
        """At most one; rows without a forecast of volatility get nothing."""
        if forecasts.volatility is None:
            raise ConfigError(
                "sizes follow forecast volatility, and this predictor forecasts none; fit it with a volatility agent "
                "or size with FullSize"
            )
        share = self.volatility_bps / 1e4 / np.maximum(forecasts.volatility, 1e-12)
        return np.where(np.isfinite(forecasts.volatility), np.minimum(share, 1.0), 0.0)
