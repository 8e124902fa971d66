import json
from dataclasses import replace

import numpy as np
import pytest

from tradsys.research.walk.scoring import REFERENCES, Scored, reliability, skill_table
from tradsys.verdict import ForecastOutcomes, Overlap

HOUR = 3_600_000


@pytest.fixture(scope="module")
def scored():
    """Two thousand hours in which the logistic and the decision maker know something and the others do not."""
    rng = np.random.default_rng(0)
    truth = rng.beta(20, 20, (2_000, 2))
    outcomes = ForecastOutcomes(
        (rng.random((2_000, 2)) < truth).astype(float),
        np.full((2_000, 2), 0.05),
        Overlap(np.arange(2_000) * HOUR, HOUR, 12),
    )
    ignorant = np.full((2_000, 2), 0.5)
    wild = np.clip(ignorant + rng.normal(0, 0.05, (2_000, 2)), 0.01, 0.99)
    said = {
        "base_rate": ignorant,
        "volatility_only": wild,
        "logistic": truth,
        "boosted": wild,
        "decision maker": truth,
    }
    return Scored(np.repeat([0, 1], 1_000), np.zeros(2_000, np.int64), outcomes, said)


def test_each_forecaster_is_compared_with_every_reference_but_itself(scored):
    table = skill_table(scored, seed=0)
    rows = {row["name"]: row for row in table["forecasters"]}
    for key, reference in REFERENCES.items():
        assert [name for name, row in rows.items() if row[key] is None] == [reference]
    gain = rows["decision maker"]["over_base"]
    assert gain["low"] > 0
    assert gain["value"] == pytest.approx((table["log_loss_base"] - rows["decision maker"]["log_loss"]) * 1e3)
    assert rows["boosted"]["over_base"]["high"] < gain["low"]
    assert rows["decision maker"]["over_logistic"]["value"] == 0.0


def test_scores_come_with_what_they_rest_on(scored):
    table = skill_table(scored, seed=0)
    assert (table["n"], table["effective_n"]) == (2_000, pytest.approx(100.0))
    assert table["base_rate"] == pytest.approx(scored.outcomes.y.mean())
    gains = [row["over_base"] for row in table["forecasters"] if row["over_base"]]
    assert all(g["n"] == 2_000 and g["block_bars"] >= 12 and g["smallest_visible"] > 0 for g in gains)
    assert table["smallest_visible_gain_millinats"] in [g["smallest_visible"] for g in gains]
    for row in table["forecasters"]:
        low, high = row["intervals"]["brier"]
        assert low <= row["brier"] <= high
        assert set(row["brier_parts"]) == {"reliability", "resolution", "uncertainty", "within"}


def test_too_short_a_history_leaves_the_intervals_open_and_is_plain_json(scored):
    few = np.arange(60)
    outcomes = ForecastOutcomes(
        scored.outcomes.y[few], scored.outcomes.uniqueness[few], scored.outcomes.overlap.rows(few)
    )
    short = replace(
        scored, fold=scored.fold[few], outcomes=outcomes, probability={n: p[few] for n, p in scored.probability.items()}
    )
    table = json.loads(json.dumps(skill_table(short, seed=0), allow_nan=False))
    assert table["smallest_visible_gain_millinats"] is None
    assert table["forecasters"][2]["over_base"]["low"] is None


def test_honest_forecasts_lie_inside_their_bins(scored):
    table = reliability(scored)
    assert set(table) == {"long", "short"}
    assert sum(one["n"] for one in table["long"]) == 2_000
    assert all(one["low"] <= one["predicted"] <= one["high"] for side in table.values() for one in side)
