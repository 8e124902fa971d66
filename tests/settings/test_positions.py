"""A run with open interest, basis and liquidations by configuration: columns, bundle, family, look-ahead, commands."""

import json

import numpy as np
import polars as pl
import pytest
from tests.research.leaky import quick_experiment
from tests.research.markets import market_from

from tradsys.cli.app import main
from tradsys.core.errors import ConfigError, DataError
from tradsys.data import load_market
from tradsys.data.simulate import simulate
from tradsys.features.feature_set import FeatureSet
from tradsys.features.momentum import LogReturns
from tradsys.features.positions import POSITIONS
from tradsys.journal.ledger import Ledger
from tradsys.predictor import Predictor
from tradsys.report.forest import families_card
from tradsys.research.lookahead.lookahead import look_ahead, look_ahead_sample
from tradsys.research.run import run
from tradsys.research.walk.experiment import run_experiment
from tradsys.settings.config import RunConfig
from tradsys.settings.market import configured_market, with_outside

N = 6_000
NAMES = [feature.name for feature in POSITIONS]
QUICK = {
    "agent": {"name": "logistic"},
    "regimes": {"n_starts": 2},
    "folds": {"path_groups": 0},
    "features": {"names": ["rsi", "volatility_ratios", *NAMES]},
}
FAST = [word for pair in ("regimes.n_starts=2", "folds.path_groups=0", "folds.n_folds=2") for word in ("--set", pair)]
UNKNOWN = slice(4_000, 4_030)


def flow(n, seed=0):
    """Hourly rows, stamped two minutes before each close: open interest wanders, some hours liquidate nobody."""
    rng = np.random.default_rng(seed)
    return {
        "open_interest": 1e5 * np.exp(np.cumsum(rng.normal(0, 0.01, n))),
        "basis": rng.normal(-4e-4, 1e-4, n),
        "liq_sell": np.where(rng.random(n) < 0.2, 0.0, rng.exponential(1e4, n)),
        "liq_buy": np.where(rng.random(n) < 0.2, 0.0, rng.exponential(1e4, n)),
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flow")
    bars = simulate("edge:3", seed=5, n_bars=N)
    bars.write_parquet(folder / "EDGE-1h.parquet")
    rows = pl.DataFrame({"timestamp": bars["ts"].dt.offset_by("58m"), **flow(N)})
    pl.concat([rows[: UNKNOWN.start], rows[UNKNOWN.stop :]]).write_parquet(folder / "flow.parquet")
    return folder


@pytest.fixture(scope="module")
def config(place):
    return RunConfig(**QUICK, positions={"sources": [f"{place / 'flow.parquet'}?lag_s=60&tolerance_s=600"]})


@pytest.fixture(scope="module")
def market(place, config):
    return configured_market([place / "EDGE-1h.parquet"], config)


@pytest.fixture(scope="module")
def finished(place, config, market):
    return run(market, config, root=place / "runs", ledger=Ledger(place / "journal" / "ledger.jsonl"))


def test_the_section_is_read_by_its_earlier_name_too(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tradsys.toml").write_text('[flow]\nsources = ["one.csv"]\n')
    assert RunConfig.load().positions.sources == ("one.csv",)
    monkeypatch.setenv("TRADSYS_FLOW__SOURCES", "two.csv")
    assert RunConfig.load().positions.sources == ("two.csv",)
    assert RunConfig.load(overrides={"flow.sources": "three.csv"}).positions.sources == ("three.csv",)
    stored = config.model_dump(mode="json")
    assert RunConfig(**{"flow" if key == "positions" else key: value for key, value in stored.items()}) == config
    with pytest.raises(ConfigError, match=r"sets 'positions\.sources' twice, once as 'flow\.sources'"):
        RunConfig.load(overrides={"positions.sources": "a.csv", "flow.sources": "b.csv"})
    with pytest.raises(ValueError, match="section 'flow' is called 'positions' now"):
        RunConfig(flow={}, positions={})


def test_a_source_changes_no_digest_and_what_it_says_changes_the_fingerprint(place, config, market):
    elsewhere = RunConfig(**QUICK, positions={"sources": "elsewhere.parquet"})
    assert elsewhere.digest == config.digest == RunConfig(**QUICK).digest
    bare = load_market([place / "EDGE-1h.parquet"])
    assert with_outside(bare, RunConfig()) is bare
    assert market.fingerprint != bare.fingerprint
    assert market.blocks == bare.blocks


def test_a_run_decides_by_it_and_not_where_nothing_is_known(finished, market):
    said = pl.read_parquet(finished.folder / "forecasts.parquet")
    predictor = Predictor.load(finished.folder / "bundle")
    bars = market.frames()["EDGE"]

    def known(rows):
        closes = bars["ts"][rows].dt.offset_by("1h")
        return said.filter(pl.col("start").is_in(closes.implode()))["probability"].is_finite().sum()

    assert known(UNKNOWN) == 0
    assert known(slice(UNKNOWN.start - 30, UNKNOWN.start)) == 60 == 2 * (UNKNOWN.stop - UNKNOWN.start)
    last = bars[-predictor.lookback :]
    decided = predictor.decide(last)
    assert 0.0 < decided.probability < 1.0
    seen = said.filter(fold=said["fold"].max())[-1].row(0, named=True)
    again = predictor.decide(bars.filter(pl.col("ts") < seen["start"]))
    assert (again.start, again.side) == (seen["start"], seen["side"])
    assert again.probability == pytest.approx(seen["probability"], abs=1e-5)
    with pytest.raises(DataError, match="wanted bars with a column flow_open_interest, found none from outside"):
        predictor.decide(last.drop(pl.selectors.starts_with("flow_")))


def test_the_run_says_what_the_family_adds_and_the_page_draws_it(finished):
    (one,) = finished.metrics.families.families
    assert one.family == "flow"
    assert list(one.columns) == [column for feature in POSITIONS for column in feature.columns]
    assert one.gain.low < one.gain.value < one.gain.high
    assert one.gain.low < 1  # drawn without any relation to the prices
    card = families_card(finished.metrics.families)
    assert card is not None
    assert card.rows[0].name == "Positions"
    assert any("flow of EDGE: open_interest, basis" in note for note in finished.metrics.assumptions)


def test_nothing_of_it_sees_the_future(market):
    frame = market.frames()["EDGE"][:2_400]
    spec = quick_experiment(features=FeatureSet((LogReturns((1, 3)), *POSITIONS)))
    outcome = run_experiment(market_from({"X": frame}), spec)
    assert look_ahead(outcome, spec, n_points=3).findings == ()
    assert look_ahead_sample(outcome, spec).findings == ()


def test_what_came_later_changes_no_earlier_bar(place, config, market):
    rows = pl.read_parquet(place / "flow.parquet")
    rows.head(5_000).write_parquet(place / "early.parquet")
    early = RunConfig(**QUICK, positions={"sources": [f"{place / 'early.parquet'}?lag_s=60&tolerance_s=600"]})
    shorter = configured_market([place / "EDGE-1h.parquet"], early)
    assert shorter.bars[:5_000].equals(market.bars[:5_000])
    assert not shorter.bars.equals(market.bars)


def test_the_commands_take_a_source_and_refuse_what_is_none(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    given = ["--bars", "EDGE-1h.parquet", "--agent", "logistic", *FAST, "--set", 'features.names=["rsi","basis"]']
    source = "flow.parquet?lag_s=60&tolerance_s=600"
    assert main(["lookahead", *given, "--points", "1", "--positions", source]) == 0
    assert "nothing saw the future" in capsys.readouterr().out
    assert main(["train", *given, "--flow", source, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["agent"] == "logistic"
    assert main(["run", *given, "--flow", "flow.parquet"]) == ConfigError.exit_code
    assert "add ?lag_s=SECONDS" in capsys.readouterr().err
    assert main(["run", *given, "--flow", "EDGE-1h.parquet?lag_s=1"]) == DataError.exit_code
    assert "must hold some of open_interest, basis" in capsys.readouterr().err
    assert main(["run", *given, "--flow", "binance:BTC/USDT:USDT"]) == DataError.exit_code
    assert "tradsys data download binance:BTC/USDT:USDT:metrics" in capsys.readouterr().err
    assert main(["run", *given]) == DataError.exit_code
    assert "found none from outside; attach the positions data" in capsys.readouterr().err
    with pytest.raises(ConfigError, match=r"did you mean 'positions\.sources'"):
        RunConfig.load(overrides={"flow.source": "x.parquet"})


def test_tuning_and_the_comparison_of_objectives_read_it_too(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    given = ["--bars", "EDGE-1h.parquet", "--flow", "flow.parquet?lag_s=60&tolerance_s=600", *FAST]
    given += ["--set", 'features.names=["rsi","basis"]']
    size = ["--trials", "1", "--batch", "1", "--seeds", "1", "--processes", "1"]
    assert main(["tune", *given, "--agent", "logistic", "--over", "agent.penalty", *size, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert RunConfig.load(file=place / told["golden"]).positions.sources == ("flow.parquet?lag_s=60&tolerance_s=600",)

    def claimed(market, config, *_, **__):
        return {"columns": market.bars.columns, "features": config.features.names}

    monkeypatch.setattr("tradsys.research.claims.run.run_claims", claimed)
    assert main(["compare", "--objectives", *given, "--json"]) == 0
    compared = json.loads(capsys.readouterr().out)
    assert "flow_basis" in compared["columns"]
    assert compared["features"] == ["rsi", "basis"]
