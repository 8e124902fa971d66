"""A small market to tune on, and settings that fit in no time."""

import pytest

from tradsys.core.time import interval_ms, ts_ms
from tradsys.data import load_market
from tradsys.data.simulate import simulate
from tradsys.research.tuning.objective import Span
from tradsys.research.tuning.out_of_fold import first_training_part
from tradsys.settings.config import RunConfig

FEW = ("returns", "average_distance", "volatility_ratios")


def quick(**labels) -> RunConfig:
    """Few quick columns and a ridge; most of the history is the first training part, to have enough of it."""
    return RunConfig(
        agent={"name": "logistic", "penalty": 1.0},
        features={"names": FEW},
        folds={"initial": 0.6, "lockbox": 0.2, "n_folds": 2},
        labels=labels,
    )


def market_of(folder, recipe: str, *, seed: int, n_bars: int):
    path = folder / "TUNED-1h.parquet"
    simulate(recipe, seed=seed, n_bars=n_bars).write_parquet(path)
    return load_market([path])


def span_of(part) -> Span:
    ts, step = ts_ms(part.bars), interval_ms(part.interval)
    return Span(int(ts.min()), int(ts.max()) + step, step)


@pytest.fixture(scope="session")
def edge_market(tmp_path_factory):
    """A strong edge: 8,000 hours, 4,800 of them to tune on."""
    return market_of(tmp_path_factory.mktemp("tuned"), "edge:3", seed=3, n_bars=8_000)


@pytest.fixture(scope="session")
def edge_part(edge_market):
    return first_training_part(edge_market, quick(), 24)
