"""Decisions whose entries rest in the book: what they expect, how they are kept, and who does not trade them yet."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.live.deployments import deployment

from tradsys.bundle.deployment import DeployedPortfolio
from tradsys.core.errors import BundleError, ConfigError
from tradsys.core.limit_entry import LimitEntry
from tradsys.neighbours.freqtrade import ExportedBundle, export_freqtrade
from tradsys.predictor import Predictor, read_deployment
from tradsys.research.deploying.deploy import DeployOptions, check_deployable

RESTS = LimitEntry(0.1, 2)


@pytest.fixture
def resting(predictor):
    """The small predictor, entering by limit orders."""
    valuation = replace(predictor.valuation, entry=RESTS)
    return replace(
        predictor, barriers=replace(predictor.barriers, entry=RESTS), valuation=valuation, symbols=("A", "B")
    )


def test_an_entry_that_rests_is_expected_to_pay_the_maker_fee_alone(predictor, resting, bars):
    market, limit = (one.forecast(bars.tail(600)).expected_net for one in (predictor, resting))
    saved = predictor.valuation.costs.taker + 1e-4 - predictor.valuation.costs.maker
    known = ~(market != market)
    assert (limit - market)[known] == pytest.approx(saved)
    assert known.sum() > 500


def test_a_bundle_keeps_how_it_enters_and_one_at_the_market_is_written_as_before(predictor, resting, tmp_path):
    resting.save(tmp_path / "limit")
    loaded = Predictor.load(tmp_path / "limit", log=lambda line: None)
    assert (loaded.barriers.entry, loaded.valuation.entry) == (RESTS, RESTS)
    predictor.save(tmp_path / "market")
    for name in ("settings.json", "valuation.json"):
        assert '"offset"' not in (tmp_path / "market" / name).read_text()
        assert '"offset"' in (tmp_path / "limit" / name).read_text()


def test_no_bot_trades_it_and_says_so(resting, tmp_path):
    said = deployment(
        profile=resting.profile.name,
        bands=dict.fromkeys(resting.features.columns, (0.0, 1.0)),
        verdict=replace(deployment().verdict, profile=resting.profile.name),
    )
    resting.save(tmp_path / "B", deployment=said.to_dict())
    with pytest.raises(BundleError, match=r"cannot be traded: no bot enters by limit orders yet \(portfolio.entry="):
        read_deployment(tmp_path / "B", log=lambda line: None)


def test_a_run_that_enters_so_is_not_deployed():
    run = SimpleNamespace(kind="experiment", name="R", manifest=SimpleNamespace(has_resting_entries=True))
    with pytest.raises(ConfigError, match="R cannot be deployed: no bot enters by limit orders yet"):
        check_deployable(run, Path("not-there"), DeployOptions())


def test_freqtrade_gets_no_strategy_of_it(resting, tmp_path):
    resting.save(tmp_path / "B")
    portfolio = DeployedPortfolio(1.0, 1.0, 10_000.0, ("long", "short"))
    traded = ExportedBundle(tmp_path / "B", resting.profile.name, portfolio, 5.0, "is not proven.", 0)
    with pytest.raises(ConfigError, match="freqtrade fills its strategies' entries by rules of its own"):
        export_freqtrade(traded, tmp_path / "out", pairs=["A=A/USDT", "B=B/USDT"])
