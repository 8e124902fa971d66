"""From tried markets to error rates and power, each with its n and its 95% interval."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from statistics import fmean, median
from typing import Any, Literal

from scipy.special import ndtr

from tradsys.core.time import DAYS_A_YEAR
from tradsys.research.calibration.scenarios import SCENARIOS, Scenario
from tradsys.verdict.delay import KEPT
from tradsys.verdict.reliability import clopper_pearson
from tradsys.verdict.results import VerdictSpec
from tradsys.verdict.sharpe import normal_upper_quantile

type Line = dict[str, Any]
"""The record of one replication, as the results file keeps it."""

OWN = 4
"""Trials of a run by itself: its profiles."""

MARGIN = 0.10
"""How far the power may stay below the formula's."""

FALSELY_PROVEN = 0.05
"""Share of the markets without an edge in which one may be called proven; a scenario's limit is for its upper bound."""

WRONGLY_REFUTED, WRONGLY_REFUTED_LIMIT = 0.01, 0.05
"""Share of the markets with an edge in which a profile that earns may be refuted, and the limit of its upper bound."""

LEGS = {
    "money": ("p_net",),
    "and timing": ("p_net", "p_skill"),
    "and alpha": ("p_net", "p_skill", "p_alpha"),
    "and delay": ("p_net", "p_skill", "p_alpha", "kept_late"),
}
"""The questions of the verdict, one more at a time."""

type RateStanding = Literal["holds", "fails", "n too small to say"]


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of k in n with its Clopper-Pearson interval at 95%."""

    k: int
    n: int
    low: float
    high: float

    @classmethod
    def of(cls, hits: Sequence[bool]) -> "Rate":
        """Of any number of markets; none leave the interval at everything."""
        k, n = sum(hits), len(hits)
        return cls(k, n, *(clopper_pearson(k, n) if n else (0.0, 1.0)))

    @property
    def share(self) -> float:
        """k / n."""
        return self.k / self.n if self.n else float("nan")

    def to_dict(self) -> dict[str, float]:
        """Plain values, rounded to what the interval allows."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def summarise(lines: Sequence[Line]) -> dict[str, Any]:
    """Everything that the page and the reports say of one preset's markets."""
    cells = {
        scenario.name: _scenario_rates(scenario, [x for x in lines if x["cell"] == scenario.name])
        for scenario in SCENARIOS
    }
    is_over = {scenario.name: scenario.truth == "died" for scenario in SCENARIOS if scenario.sharpe is None}
    false = [_is_proven(line, is_over=is_over[line["cell"]]) for line in lines if line["cell"] in is_over]
    return {
        "preset": lines[0]["preset"] if lines else None,
        "n_markets": len(lines),
        "n_code_versions": len({line["code"] for line in lines}),
        "false_proven": Rate.of(false).to_dict(),
        "cells": {name: summary for name, summary in cells.items() if summary["n"]},
    }


def power_formula(sharpe: float, n_days: int, n_trials: int, alpha: float = VerdictSpec().alpha) -> float:
    """Phi(S sqrt(years) - z(1 - alpha / K)): what the best of K trials could reach."""
    return float(ndtr(sharpe * sqrt(n_days / DAYS_A_YEAR) - normal_upper_quantile(alpha, n_trials)))


def size_standing(rate: Rate, most: float, limit: float) -> RateStanding:
    """Whether the rate's upper bound is within the limit, its lower bound above `most`, or n too small for either."""
    return "holds" if rate.high <= limit else "fails" if rate.low > most else "n too small to say"


def power_standing(rate: Rate, least: float) -> RateStanding:
    """The same for a power that must reach the least."""
    return "holds" if rate.low >= least else "fails" if rate.high < least else "n too small to say"


def _scenario_rates(scenario: Scenario, lines: Sequence[Line]) -> dict[str, Any]:
    judged = [line for line in lines if "refused" not in line]
    among = [line["among"] for line in judged if "among" in line]
    n_days = round(median(line["n_days"] for line in judged)) if judged else 0
    is_over = scenario.truth == "died"
    proven = {OWN: Rate.of([_is_proven(line, is_over=is_over) for line in lines])}
    own = dict(proven)
    for n_trials in sorted({int(k) for one in among for k in one}):
        proven[n_trials] = Rate.of([one[str(n_trials)]["any"] for one in among])
        own[n_trials] = Rate.of([bool(one[str(n_trials)]["own"]) for one in among])
    silent = [line["silent_folds"] / 6 for line in judged if line["silent_folds"] is not None]
    summary: dict[str, Any] = {
        "n": len(lines),
        "n_days": n_days,
        "proven": {str(k): rate.to_dict() for k, rate in proven.items()},
        "refused": Rate.of(["refused" in line for line in lines]).to_dict(),
        "until": Rate.of([_is_any(line, "proven") and not _is_proven(line, is_over=True) for line in lines]).to_dict(),
        "refuted": Rate.of([_is_any(line, "refuted") for line in lines]).to_dict(),
        "legs": {name: _passing(lines, asked).to_dict() for name, asked in LEGS.items()},
        "shorter": _shorter(judged),
        "mean_sharpe": _mean_sharpe(judged),
        "silent_share_of_folds": round(fmean(silent), 4) if silent else None,
        "cpu_s": round(median(line["cpu_s"] for line in lines), 2) if lines else None,
    }
    if scenario.sharpe is None:
        standing = {str(k): size_standing(rate, FALSELY_PROVEN, scenario.limit) for k, rate in proven.items()}
        return summary | {"limit": scenario.limit, "standing": standing}
    formula = {k: power_formula(scenario.sharpe, n_days, k) for k in own}
    wrongly = Rate.of([_is_wrongly_refuted(line, summary["mean_sharpe"]) for line in judged])
    summary |= {
        "own_proven": {str(k): rate.to_dict() for k, rate in own.items()},
        "formula": {str(k): round(value, 4) for k, value in formula.items()},
        "standing": {str(k): power_standing(rate, formula[k] - MARGIN) for k, rate in own.items()},
        "wrongly_refuted": wrongly.to_dict(),
        "wrongly_refuted_standing": size_standing(wrongly, WRONGLY_REFUTED, WRONGLY_REFUTED_LIMIT),
    }
    if scenario.least_power is not None:
        summary |= {"least": scenario.least_power, "least_standing": power_standing(own[OWN], scenario.least_power)}
    return summary


def _passing(lines: Sequence[Line], asked: Sequence[str]) -> Rate:
    """How often one of the profiles passes all of these questions; older lines that did not ask them are left out."""
    knowing = [line for line in lines if all(key in one for one in line["profiles"].values() for key in asked)]
    return Rate.of([any(_passes(one, asked) for one in line["profiles"].values()) for line in knowing])


def _passes(profile: Line, asked: Sequence[str]) -> bool:
    """Whether there was enough of a record to ask anything, and all of these answers are good ones."""
    alpha = VerdictSpec().alpha
    if any(profile[key] is None for key in asked):
        return False
    if "kept_late" in asked and (profile["kept_late"] < KEPT or (profile.get("p_late") or 0.0) > alpha):
        return False
    return all(profile[key] <= alpha for key in asked if key != "kept_late")


def _shorter(lines: Sequence[Line]) -> dict[str, dict[str, dict[str, float]]]:
    """By days of history: any profile proven, any refuted; the minimum of days is waived."""
    return {
        days: {
            verdict: Rate.of([verdict in line["shorter"][days].values() for line in lines]).to_dict()
            for verdict in ("proven", "refuted")
        }
        for days in (lines[0]["shorter"] if lines else ())
    }


def _mean_sharpe(lines: Sequence[Line]) -> dict[str, float]:
    names = lines[0]["profiles"] if lines else {}
    seen = {name: [x["profiles"][name]["sharpe"] for x in lines] for name in names}
    return {name: round(fmean([s or 0.0 for s in values]), 3) for name, values in seen.items()}


def _is_any(line: Line, verdict: str) -> bool:
    return any(profile["verdict"] == verdict for profile in line["profiles"].values())


def _is_proven(line: Line, *, is_over: bool) -> bool:
    """Whether a profile is called proven; where its edge `is_over`, proven until a date is no error."""
    return any(one["verdict"] == "proven" and not (is_over and one.get("until")) for one in line["profiles"].values())


def _is_wrongly_refuted(line: Line, mean_sharpe: dict[str, float]) -> bool:
    """A profile is refuted although over all the scenario's markets it earns money."""
    return any(p["verdict"] == "refuted" and mean_sharpe[name] > 0 for name, p in line["profiles"].items())
