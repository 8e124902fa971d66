"""What `metrics.json` says of drift and of importance in the synthetic run."""

from typing import Any


def _increase(value: float, low: float | None, high: float | None) -> dict[str, Any]:
    return {"millinats": value, "low": low, "high": high, "n_blocks": 40}


def _giveaway(column: str, share: float, shift: float, spread: float) -> dict[str, Any]:
    return {"column": column, "share": share, "shift": shift, "spread": spread}


def measured_gain(value: float, low: float | None, high: float | None) -> dict[str, Any]:
    """A gain in millinats as `metrics.json` holds it."""
    sizes = {"n": 12_000, "n_blocks": 40, "block_bars": 24, "smallest_visible": 0.4}
    return {"value": value, "low": low, "high": high, **sizes}


ADVERSARIAL: dict[str, Any] = {
    "sentence": "The test blocks look unlike what was trained on: AUC 0.58 [0.52, 0.63]; mostly parkinson_168_to_atr.",
    "auc": {"value": 0.58, "low": 0.52, "high": 0.63},
    "ordinary": 0.55,
    "excess": {"value": 0.03, "low": -0.01, "high": 0.07},
    "giveaways": [_giveaway("parkinson_168_to_atr", 0.61, -0.52, 0.81), _giveaway("ret_168", 0.2, 0.11, 1.4)],
    "folds": [
        {"fold": k, "auc": auc, "ordinary": ordinary, "n_stretches": k + 2, "giveaways": []}
        for k, (auc, ordinary) in enumerate([(0.61, None), (0.55, 0.52), (0.49, 0.55), (0.64, 0.58)])
    ],
    "gap_bars": 400,
}

IMPORTANCE: dict[str, Any] = {
    "clusters": [
        {
            "name": "rsi_14",
            "columns": ["ret_12", "rsi_14", "macd_12_26_9"],
            "deciding": _increase(1.31, 0.4, 2.2),
            "boosted": _increase(0.62, -0.2, 1.5),
            "gain": {"share": 0.62, "least": 0.4, "most": 0.8},
        },
        {
            "name": "wick_1",
            "columns": ["wick_1"],
            "deciding": _increase(-0.11, -0.5, 0.3),
            "boosted": _increase(-0.3, -0.5, -0.1),
            "gain": {"share": 0.3, "least": 0.1, "most": 0.5},
        },
        {
            "name": "season_now",
            "columns": ["season_now"],
            "deciding": _increase(-0.2, None, None),
            "boosted": None,
            "gain": None,
        },
    ],
    "deciders": {"logistic": 3, "transformer": 1},
    "n": 51_600,
    "cut": 0.5,
}

UNKNOWN_BASE: dict[str, Any] = {"over_base_with": None, "over_base_without": None}
FAMILIES: dict[str, Any] = {
    "forecaster": "logistic",
    "n": 12_000,
    "families": [
        {
            "family": "macro",
            "columns": ["macro_vix_size1", "macro_vix_age"],
            "gain": measured_gain(-0.8, -1.4, -0.2),
            "over_base_with": 0.1,
            "over_base_without": 0.9,
        },
        {
            "family": "book",
            "columns": ["book_<b>"],
            "gain": measured_gain(0.5, -0.1, 1.1),
            "over_base_with": 0.1,
            "over_base_without": -0.4,
        },
        {"family": "flow", "columns": ["flow_x"], "gain": measured_gain(1.0, 0.4, 1.6)} | UNKNOWN_BASE,
        {"family": "rank", "columns": ["rank_x"], "gain": measured_gain(0.2, None, None)} | UNKNOWN_BASE,
    ],
}

SUPERVISOR: dict[str, Any] = {
    "states": [
        {"name": "risk-on", "share": 0.412},
        {"name": "neutral", "share": 0.31},
        {"name": "risk-off", "share": 0.25},
        {"name": "not known", "share": 0.028},
    ],
    "pairs": [
        {
            "profile": "SNIPER",
            "supervised": "SNIPER_MACRO",
            "risk_off_size": 0.0,
            "without": {"profit_total": 0.2, "sharpe": 0.9, "max_drawdown_account": 0.14, "total_trades": 300},
            "with": {"profit_total": 0.12, "sharpe": 0.8, "max_drawdown_account": 0.09, "total_trades": 221},
            "difference": {"value": -0.03, "low": -0.09, "high": 0.031, "n_days": 900, "n_blocks": 45},
        },
        {
            "profile": "EDGE",
            "supervised": "EDGE_MACRO",
            "risk_off_size": 0.5,
            "without": {"profit_total": -0.2, "sharpe": -0.9, "max_drawdown_account": 0.34, "total_trades": 900},
            "with": {"profit_total": -0.1, "sharpe": -0.5, "max_drawdown_account": 0.29, "total_trades": 900},
            "difference": {"value": 0.05, "low": 0.011, "high": 0.09, "n_days": 900, "n_blocks": 45},
        },
    ],
}
