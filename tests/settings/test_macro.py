"""A run with macro series: columns by configuration, the same decision from the bundle, and refusal without them."""

import numpy as np
import polars as pl
import pytest
from tests.settings.macro_files import RISKY, SHUNNED, write_series

from tradsys.cli.app import main
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.outside import outside_columns
from tradsys.data.simulate import simulate
from tradsys.features.macro import MacroReturns, MacroRisk
from tradsys.journal.ledger import Ledger
from tradsys.predictor import Predictor
from tradsys.research.judging.rejudge import Replay
from tradsys.research.run import run
from tradsys.research.walk.experiment_spec import experiment_from
from tradsys.settings.config import RunConfig
from tradsys.settings.market import configured_market

QUICK = {"agent": {"name": "logistic"}, "regimes": {"n_starts": 2}, "folds": {"path_groups": 0}}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Bars of eight months and two series."""
    folder = tmp_path_factory.mktemp("macro")
    bars = simulate("edge:3", seed=5, n_bars=6_000)
    bars.write_parquet(folder / "EDGE-1h.parquet")
    for seed, name in enumerate((RISKY, SHUNNED)):
        write_series(folder, bars, name, seed=seed)
    return folder


@pytest.fixture(scope="module")
def config(place):
    series = [f"{name}={place / name}.csv" for name in (SHUNNED, RISKY)]
    return RunConfig(**QUICK, macro={"series": series})


@pytest.fixture(scope="module")
def market(place, config):
    return configured_market([place / "EDGE-1h.parquet"], config)


@pytest.fixture(scope="module")
def stored(place, config, market):
    finished = run(market, config, root=place / "runs", ledger=Ledger(place / "journal" / "ledger.jsonl"))
    return Replay(finished.folder)


def test_the_bars_carry_five_columns_a_series_and_the_market_says_where_from(market):
    names = [f"macro_{one}_{what}" for one in (RISKY, SHUNNED) for what in ("r1", "r5", "z", "vol", "age_h")]
    assert list(outside_columns(market.bars)) == names
    assert market.bars.select(names).to_numpy()[100:].shape == (5_900, 10)
    assert np.isfinite(market.bars.select(names).to_numpy()[100:]).all()
    assert market.outside[0].startswith("macro nasdaq: ")
    assert market.outside[0].endswith("closes from nasdaq.csv, known 24 h after the close of XNYS")


def test_columns_change_the_fingerprint_and_no_column_knows_its_own_day(place, config, market):
    bare = configured_market([place / "EDGE-1h.parquet"], RunConfig(**QUICK))
    assert bare.fingerprint != market.fingerprint
    assert bare.blocks == market.blocks
    cut = place / "cut.csv"
    last = pl.read_csv(place / "vix.csv", try_parse_dates=True)
    last.head(len(last) - 30).write_csv(cut)
    shorter = configured_market([place / "EDGE-1h.parquet"], RunConfig(**QUICK, macro={"series": [f"vix={cut}"]}))
    gone = last["date"][len(last) - 30]
    before = pl.col("ts").dt.date() <= gone
    column = "macro_vix_r1"
    assert shorter.bars.filter(before)[column].equals(market.bars.filter(before)[column])


def test_macro_columns_serve_risk_by_default_and_direction_only_by_name(config):
    default = experiment_from(config).features.features
    assert MacroRisk((RISKY, SHUNNED)) in default
    assert not any(isinstance(one, MacroReturns) for one in default)
    chosen = RunConfig(**QUICK, macro=config.macro, features={"names": ["rsi", "macro_returns"]})
    assert experiment_from(chosen).features.features[1] == MacroReturns()


def test_the_volatility_only_baseline_reads_the_columns(stored, market):
    fitted = Predictor.load(stored.folder / "bundle").features
    mine = [flag for name, flag in zip(fitted.columns, fitted.is_volatility, strict=True) if name.startswith("macro_")]
    assert mine == [True] * 8


def test_the_bundle_decides_on_bars_with_the_columns_as_the_run_did(stored, market):
    """Parity of `decide` with the stored rows of the last fold, at bars of all kinds of age."""
    predictor = Predictor.load(stored.folder / "bundle")
    forecasts = pl.read_parquet(stored.folder / "forecasts.parquet")
    last_fold = forecasts.filter(pl.col("fold") == forecasts["fold"].max(), pl.col("audit").is_not_null())
    for row in last_fold[:: len(last_fold) // 12].iter_rows(named=True):
        seen = market.bars.filter(pl.col("ts") < row["start"])
        decision = predictor.decide(seen)
        assert decision.start == row["start"]
        assert (decision.side, decision.action) == (row["side"], row["action"])
        assert decision.probability == pytest.approx(row["probability"], abs=1e-5)
        assert decision.audit == pytest.approx(row["audit"], abs=1e-5)


def test_the_columns_matter_to_the_decision(stored, market):
    predictor = Predictor.load(stored.folder / "bundle")
    other = market.bars.with_columns(pl.col("macro_vix_vol") + 2.0)
    assert predictor.decide(other).probability != pytest.approx(predictor.decide(market.bars).probability, abs=1e-6)


def test_bars_without_the_columns_are_refused_by_name(stored, market):
    predictor = Predictor.load(stored.folder / "bundle")
    with pytest.raises(DataError, match="wanted bars with a column macro_nasdaq_r1, found none from outside; attach"):
        predictor.decide(market.bars.drop(outside_columns(market.bars)))
    with pytest.raises(DataError, match="wanted bars with a column macro_vix_vol, found macro_nasdaq_r1"):
        predictor.decide(market.bars.drop("macro_vix_vol"))


def test_the_run_says_what_was_attached(stored):
    notes = stored.metrics.assumptions
    assert any(note.startswith("Attached to the bars: macro vix: ") for note in notes)
    assert any("no value train no model" in note for note in notes)


def test_the_run_says_what_the_family_adds(stored):
    (macro,) = stored.metrics.families.families
    assert (macro.family, len(macro.columns)) == ("macro", 8)
    assert macro.gain.low < 1 < macro.gain.n == stored.metrics.families.n


def test_where_nothing_is_known_there_is_no_forecast(place, config):
    late = place / "late.csv"
    rows = pl.read_csv(place / "vix.csv", try_parse_dates=True)
    rows.filter(~pl.col("date").is_between(rows["date"][-60], rows["date"][-40])).write_csv(late)
    market = configured_market([place / "EDGE-1h.parquet"], RunConfig(**QUICK, macro={"series": [f"vix={late}"]}))
    values = market.bars["macro_vix_r1"].to_numpy()
    assert np.isnan(values).sum() > 200
    assert np.isfinite(values[-24:]).all()


def test_the_command_takes_series_by_name_and_explains_what_it_cannot_mean(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    fast = [
        word for pair in ("regimes.n_starts=2", "folds.path_groups=0", "folds.n_folds=2") for word in ("--set", pair)
    ]
    given = ["--bars", "EDGE-1h.parquet", "--agent", "logistic", *fast]
    assert main(["lookahead", *given, "--points", "2", "--macro", "vix=vix.csv", "--macro", "nasdaq=nasdaq.csv"]) == 0
    assert "nothing saw the future" in capsys.readouterr().out
    assert main(["run", *given, "--macro", "vix"]) == ConfigError.exit_code
    assert "a macro series is NAME=SOURCE" in capsys.readouterr().err
    assert main(["run", *given, "--macro", "vix=none.csv"]) == DataError.exit_code
    assert "no file none.csv for vix" in capsys.readouterr().err
    assert main(["run", *given, "--macro", "vix=vix.csv", "--macro", "vix=nasdaq.csv"]) == ConfigError.exit_code
