"""What `verdict.json` holds of a judgement: its numbers, and sentences that need what was measured beside it."""

from collections.abc import Mapping
from typing import Any

from tradsys.research.judging.trials import Judged
from tradsys.runs.metrics import why_never
from tradsys.verdict.results import VerdictSpec
from tradsys.verdict.sentences import with_wide_interval


def verdict_json(judged: Judged, metrics: Mapping[str, Any], rules: VerdictSpec) -> dict[str, Any]:
    """The judgement as it is stored.

    A profile that never fired says so, and why; one that is proven beside an interval that covers zero explains it.
    """
    stored = judged.judgement.to_dict()
    for name, profile in stored["profiles"].items():
        shown = metrics["profiles"][name]
        low, high = (shown["metrics"]["sharpe"][end] for end in ("low", "high"))
        if profile["verdict"] == "proven" and low is not None and high is not None and low <= 0:
            profile["sentence"] = with_wide_interval(profile["sentence"], low, high, rules)
        if shown["n_decisions"] == 0 and (why := why_never(shown["highest_confidence"], shown.get("stayed_out", ""))):
            profile["sentence"] += f"; it never fired: {why}"
    tried = "1 trial" if judged.judgement.n_trials == 1 else f"{judged.judgement.n_trials:,} trials"
    sentence = (
        f"With {judged.judgement.n_days:,} days and {tried} counted, an edge of the kind that these barriers express, "
        f"below a net Sharpe ratio of {judged.judgement.detectable_sharpe:.1f}, would usually stay unproven."
    )
    return {**stored, "power": sentence, "ledger_head": judged.ledger_head}
