"""What the highest forecasts of each side said, and what was seen: a miscalibration there is what entries live on."""

from collections.abc import Sequence

from tradsys.runs.metrics import ReliabilityBin, RunMetrics


def top_forecast_sentences(metrics: RunMetrics) -> list[str]:
    """A sentence a side: the last bin of its reliability, its share of the forecasts, and whether the two agree."""
    found = ((side, metrics.reliability.get(side, ())) for side in ("long", "short"))
    return [sentence for side, bins in found if (sentence := _sentence(side, bins))]


def _sentence(side: str, bins: Sequence[ReliabilityBin]) -> str:
    if not bins or (top := bins[-1]).predicted is None or top.observed is None:
        return ""
    share = top.n / sum(one.n for one in bins)
    which = "top tenth" if 0.095 <= share < 0.105 else f"top {share:.0%}"
    seen = f"{top.observed:.1%}"
    if top.low is None or top.high is None:
        return f"the {which} of {side} forecasts said {top.predicted:.1%} and saw {seen} (n = {top.n:,})"
    return (
        f"the {which} of {side} forecasts said {top.predicted:.1%} and saw {seen} "
        f"[{top.low:.1%}, {top.high:.1%}] (n = {top.n:,}): {_judged(top.predicted, top.low, top.high)}"
    )


def _judged(said: float, low: float, high: float) -> str:
    if said > high:
        return "they promise too much"
    return "they promise too little" if said < low else "that agrees"
