"""Decisions whose entries rest in the book: what they expect, how they are kept and deployed, and who refuses them."""

from dataclasses import replace

import pytest
from tests.live.deployments import deployment

from tradsys.bundle.deployment import DeployedPortfolio, Deployment
from tradsys.core.errors import BundleError, ConfigError
from tradsys.core.limit_entry import LimitEntry
from tradsys.neighbours.freqtrade import ExportedBundle, export_freqtrade
from tradsys.predictor import Predictor, read_deployment

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


def said_of(predictor, entry: LimitEntry | None) -> Deployment:
    return deployment(
        profile=predictor.profile.name,
        costs=predictor.valuation.costs,
        bands=dict.fromkeys(predictor.features.columns, (0.0, 1.0)),
        portfolio=replace(deployment().portfolio, entry=entry),
        verdict=replace(deployment().verdict, profile=predictor.profile.name),
    )


def test_a_bot_reads_how_it_enters(resting, tmp_path):
    resting.save(tmp_path / "B", deployment=said_of(resting, RESTS).to_dict())
    traded = read_deployment(tmp_path / "B", log=lambda line: None)
    assert traded.deployment.portfolio.entry == traded.predictor.barriers.entry == RESTS


def test_a_deployment_that_enters_otherwise_than_what_decides_is_refused(predictor, resting, tmp_path):
    at_market = replace(predictor, symbols=("A", "B"))
    for name, decides, entry in (("L", resting, None), ("M", at_market, RESTS), ("O", resting, LimitEntry(0.1, 3))):
        decides.save(tmp_path / name, deployment=said_of(decides, entry).to_dict())
        with pytest.raises(BundleError, match=r"the bundle's deployment says entry .*, and what decides in it has"):
            read_deployment(tmp_path / name, log=lambda line: None)


def test_a_deployment_at_the_market_says_nothing_of_entries_and_one_of_before_means_the_market(predictor):
    at_market, limit = said_of(predictor, None), said_of(predictor, RESTS)
    assert "entry" not in at_market.to_dict()["portfolio"]
    assert Deployment.from_dict(at_market.to_dict()) == at_market
    assert limit.to_dict()["portfolio"]["entry"] == {"offset": 0.1, "bars": 2}
    assert Deployment.from_dict(limit.to_dict()) == limit


@pytest.mark.parametrize("entry", [{"offset": 1.5, "bars": 2}, {"offset": 0.1}, "limit"])
def test_an_entry_that_cannot_be_is_refused_by_name(predictor, entry):
    values = said_of(predictor, RESTS).to_dict()
    values["portfolio"]["entry"] = entry
    with pytest.raises(BundleError, match=r"deployment\.portfolio\.entry"):
        Deployment.from_dict(values)


def test_freqtrade_gets_no_strategy_of_it(resting, tmp_path):
    resting.save(tmp_path / "B")
    portfolio = DeployedPortfolio(1.0, 1.0, 10_000.0, ("long", "short"))
    traded = ExportedBundle(tmp_path / "B", resting.profile.name, portfolio, 5.0, "is not proven.", 0)
    with pytest.raises(ConfigError, match="freqtrade fills its strategies' entries by rules of its own"):
        export_freqtrade(traded, tmp_path / "out", pairs=["A=A/USDT", "B=B/USDT"])
