from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from tests.models.linear.pinball import pinball
from tests.models.panels import panel_of

from tradsys.core.bars import split_symbols
from tradsys.core.costs import Costs
from tradsys.core.errors import BundleError, ConfigError, FitError
from tradsys.data import load_bars
from tradsys.features import FeatureSet
from tradsys.labels import BarrierSpec, volatility_expansion
from tradsys.models.forecaster import Forecaster, Panel, Rows
from tradsys.models.linear.baselines import BaseRate, VolatilityOnly
from tradsys.models.linear.volatility_agent import VolatilityAgent
from tradsys.models.linear.volatility_forecast import VolatilityForecast
from tradsys.research.walk.dataset import Dataset

HORIZON, N_TRAINING = 6, 6000


@pytest.fixture(scope="module")
def market() -> tuple[Panel, Rows]:
    """A market with predictable volatility and no edge, and its first rows to train on."""
    bars = load_bars("simulated:sv-martingale", seed=3).head(10_000)
    data = Dataset.build(bars, timedelta(hours=1), BarrierSpec(horizon=HORIZON), Costs())
    (labels,) = data.labels.values()
    rows = (labels.is_labelled & (np.arange(len(bars)) < N_TRAINING),)
    _, panel = data.panel(FeatureSet.default(), rows, seed=0)
    (frame,) = split_symbols(bars).values()
    value, end = volatility_expansion(frame, horizon=HORIZON)
    panel = replace(panel, expansion=(value,), expansion_end=(end,))
    return panel, tuple(a & b for a, b in zip(rows, panel.usable(), strict=True))


@pytest.fixture(scope="module")
def fitted(market: tuple[Panel, Rows]) -> VolatilityForecast:
    return VolatilityAgent().fit(*market, seed=0)


def late(panel: Panel) -> np.ndarray:
    return panel.usable()[0] & np.isfinite(panel.expansion[0]) & (np.arange(len(panel.X[0])) > N_TRAINING + HORIZON)


def test_skill_is_that_of_the_volatility_only_baseline_and_more(market: tuple[Panel, Rows]) -> None:
    panel, rows = market
    held_out = late(panel)

    def loss(model: Forecaster) -> float:
        z = model.fit(panel, rows, seed=0).logits(panel.X[0])[held_out]
        return 1e3 * float((np.logaddexp(0, z) - panel.y[0][held_out] * z).mean())

    ours, only, base = map(loss, (VolatilityAgent(), VolatilityOnly(), BaseRate()))
    assert base - ours > 15
    assert ours < only


def test_quantiles_hold_what_they_say_on_later_bars(market: tuple[Panel, Rows], fitted: VolatilityForecast) -> None:
    panel, rows = market
    held_out = late(panel)
    told, came = fitted.quantiles(panel.X[0][held_out]), panel.expansion[0][held_out]
    levels = fitted.expansion.levels
    np.testing.assert_allclose((came[:, None] <= told).mean(axis=0), levels, atol=0.05)
    flat = np.tile(np.nanquantile(panel.expansion[0][rows[0]], levels), (len(came), 1))
    assert pinball(told, came, levels).mean() < 0.8 * pinball(flat, came, levels).mean()
    assert (np.diff(told, axis=1) > 0).all()
    np.testing.assert_allclose(fitted.pace(panel.X[0][held_out]), np.exp(told[:, 2]), rtol=1e-12)


def test_barriers_are_reached_as_often_as_forecast(market: tuple[Panel, Rows], fitted: VolatilityForecast) -> None:
    panel, _ = market
    held_out = late(panel)
    told, came = fitted.reach(panel.X[0][held_out]), panel.y[0][held_out].max(axis=1)
    order = np.argsort(told)
    for fifth in np.array_split(order, 5):  # about 130 lives that do not overlap, a standard error of .04
        assert told[fifth].mean() == pytest.approx(came[fifth].mean(), abs=0.1)
    assert told[order[-100:]].mean() - told[order[:100]].mean() > 0.3


def test_both_sides_share_everything_but_their_level() -> None:
    panel = panel_of(3000)
    fitted = VolatilityAgent().fit(panel, panel.usable(), seed=0)
    z = fitted.logits(panel.X[0][50:])
    np.testing.assert_allclose(z[:, 0] - z[:, 1], z[0, 0] - z[0, 1], atol=1e-12)
    assert z[:, 0].std() > 0.05


def test_rows_are_purged_until_their_expansion_is_known() -> None:
    panel = panel_of(3000)
    longer = replace(panel, expansion_end=tuple(end + 200 * 3_600_000 for end in panel.expansion_end))
    first, second = (VolatilityAgent().fit(p, panel.usable(), seed=0).to_files() for p in (panel, longer))
    assert first != second


def test_direction_tells_it_nothing() -> None:
    panel = panel_of(3000)
    fitted = VolatilityAgent().fit(panel, panel.usable(), seed=0)
    moved = panel.X[0].copy()
    moved[:, :2] += 9.0
    for said in (fitted.quantiles, fitted.logits):
        assert said(moved).tobytes() == said(panel.X[0]).tobytes()


def test_a_panel_without_expansion_is_refused() -> None:
    panel = replace(panel_of(500), expansion=(), expansion_end=())
    with pytest.raises(FitError, match=r"this panel has no expansion; add it with labels\.volatility_expansion"):
        VolatilityAgent().fit(panel, panel.usable(), seed=0)


def test_settings_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"levels must rise between 0 and 1, were \(0\.5, 0\.25\)"):
        VolatilityAgent(levels=(0.5, 0.25))
    with pytest.raises(ConfigError, match="n_folds must be at least 2, was 1"):
        VolatilityAgent(n_folds=1)


def test_wrong_columns_and_missing_files_are_refused(fitted: VolatilityForecast) -> None:
    with pytest.raises(ConfigError, match=r"found an array of shape \(3, 2\)"):
        fitted.logits(np.zeros((3, 2)))
    with pytest.raises(BundleError, match=r"needs volatility\.json, found \[\]"):
        VolatilityForecast.from_files({})
