"""The journal's claims, and what became of each when it was run again."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any, Literal

import numpy as np
from scipy.special import stdtrit

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.time import DAY_MS, DAYS_A_YEAR
from tradsys.research.claims.cache import ResultCache
from tradsys.research.claims.fits import TRADES, daily_returns
from tradsys.research.claims.forecasts import VariantForecasts
from tradsys.research.claims.variants import BCE, CHALLENGER, CONTROL, FIXED, FOCAL, FOCAL_RAW, GOLDEN, SUPCON, TRIAL0
from tradsys.verdict.confidence_set import model_confidence_set
from tradsys.verdict.reliability import clopper_pearson
from tradsys.verdict.scores import auc, log_loss
from tradsys.verdict.skill import Estimate, Overlap, estimate

type ClaimStanding = Literal["holds", "does not hold", "not shown"]


@dataclass(frozen=True, slots=True)
class LossDifference:
    """How much less one loses than the other, in the units of the losses, with a 95% interval.

    `n_seeds` of each; `n_ahead` of the `n_paired` seeds that both were run with favour the first. `n_blocks` blocks of
    time stand behind the interval; where there are too few of them, it is None.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    n_blocks: int
    n_seeds: tuple[int, int]
    n_paired: int
    n_ahead: int

    @property
    def standing(self) -> ClaimStanding:
        """What it says of "the first is better": its interval lies above zero, below zero, or neither."""
        if self.low is None or self.high is None:
            return "not shown"
        if self.low > 0:
            return "holds"
        return "does not hold" if self.high < 0 else "not shown"


def loss_difference(
    one: FloatArray, other: FloatArray, overlap: Overlap, *, fixed: tuple[bool, bool] = (False, False)
) -> LossDifference:
    """How much less one loses than the other, of losses (n_seeds, n); `fixed` are forecasters that no seed changes.

    Two things may turn out otherwise. Other times: the block bootstrap of the difference of the losses, each averaged
    over seeds. Other seeds: Student's interval of the two means over seeds. Their half-widths add as squares. Where
    something random was run with one seed only, there is no interval.
    """
    value = estimate(other.mean(axis=0) - one.mean(axis=0), overlap, seed=0)
    margin = _seed_margin(
        [losses.mean(axis=1) for losses, is_fixed in zip((one, other), fixed, strict=True) if not is_fixed]
    )
    n_paired = min(len(one), len(other))
    ahead = int((other[:n_paired].mean(axis=1) > one[:n_paired].mean(axis=1)).sum())
    low, high = _widened(value, margin)
    seeds = (len(one), len(other))
    return LossDifference(value.value, low, high, value.n, value.n_blocks, seeds, n_paired, ahead)


def _seed_margin(means: list[FloatArray]) -> float | None:
    """Half-width of the 95% interval that the choice of seeds alone leaves."""
    if not means:
        return 0.0
    if min(map(len, means)) < 2:
        return None
    variance = sum(float(np.var(mean, ddof=1)) / len(mean) for mean in means)
    return float(stdtrit(min(map(len, means)) - 1, 0.975)) * sqrt(variance)


def _widened(value: Estimate, margin: float | None) -> tuple[float | None, float | None]:
    if margin is None or value.low is None or value.high is None:
        return None, None
    return value.value - sqrt((value.value - value.low) ** 2 + margin**2), value.value + sqrt(
        (value.high - value.value) ** 2 + margin**2
    )


LEVEL = 0.1
"""The model confidence set holds the best model with a probability of 1 minus this."""


@dataclass(frozen=True, slots=True)
class Claim:
    """That `better` forecasts or earns more than `worse`; `is_raw` compares probabilities before any calibration."""

    text: str
    better: str
    worse: str
    is_raw: bool = False


FORECASTS = (
    Claim("Focal loss forecasts better than cross-entropy", FOCAL, BCE),
    Claim("What a focal loss puts out is as good as its inverse", FOCAL_RAW, FOCAL, is_raw=True),
    Claim("Supervised contrast forecasts better than focal loss", SUPCON, FOCAL),
    Claim("Supervised contrast forecasts better than cross-entropy", SUPCON, BCE),
    Claim("Contrastive training beats the same probe on an untrained encoder", SUPCON, CONTROL),
    Claim("The golden configuration beats the baseline", GOLDEN, FOCAL),
    Claim("The tuner's first choice beats the baseline", TRIAL0, FOCAL),
    Claim("The challenger beats the baseline", CHALLENGER, FOCAL),
    Claim("The challenger beats the golden configuration", CHALLENGER, GOLDEN),
    Claim("The baseline network beats the linear model", FOCAL, "logistic"),
)
PROFILES = (
    Claim("AUDITED earns more than SNIPER", "AUDITED", "SNIPER"),
    Claim("AUDITED earns more than RECKLESS: the auditor pays", "AUDITED", "RECKLESS"),
    Claim("SNIPER earns more than RECKLESS: patience pays", "SNIPER", "RECKLESS"),
    Claim("EDGE earns more than SNIPER", "EDGE", "SNIPER"),
)


def forecast_results(forecasts: VariantForecasts) -> dict[str, Any]:
    """Table, claims and confidence set of the forecasts; gains in millinats."""
    outcomes = forecasts.outcomes
    raw, calibrated = (
        {name: np.stack([log_loss(p, outcomes.y) for p in values]) for name, values in probabilities.items()}
        for probabilities in (forecasts.raw, forecasts.calibrated)
    )
    claims = [_tested(claim, raw if claim.is_raw else calibrated, outcomes.overlap, 1e3) for claim in FORECASTS]
    return {
        "n": outcomes.n,
        "effective_n": outcomes.effective_n,
        "base_rate": outcomes.base_rate,
        "table": [_row(name, forecasts, raw, calibrated) for name in forecasts.raw],
        "claims": [claim for claim in claims if claim],
        "confidence_set": _confidence_set(calibrated, outcomes.overlap),
        "training": {name: _training(fits) for name, fits in forecasts.fits.items()},
    }


def profile_results(cache: ResultCache, seeds: Sequence[int], step_ms: int = DAY_MS) -> dict[str, Any] | None:
    """Table, claims and confidence set of the profiles' daily net returns; differences in percent a year."""
    own = [seed for seed in seeds if cache.has(TRADES, seed)]
    if not own:
        return None
    names: list[str] = cache.get(TRADES, own[0])[1]["profiles"]
    days = daily_returns(cache, names[0], own)[0]
    losses = {name: -daily_returns(cache, name, own)[1] for name in names}
    overlap = Overlap(days * DAY_MS, step_ms, 1)
    claims = [_tested(claim, losses, overlap, DAYS_A_YEAR * 100) for claim in PROFILES]
    return {
        "n_days": len(days),
        "table": [_profile_row(cache, name, own, losses[name], overlap) for name in names],
        "claims": [claim for claim in claims if claim],
        "confidence_set": _confidence_set(losses, overlap),
    }


def _tested(claim: Claim, losses: Mapping[str, FloatArray], overlap: Overlap, unit: float) -> dict[str, Any] | None:
    """A claim with its numbers; None where one of the two has not been run."""
    if claim.better not in losses or claim.worse not in losses:
        return None
    fixed = (claim.better in FIXED, claim.worse in FIXED)
    found = loss_difference(losses[claim.better], losses[claim.worse], overlap, fixed=fixed)
    return {"text": claim.text, "better": claim.better, "worse": claim.worse, **_numbers(found, unit)}


def _numbers(found: LossDifference, unit: float) -> dict[str, Any]:
    scaled = {key: None if (x := getattr(found, key)) is None else x * unit for key in ("value", "low", "high")}
    return {**asdict(found), **scaled, "standing": found.standing}


def _row(
    name: str, forecasts: VariantForecasts, raw: Mapping[str, FloatArray], calibrated: Mapping[str, FloatArray]
) -> dict[str, Any]:
    y, overlap, fixed = forecasts.outcomes.y, forecasts.outcomes.overlap, (name in FIXED, True)
    areas = [area for p in forecasts.raw[name] if (area := auc(p, y)) is not None]
    row = {
        "name": name,
        "n_seeds": len(forecasts.seeds[name]),
        "raw": _numbers(loss_difference(raw[name], raw["base_rate"], overlap, fixed=fixed), 1e3),
        "auc": float(np.mean(areas)) if areas else None,
    }
    if name in calibrated:
        row["calibrated"] = _numbers(
            loss_difference(calibrated[name], calibrated["base_rate"], overlap, fixed=fixed), 1e3
        )
    return row


def _profile_row(
    cache: ResultCache, name: str, seeds: Sequence[int], losses: FloatArray, overlap: Overlap
) -> dict[str, Any]:
    pnl = [cache.get(TRADES, seed)[0][f"{name}.pnl"] for seed in seeds]
    n_trades, n_wins = (round(float(np.mean([count(p) for p in pnl]))) for count in (len, lambda p: (p > 0).sum()))
    low, high = clopper_pearson(n_wins, n_trades) if n_trades else (None, None)
    return {
        "name": name,
        "n_seeds": len(seeds),
        "return": _numbers(
            loss_difference(losses, np.zeros_like(losses[:1]), overlap, fixed=(False, True)), DAYS_A_YEAR * 100
        ),
        "n_trades": n_trades,
        "win_rate": n_wins / n_trades if n_trades else None,
        "win_rate_low": low,
        "win_rate_high": high,
    }


def _confidence_set(losses: Mapping[str, FloatArray], overlap: Overlap) -> dict[str, Any]:
    """p-values of the model confidence set over mean daily losses, each averaged over its seeds."""
    days: IntArray = overlap.start // DAY_MS - overlap.start.min() // DAY_MS
    counts = np.bincount(days)
    held = counts > 0
    daily = [np.bincount(days, weights=values.mean(axis=0))[held] / counts[held] for values in losses.values()]
    found = model_confidence_set(np.column_stack(daily))
    return {
        "level": LEVEL,
        "n_days": int(held.sum()),
        "p": dict(zip(losses, found.p_values.tolist(), strict=True)),
        "inside": [name for name, inside in zip(losses, found.contains(LEVEL), strict=True) if inside],
    }


def _training(fits: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the fits of one variant recorded, averaged over folds and seeds."""
    names = sorted({name for fit in fits for name in fit["record"]})
    return {
        "n_fits": len(fits),
        "n_kept": sum(bool(fit["is_kept"]) for fit in fits),
        "n_diverged": sum(str(fit["training"]).startswith("diverged") for fit in fits),
        "record": {name: float(np.mean([fit["record"][name] for fit in fits])) for name in names},
    }
