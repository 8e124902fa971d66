"""Runs with funding and borrowing: one cost in labels, trades, decisions, bundle and replay, and no look-ahead."""

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from tests.research.leaky import OneColumn, quick_experiment
from tests.research.markets import market_of

from tradsys.backtest.cost_breakdown import cost_breakdown
from tradsys.cli.app import main
from tradsys.cli.summary import cost_lines
from tradsys.core.carry import COLUMNS
from tradsys.core.costs import Costs
from tradsys.core.errors import DataError
from tradsys.core.outside import outside_values
from tradsys.core.time import HOUR_MS, to_ms
from tradsys.data.outside import funding
from tradsys.data.outside.funding import FundingFile
from tradsys.data.outside.source import attach_outside
from tradsys.data.simulate import simulate
from tradsys.features.feature_set import FeatureSet
from tradsys.features.momentum import LogReturns
from tradsys.features.stream.feature_stream import bars_of
from tradsys.journal.ledger import Ledger
from tradsys.predictor import Predictor
from tradsys.predictor.live import LivePredictor
from tradsys.research.judging.rejudge import Replay
from tradsys.research.lookahead.lookahead import look_ahead, look_ahead_sample
from tradsys.research.procedures.experiment import labels_frame
from tradsys.research.ranking.market_neutral import market_neutral_from
from tradsys.research.run import run
from tradsys.research.tuning.objective import Span, seed_score
from tradsys.research.tuning.out_of_fold import FoldFit, FoldFitter
from tradsys.research.walk.experiment import run_experiment
from tradsys.settings.config import RunConfig
from tradsys.settings.market import configured_market

QUICK = {
    "agent": {"name": "logistic"},
    "regimes": {"n_starts": 2},
    "folds": {"path_groups": 0},
    "features": {"names": ["rsi", "macd", "volatility_ratios"]},
}


def table(bars, *, hours=8, seed=0):
    """Rates around 2 bp, from a day before the bars on, at every multiple of the interval."""
    first = bars["ts"][0] - timedelta(days=1)
    times = [first + timedelta(hours=hours * i) for i in range((len(bars) + 48) // hours)]
    rates = np.random.default_rng(seed).normal(2e-4, 3e-4, len(times))
    return pl.DataFrame({"funding_time": times, "rate": rates, "interval_hours": float(hours)})


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("funding")
    bars = simulate("edge:3", seed=5, n_bars=6_000)
    bars.write_parquet(folder / "EDGE-1h.parquet")
    table(bars).write_csv(folder / "funding.csv")
    return folder


@pytest.fixture(scope="module")
def config(place):
    files = {"files": [str(place / "funding.csv")]}
    return RunConfig(**QUICK, costs={"borrow_bps_per_year": 600.0, "slippage_bps": 1.0}, funding=files)


@pytest.fixture(scope="module")
def market(place, config):
    return configured_market([place / "EDGE-1h.parquet"], config)


@pytest.fixture(scope="module")
def finished(place, config, market):
    return run(market, config, root=place / "runs", ledger=Ledger(place / "journal" / "ledger.jsonl"))


def test_every_trade_earned_what_its_label_says(finished):
    trades = pl.read_parquet(finished.folder / "trades.parquet").with_columns(pl.col("side").cast(pl.Int8))
    labels = pl.read_parquet(finished.folder / "labels.parquet")
    both = trades.join(labels, left_on=["symbol", "decided", "side"], right_on=["symbol", "start", "side"])
    assert len(both) == len(trades) > 100
    assert (both["net"] - both["net_return"]).abs().max() < 1e-12
    assert both["funding_quote"].abs().sum() > 1
    shorts = both.filter(pl.col("side") < 0)
    assert (shorts["borrow_quote"] > 0).all()
    assert (both.filter(pl.col("side") > 0)["borrow_quote"] == 0).all()


def test_a_replay_is_the_run_and_the_bundle_decides_alike(finished, market):
    stored = Replay(finished.folder)
    for profile in stored.spec.profiles:
        mine = pl.read_parquet(finished.folder / "trades.parquet").filter(pl.col("profile") == profile.name)
        assert stored.simulate(profile).trades.equals(mine.drop("profile"))
    predictor = Predictor.load(finished.folder / "bundle")
    assert predictor.valuation.holding is not None
    bars = market.frames()["EDGE"][-predictor.lookback - 50 :]
    said = pl.read_parquet(finished.folder / "forecasts.parquet").filter(pl.col("side") == 1)
    again = predictor.forecast(market.frames()["EDGE"])
    rows = np.searchsorted(again.start, said["start"].dt.epoch("ms").to_numpy())
    last = said["fold"].to_numpy() == said["fold"].max()
    assert np.allclose(again.expected_net[rows, 0][last], said["expected_net"].to_numpy()[last], rtol=1e-9)
    live = LivePredictor(predictor)
    live.warm(bars[:-20])
    for bar in bars_of(bars)[-20:]:
        decided = live.step(bar)
    assert (decided.action, decided.side) == (predictor.decide(bars).action, predictor.decide(bars).side)
    with pytest.raises(DataError, match="wanted bars with a column funding_due, found none from outside"):
        predictor.decide(bars.drop(COLUMNS))


def test_a_live_predictor_expects_what_the_batch_expects(finished, market):
    """To 1e-6 of the price: its average true range began elsewhere."""
    predictor = Predictor.load(finished.folder / "bundle")
    bars = market.frames()["EDGE"][-predictor.lookback - 30 :]
    live = LivePredictor(predictor)
    live.warm(bars[:-9])
    for bar in bars_of(bars)[-9:]:
        live.step(bar)
    assert np.array_equal(predictor.valuation.holding_cost(live._last), predictor.valuation.holding_cost(bars)[-1:])


def test_the_run_says_what_it_paid_and_by_which_rules(finished):
    notes = finished.metrics.assumptions
    assert any(note.startswith("Funding is what the exchange settled") for note in notes)
    assert "Borrowing costs a short 600 bp a year for as long as it is held." in notes
    assert any("funding of EDGE: 756 settlements, every 8 hours, from" in note for note in notes)
    assert not any(note.startswith("Rows of bars where such a column") for note in notes)
    trades = pl.read_parquet(finished.folder / "trades.parquet")
    (line, *_) = cost_lines(Replay(finished.folder))
    name = trades["profile"][0]
    mine = trades.filter(pl.col("profile") == name)
    one = cost_breakdown(mine, Costs(slippage_bps=1.0, borrow_bps_per_year=600.0))
    assert line == f"  costs of {name}: {one.sentence}"
    assert one.fees == pytest.approx(mine["fees_quote"].sum())
    exits = mine["size_base"] * mine["exit_price"]
    market_legs = mine["notional_quote"].sum() + exits.filter(mine["reason"] != "target").sum()
    assert one.slippage == pytest.approx(market_legs * 1e-4)
    assert one.funding == pytest.approx(mine["funding_quote"].sum())
    assert one.borrow == pytest.approx(mine["borrow_quote"].sum())
    lost = mine["notional_quote"] * mine["gross_return"] - mine["pnl_quote"]
    assert sum(one.parts.values()) == pytest.approx(lost.sum())


def test_the_report_has_a_row_of_costs_a_profile(finished):
    from tradsys.report import render

    page = render(finished.folder).read_text()
    assert "What trading cost" in page
    assert page.index("Borrowing</th>") > page.index("Funding</th>") > page.index("Slippage</th>")


def test_decisions_expect_the_funding_that_is_known(market, finished):
    """Without the rates the same predictor expects more of whoever pays, by less than a horizon of settlements."""
    predictor = Predictor.load(finished.folder / "bundle")
    bars = market.frames()["EDGE"][-2_000:]
    free = replace(predictor, valuation=replace(predictor.valuation, holding=None))
    lost = (free.forecast(bars).expected_net - predictor.forecast(bars).expected_net)[predictor.lookback :]
    known = bars["funding_rate"].to_numpy()[predictor.lookback :]
    assert np.corrcoef(lost[:, 0], known)[0, 1] > 0.5
    assert np.abs(lost[:, 0]).max() < np.abs(known).max() * 4
    borrowed = lost[:, 0] + lost[:, 1]
    assert (borrowed > 0).all()


def test_borrowing_is_part_of_what_is_tried_and_a_table_of_funding_part_of_the_data():
    plain = RunConfig()
    assert plain.digest == RunConfig(costs={"borrow_bps_per_year": 0.0}, funding={"files": "x.csv"}).digest
    assert plain.digest != RunConfig(costs={"borrow_bps_per_year": 1.0}).digest
    assert (
        market_neutral_from(plain).digest != market_neutral_from(RunConfig(costs={"borrow_bps_per_year": 1.0})).digest
    )


def test_a_predictor_without_carry_says_so_in_its_bundle(tmp_path):
    market, spec = market_of("noise", 4), quick_experiment()
    predictor = run_experiment(market, spec).results[-1].predictor
    predictor.save(tmp_path / "bundle")
    valuation = json.loads((tmp_path / "bundle" / "valuation.json").read_text())
    assert valuation["holding"] is None
    assert valuation["costs"]["borrow_bps_per_year"] == 0.0
    assert Predictor.load(tmp_path / "bundle").valuation.holding is None


def funded(seed, hours=8):
    """A small market with its funding attached."""
    plain = market_of("edge:3", seed, 3_000)
    return plain, FundingFile("X", "funding.csv"), table(plain.bars, hours=hours, seed=seed)


@pytest.fixture
def attached(tmp_path):
    def of(seed, hours=8):
        plain, _, told = funded(seed, hours)
        told.write_csv(tmp_path / "funding.csv")
        return attach_outside(plain, [FundingFile("X", str(tmp_path / "funding.csv"))])

    return of


COSTLY = {"costs": Costs(borrow_bps_per_year=900.0)}


@pytest.mark.parametrize("hours", [8, 4, 1])
def test_a_run_with_funding_and_borrowing_sees_no_future(attached, hours):
    spec = quick_experiment(**COSTLY)
    outcome = run_experiment(attached(4, hours), spec)
    assert any(len(one.trades) and one.trades["funding_quote"].abs().sum() for one in outcome.simulations.values())
    assert look_ahead(outcome, spec, n_points=3).findings == ()
    assert look_ahead_sample(outcome, spec).findings == ()


def test_a_rate_that_is_known_before_it_settled_is_caught(attached, monkeypatch):
    honest = funding.settle

    def early(ts, bar_ms, settlements):
        shifted = settlements._replace(times=settlements.times - 8 * HOUR_MS)
        told = honest(ts, bar_ms, shifted)
        return honest(ts, bar_ms, settlements)._replace(rate=told.rate)

    monkeypatch.setattr(funding, "settle", early)
    spec = quick_experiment(**COSTLY)
    found = look_ahead_sample(run_experiment(attached(4), spec), spec).findings
    assert [(one.part, one.column, one.bars_ahead) for one in found] == [("funding known", "funding_rate", 8)]


class NextRate(OneColumn):
    """What will be due at the next open: nobody knows it at the close."""

    name = "next_rate"

    def values(self, bars, log_close):
        return np.append(outside_values(bars, "funding_due")[1:], 0.0)


def test_a_feature_that_reads_the_next_settlement_is_caught(attached):
    spec = quick_experiment(features=FeatureSet((LogReturns((1, 3)), NextRate())), **COSTLY)
    found = look_ahead(run_experiment(attached(4), spec), spec, n_points=12).findings
    assert any((one.part, one.column) == ("features", "next_rate") for one in found)


def test_tuning_scores_what_was_paid(attached):
    market = attached(2)
    config = RunConfig(**QUICK, labels={"horizon": 6}, costs={"borrow_bps_per_year": 900.0})
    span = Span(to_ms(market.bars["ts"][0]), to_ms(market.bars["ts"][-1]), HOUR_MS)

    def growth(of):
        said = FoldFitter(of).fit_each([FoldFit(config, fold) for fold in range(2)])
        spec = quick_experiment(costs=Costs(borrow_bps_per_year=900.0))
        return said, seed_score(said, spec, "growth", span)

    said, with_rates = growth(market)
    _, without = growth(replace(market, bars=market.bars.drop(COLUMNS)))
    assert said[0].funding.shape == (len(said[0].start), 3)
    assert with_rates.by_fold != without.by_fold


def test_labels_frame_keeps_its_columns(attached):
    outcome = run_experiment(attached(3), quick_experiment(**COSTLY))
    assert "net" in labels_frame(outcome).columns


def test_the_command_line_refuses_what_is_missing_or_double(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    common = ["run", "--bars", "EDGE-1h.parquet", "--agent", "logistic"]
    told = pl.read_csv("funding.csv")
    pl.concat([told[:100], told[110:]]).write_csv("holed.csv")
    assert main([*common, "--funding", "holed.csv"]) == 3
    assert "funding of EDGE is missing from" in capsys.readouterr().err
    assert main([*common, "--funding", "OTHER=funding.csv"]) == 2
    assert "funding.csv holds the funding of OTHER; say which with SYMBOL=FILE, one of EDGE" in capsys.readouterr().err
    assert main([*common, "--funding", "funding.csv", "--set", "costs.funding_bps_per_8h=1"]) == 2
    assert "leave no room for a constant" in capsys.readouterr().err
