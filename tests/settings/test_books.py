"""A run with an order book by configuration: columns, the same decision from the bundle, and refusal without them."""

import numpy as np
import polars as pl
import pytest

from tradsys.cli.app import main
from tradsys.core.errors import ConfigError, DataError
from tradsys.data import load_market
from tradsys.data.market import Market
from tradsys.data.simulate import simulate
from tradsys.journal.ledger import Ledger
from tradsys.predictor import Predictor
from tradsys.research.run import run
from tradsys.settings.config import RunConfig
from tradsys.settings.market import configured_market, with_outside

QUICK = {
    "agent": {"name": "logistic"},
    "regimes": {"n_starts": 2},
    "folds": {"path_groups": 0},
    "features": {"names": ["rsi", "macd", "volatility_ratios", "book_pressure", "book_shape"]},
}
UNKNOWN = slice(3000, 3020)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Bars of eight months, and a book of two levels two minutes before each close, without that of twenty bars."""
    folder = tmp_path_factory.mktemp("book")
    bars = simulate("edge:3", seed=5, n_bars=6_000)
    bars.write_parquet(folder / "EDGE-1h.parquet")
    rng = np.random.default_rng(0)
    close, sizes = bars["close"].to_numpy(), rng.uniform(1.0, 9.0, (4, len(bars)))
    half = close * 1e-4 * rng.uniform(0.5, 2.0, len(bars))
    book = pl.DataFrame(
        {
            "ts": bars["ts"].dt.epoch("ms") + 58 * 60_000,
            **{f"bid_px_{k}": close - k * half for k in (1, 2)},
            **{f"ask_px_{k}": close + k * half for k in (1, 2)},
            **{f"bid_sz_{k}": sizes[k - 1] for k in (1, 2)},
            **{f"ask_sz_{k}": sizes[k + 1] for k in (1, 2)},
        }
    )
    pl.concat([book[: UNKNOWN.start], book[UNKNOWN.stop :]]).write_parquet(folder / "lob.parquet")
    return folder


@pytest.fixture(scope="module")
def config(place) -> RunConfig:
    return RunConfig(**QUICK, book={"files": [f"{place / 'lob.parquet'}?tolerance_s=600"]})


@pytest.fixture(scope="module")
def market(place, config) -> Market:
    return configured_market([place / "EDGE-1h.parquet"], config)


def test_a_path_changes_no_digest_and_what_it_holds_changes_the_fingerprint(place, config, market) -> None:
    assert RunConfig(**QUICK, book={"files": "elsewhere.parquet"}).digest == config.digest == RunConfig(**QUICK).digest
    bare = load_market([place / "EDGE-1h.parquet"])
    assert with_outside(bare, RunConfig()) is bare
    assert market.fingerprint != bare.fingerprint
    assert market.blocks == bare.blocks


def test_a_run_decides_by_the_book_and_not_where_there_is_none(place, config, market) -> None:
    finished = run(market, config, root=place / "runs", ledger=Ledger(place / "journal" / "ledger.jsonl"))
    said = pl.read_parquet(finished.folder / "forecasts.parquet")
    predictor = Predictor.load(finished.folder / "bundle")
    bars = market.frames()["EDGE"]
    closes = bars["ts"][UNKNOWN].dt.offset_by("1h")
    within = said.filter(pl.col("start").is_in(closes.implode()))
    assert within["probability"].is_nan().sum() + within["probability"].is_null().sum() == len(within)
    assert said["probability"].is_finite().sum() > 3000
    last = bars[-predictor.lookback :]
    decided = predictor.decide(last)
    assert 0.0 < decided.probability < 1.0
    with pytest.raises(DataError, match="wanted bars with a column book_imbalance_1, found none from outside"):
        predictor.decide(last.drop(pl.selectors.starts_with("book_")))


def test_the_command_line_takes_a_book_and_refuses_what_is_none(place, monkeypatch, capsys) -> None:
    monkeypatch.chdir(place)
    common = ["run", "--bars", "EDGE-1h.parquet", "--agent", "logistic", "--set", "features.names=book_pressure"]
    assert main([*common, "--book", "EDGE-1h.parquet"]) == 3
    assert "EDGE-1h.parquet holds no order book: wanted snapshots" in capsys.readouterr().err
    assert main([*common, "--book", "OTHER=lob.parquet"]) == 2
    assert "lob.parquet holds the book of OTHER; say which with SYMBOL=FILE, one of EDGE" in capsys.readouterr().err
    with pytest.raises(ConfigError, match=r"did you mean 'book.files'"):
        RunConfig.load(overrides={"book.file": "lob.parquet"})
