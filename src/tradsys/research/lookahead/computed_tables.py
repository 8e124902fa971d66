"""Everything that a run computes from bars, as tables that are recomputed without the future and compared."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial

import numpy as np
import polars as pl

from tradsys.backtest.simulate import Simulation
from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.bars import to_arrays
from tradsys.core.errors import DataError
from tradsys.core.time import interval_ms, ts_ms
from tradsys.core.traded import TradedBars
from tradsys.features.feature import OutsideSeries
from tradsys.features.feature_set import FittedFeatures, RawFeatures
from tradsys.features.universe_ranks import rank_columns, rank_names
from tradsys.models.forecaster import Rows
from tradsys.predictor.predictor import Predictor
from tradsys.profiles.forecast import Forecasts
from tradsys.regimes.family import RegimeFilter
from tradsys.research.lookahead.findings import ComputedTable, Search
from tradsys.research.lookahead.without_future import Future, as_known, listed, without_future
from tradsys.research.selection.nested_selection import FoldChoice
from tradsys.research.walk.dataset import Dataset, SymbolLabels
from tradsys.research.walk.deciding import FoldResult
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.research.walk.folds import Fold
from tradsys.settings.market import RankColumns

FORECAST_TOLERANCE = 1e-6
"""What a probability may differ by: matrix products and networks round by how many rows they are given."""

_NEVER = np.iinfo(np.int64).max
_TRADE = ("side", "entry_ts", "entry_price", "exit_ts", "exit_price", "size_base", "pnl_quote")


def prediction_tables(
    result: FoldResult, spec: Experiment, symbol: str, bars: pl.DataFrame, rows: BoolArray, at: int
) -> list[ComputedTable]:
    """Features and regimes of all bars, forecasts and decisions of the chosen rows, with the fold's predictor.

    Nothing of a feature's own series is read that was published after `at` (ms).
    """
    predictor = result.predictor
    features = as_known(predictor.features, at)
    inputs, raw = input_tables(predictor, features, symbol, bars)
    if raw is None:
        return inputs
    X = features.standardise(raw)
    reading = predictor.model_outputs(X, predictor.regimes.filter(bars))
    return [*inputs, *decision_tables(predictor.forecasts(bars, reading, rows, symbol), spec, symbol)]


def input_tables(
    predictor: Predictor, features: FittedFeatures, symbol: str, bars: pl.DataFrame
) -> tuple[list[ComputedTable], FloatArray | None]:
    """Tables of features and regimes, and the raw features unless some of them cannot do without later bars."""
    start = ts_ms(bars) + interval_ms(predictor.interval)
    whole: FloatArray | None
    try:
        (whole,) = RawFeatures((bars,)).of(features)
        raw = whole.copy()
    except DataError:
        whole = None
        raw = np.concatenate([feature.compute(bars) for feature in features.features], axis=1)
        raw[: features.lookback - 1] = np.nan
    regimes = regime_table(predictor.regimes, predictor.interval, symbol, bars)
    tables = [ComputedTable("features", symbol, features.columns, raw, start, start), regimes]
    if (macro := predictor.macro_states(bars)) is not None:
        states = tuple(f"macro state {state}" for state in range(macro.shape[1]))
        tables.append(ComputedTable("macro states", symbol, states, macro, start, start))
    return tables, whole


def regime_table(regimes: RegimeFilter, interval: timedelta, symbol: str, bars: pl.DataFrame) -> ComputedTable:
    """ComputedTable of the regimes' probabilities at each bar."""
    start = ts_ms(bars) + interval_ms(interval)
    states = tuple(f"regime {state}" for state in range(regimes.n_states))
    return ComputedTable("regimes", symbol, states, regimes.filter(bars), start, start)


def decision_tables(forecasts: Forecasts, spec: Experiment, symbol: str) -> list[ComputedTable]:
    """Forecasts, ranks, audits and what every profile makes of them."""
    start = forecasts.start
    actions = [profile.decide(forecasts) for profile in spec.profiles]
    columns = [values for action in actions for values in (action.action, action.size)]
    names = tuple(f"{what} of {profile.name}" for profile in spec.profiles for what in ("action", "size"))
    choice = np.column_stack([forecasts.best_side, forecasts.is_ready, forecasts.atr, *columns])
    table = partial(ComputedTable, symbol=symbol, start=start, known=start)
    two_sided = {"probability": forecasts.probability, "expected_net": forecasts.expected_net}
    if forecasts.net_error is not None:
        two_sided["net_error"] = forecasts.net_error
    sides = tuple(f"{name}_{side}" for name in two_sided for side in ("long", "short"))
    expected = np.concatenate(list(two_sided.values()), axis=1)
    close = partial(table, tolerance=FORECAST_TOLERANCE)
    return [
        close("forecasts", columns=sides, values=expected),
        table("ranks", columns=("rank_long", "rank_short"), values=forecasts.rank, derived_from="forecasts"),
        close("audits", columns=("audit",), values=forecasts.audit[:, None], derived_from="forecasts"),
        table("decisions", columns=("choice", "is_ready", "atr", *names), values=choice, derived_from="audits"),
    ]


def label_tables(symbol: str, labels: SymbolLabels, settled: IntArray | None = None) -> list[ComputedTable]:
    """Both sides' labels, each known at its own end, and which rows are events at all, known at once.

    With `settled` (n,) all of that is known no sooner than what `settled_closes` says of the row in which it ends.
    """
    tables = []
    for column, side in enumerate(("long", "short")):
        values = [labels.target, labels.end, labels.timed_out, labels.ambiguous, labels.ret, labels.net, labels.weight]
        tables.append(
            ComputedTable(
                part=f"{side} labels",
                symbol=symbol,
                columns=("target", "end", "timed_out", "ambiguous", "ret", "net", "weight"),
                values=np.column_stack([one[:, column].astype(np.float64) for one in values]),
                start=labels.start,
                known=np.where(labels.is_labelled, _settled(labels.start, labels.end[:, column], settled), _NEVER),
            )
        )
    events = np.column_stack([labels.is_labelled, labels.atr_over_price])
    known = _settled(labels.start, labels.start, settled)
    return [*tables, ComputedTable("events", symbol, ("is_event", "atr_over_price"), events, labels.start, known)]


def settled_closes(bars: pl.DataFrame, interval: timedelta, horizon: int, *, is_cut: bool) -> IntArray | None:
    """By when it stands for good which rows up to each are labelled, ms, (n_bars,); None where that is known at once.

    Labels whose horizon does not fit into the bars are left out, and their neighbours' uniqueness with them: where bars
    are cut off, all stands when a horizon has passed. Where some bars had no trades, it stands when somebody has traded
    since, as a horizon must not pass the last bar with trades.
    """
    volume = to_arrays(bars).volume
    traded = TradedBars.of(volume)
    if not is_cut and traded.is_traded.all():
        return None
    n, closes = len(volume), ts_ms(bars) + interval_ms(interval)
    passed = np.minimum(np.arange(n) + horizon, n - 1)
    after = np.where(np.arange(n) + horizon < n, traded.next[passed], n)
    return np.where(after < n, closes[np.minimum(after, n - 1)], _NEVER)


def trade_tables(
    profile: str, simulation: Simulation, closes: Mapping[str, IntArray], wait: int = 1
) -> list[ComputedTable]:
    """A profile's trades in the rows of their decisions, known when they have ended; no trade, `wait` bars later."""
    tables = []
    for symbol, start in closes.items():
        mine = simulation.trades.filter(pl.col("symbol") == symbol)
        rows = np.searchsorted(start, mine["decided"].dt.epoch("ms").to_numpy())
        ends = mine["exit_ts"].dt.epoch("ms").to_numpy()
        times = pl.col("entry_ts", "exit_ts").dt.epoch("ms")
        values = np.full((len(start), len(_TRADE)), np.nan)
        values[rows] = mine.with_columns(times).select(_TRADE).cast(pl.Float64).to_numpy()
        known = _later(start, wait)
        known[rows] = ends
        tables.append(ComputedTable(f"trades of {profile}", symbol, _TRADE, values, start, known))
    return tables


def fit_tables(result: FoldResult) -> list[ComputedTable]:
    """Everything that the fold's training part left in its predictor."""
    one, valuation = result.predictor, result.predictor.valuation
    values = _learnt(one.features) | {
        "regimes": one.regimes.to_dict(),
        "supervisor": None if one.supervisor is None else one.supervisor.to_dict(),
        "forecaster": {"decider": result.decider, **one.combination.to_dict()}
        | {
            f"{name}.{file}": content
            for name, own in one.forecasters.items()
            for file, content in own.to_files().items()
        },
        "timeout": one.timeout.to_files(),
        "calibration": valuation.calibration.to_dict(),
        "timeout calibration": valuation.timeout_calibration.to_dict(),
        "time exit": valuation.time_exit.to_dict(),
        "holding": None if valuation.holding is None else valuation.holding.to_dict(),
        "money": None if one.money is None else one.money.to_dict(),
        "ranks": one.ranks.sorted_confidence.tobytes(),
        "auditor": one.auditor.to_files(),
        "profile": repr(one.profile),
    }
    return [_one_row(result.fold, values)]


def choice_tables(fold: Fold, choice: FoldChoice) -> list[ComputedTable]:
    """What the fold's training part chose, and the records of all the candidates that it chose by."""
    values = {
        "profile": repr(choice.profile),
        "daily returns of the candidates": choice.daily.tobytes(),
        "trades of the candidates": choice.n_trades.tobytes(),
    }
    return [_one_row(fold, values, "choice")]


def scale_tables(fold: Fold, features: FittedFeatures) -> list[ComputedTable]:
    """What the features learnt from the fold's training part, and the centre and scale of each column."""
    return [_one_row(fold, _learnt(features))]


def training_row_tables(fold: Fold, rows: Rows, closes: Mapping[str, IntArray]) -> list[ComputedTable]:
    """Which rows train for a fold, known when its test block opens."""
    column = (f"rows of fold {fold.index + 1}",)
    return [
        ComputedTable("training rows", symbol, column, mask[:, None], start, np.full(len(start), fold.opens))
        for (symbol, start), mask in zip(closes.items(), rows, strict=True)
    ]


def _one_row(fold: Fold, values: Mapping[str, object], what: str = "fit") -> ComputedTable:
    """Hashes of fitted values, known when the test block opens."""
    opens = np.array([fold.opens])
    hashes = np.array([[_hash(value) for value in values.values()]])
    return ComputedTable(f"{what} of fold {fold.index + 1}", "", tuple(values), hashes, opens, opens)


def _learnt(features: FittedFeatures) -> dict[str, object]:
    values: dict[str, object] = {}
    for feature in features.features:
        if not isinstance(feature, OutsideSeries):  # what its series holds is not fitted
            values[f"parameters of {feature.name}"] = repr(feature)
    for column, centre, scale in zip(features.columns, features.centre, features.scale, strict=True):
        values |= {f"centre of {column}": centre, f"scale of {column}": scale}
    return values


def _hash(value: object) -> int:
    text = json.dumps(value, sort_keys=True, default=lambda raw: raw.hex())
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], signed=True)


def _settled(start: IntArray, when: IntArray, settled: IntArray | None) -> IntArray:
    """`settled` of the bars that close at `when`, or `when` itself."""
    return when if settled is None else settled[np.minimum(np.searchsorted(start, when), len(start) - 1)]


def _later(start: IntArray, wait: int) -> IntArray:
    """The close `wait` bars after each; never, where there is none."""
    rows = np.arange(len(start)) + wait
    return np.where(rows < len(start), start[np.minimum(rows, len(start) - 1)], _NEVER)


def compare_rank_columns(search: Search, data: Dataset, ranks: RankColumns, at: int, future: Future) -> None:
    """Compare the columns of ranks that a run's bars carry with those made again without what came after `at` (ms)."""
    bar_ms = interval_ms(data.interval)

    def recompute(time: int) -> list[ComputedTable]:
        frames = without_future(data.frames, bar_ms, time, future)
        made = rank_columns(
            frames,
            bar_ms,
            ranks.universe,
            lookbacks=ranks.lookbacks,
            listings=listed(ranks.listings, frames),
            kinds=ranks.kinds,
        )
        return [_columns(symbol, frames[symbol], columns, bar_ms) for symbol, columns in made.items()]

    names = rank_names(ranks.lookbacks, ranks.kinds)
    full = [_columns(symbol, bars, [bars[name] for name in names], bar_ms) for symbol, bars in data.frames.items()]
    search.compare(full, recompute, at)


def _columns(symbol: str, bars: pl.DataFrame, columns: Sequence[pl.Series], bar_ms: int) -> ComputedTable:
    closes = ts_ms(bars) + bar_ms
    return ComputedTable(
        "columns of ranks", symbol, tuple(c.name for c in columns), np.column_stack(columns), closes, closes
    )
