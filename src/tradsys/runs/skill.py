"""The part of `metrics.json` that scores the forecasts: losses, gains over references, and reliability."""

from collections.abc import Mapping

from tradsys.runs.measurement import MeasuredGain
from tradsys.runs.section import Number, RunSection


class BrierMetrics(RunSection):
    """The Brier score taken apart, as `verdict.reliability.BrierParts` explains it."""

    reliability: Number
    resolution: Number
    uncertainty: Number
    within: Number


class ForecasterMetrics(RunSection):
    """One forecaster's scores over all test blocks; `intervals` are 95%, `over_...` are gains in millinats."""

    name: str
    log_loss: Number
    brier: Number
    auc: Number
    brier_parts: BrierMetrics
    intervals: Mapping[str, tuple[Number, Number]]
    over_base: MeasuredGain | None = None
    over_volatility: MeasuredGain | None = None
    over_logistic: MeasuredGain | None = None
    over_boosted: MeasuredGain | None = None


class SkillMetrics(RunSection):
    """Every forecaster on the same rows; a gain below `smallest_visible_gain_millinats` would not be seen."""

    n: int
    effective_n: Number
    base_rate: Number
    log_loss_base: Number
    smallest_visible_gain_millinats: Number
    forecasters: tuple[ForecasterMetrics, ...]


class ReliabilityBin(RunSection):
    """Like forecasts of one side: their mean, how often it happened with an exact 95% interval, and their number."""

    predicted: Number
    observed: Number
    low: Number
    high: Number
    n: int
    effective_n: Number
