"""What `verdict.json` holds of a judgement: its numbers, and sentences that need what was measured beside it."""

from collections.abc import Mapping, Sequence
from typing import Any

from tradsys.research.judging.trials import Judged
from tradsys.runs.metrics import why_never
from tradsys.verdict.results import JointVerdict, VerdictSpec
from tradsys.verdict.sentences import with_carriers, with_symbols_of_their_own, with_wide_interval
from tradsys.verdict.symbols import carriers, counted


def verdict_json(judged: Judged, metrics: Mapping[str, Any], rules: VerdictSpec) -> dict[str, Any]:
    """The judgement as it is stored.

    A profile that never fired says so, and why; one that is proven beside an interval that covers zero explains it.
    Of a pool, each symbol has its own p, and the few that carry a profit are named.
    """
    stored = judged.judgement.to_dict()
    for name, profile in stored["profiles"].items():
        shown = metrics["profiles"][name]
        low, high = (shown["metrics"]["sharpe"][end] for end in ("low", "high"))
        if profile["verdict"] == "proven" and low is not None and high is not None and low <= 0:
            profile["sentence"] = with_wide_interval(profile["sentence"], low, high, rules)
        if symbols := shown.get("symbols"):
            profile["symbols"] = _by_symbol(symbols, judged.judgement)
            profile["sentence"] = _with_symbols(profile, symbols, rules)
        if shown["n_decisions"] == 0 and (why := why_never(shown["highest_confidence"], shown.get("stayed_out", ""))):
            profile["sentence"] += f"; it never fired: {why}"
    expressed = "these barriers" if metrics.get("universe") is None else "ranks"
    tried = "1 trial" if judged.judgement.n_trials == 1 else f"{judged.judgement.n_trials:,} trials"
    sentence = (
        f"With {judged.judgement.n_days:,} days and {tried} counted, an edge of the kind that {expressed} express, "
        f"below a net Sharpe ratio of {judged.judgement.detectable_sharpe:.1f}, would usually stay unproven."
    )
    return {**stored, "power": sentence, "ledger_head": judged.ledger_head}


def _by_symbol(measured: Sequence[Mapping[str, Any]], judgement: JointVerdict) -> list[dict[str, Any]]:
    """Each symbol's share of the profit and its p; each symbol of every other trial counts, known by number only."""
    total = sum(one["profit_abs"] for one in measured)
    n_others = (judgement.n_trials - len(judgement.profiles)) * len(measured)
    return [
        {
            "symbol": one["symbol"],
            "n_trades": one["n_trades"],
            "profit_share": one["profit_abs"] / total if total > 0 else None,
            "t": one.get("t"),
            "p": None if one.get("t") is None else counted(one["p_own"], one["t"], n_others),
        }
        for one in measured
    ]


def _with_symbols(profile: Mapping[str, Any], measured: Sequence[Mapping[str, Any]], rules: VerdictSpec) -> str:
    """Its sentence, with the few symbols that carry a profit, or that made money where the pool is not proven."""
    sentence: str = profile["sentence"]
    if profile["verdict"] == "refuted" or profile["p"] is None:
        return sentence
    names = carriers({one["symbol"]: one["profit_abs"] for one in measured})
    if names:
        share = sum(one["profit_share"] for one in profile["symbols"] if one["symbol"] in names)
        sentence = with_carriers(sentence, names, share, len(measured))
    own = {one["symbol"]: one["p"] for one in profile["symbols"] if one["p"] is not None and one["p"] <= rules.alpha}
    if own and profile["verdict"] != "proven" and profile["leg"] != "data":
        sentence = with_symbols_of_their_own(sentence, own)
    return sentence
