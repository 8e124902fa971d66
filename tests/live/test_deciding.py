"""What is decided bar by bar is what the batch decides, and a symbol without a decision has its reason."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest
from tests.live.deployments import deployment

from tradsys.bundle.deployment import OutsideColumn
from tradsys.core.errors import ConfigError
from tradsys.core.time import ts_ms
from tradsys.features.stream.bar import Bar, bars_of
from tradsys.live.bars.close import Close
from tradsys.live.deciding import BatchPredictor, Decider
from tradsys.live.outside.columns import OutsideSources
from tradsys.live.outside.provider import KnownColumns
from tradsys.models.forecaster import FittedForecaster
from tradsys.predictor import LivePredictor, Predictor

HOUR_MS = 3_600_000
N_WARM = 600


def history(bars: pl.DataFrame, symbol: str, until: int = N_WARM) -> pl.DataFrame:
    """Another market for each symbol: those of B come five hundred rows later, under the same times."""
    shift = 500 if symbol == "B" else 0
    moved = bars[shift : shift + until].with_columns(ts=bars["ts"][:until])
    return moved.select(pl.lit(symbol).alias("symbol"), *bars.columns)


def closes(bars: pl.DataFrame, first: int, n: int) -> Iterator[Close]:
    """Both symbols' closes from a row on."""
    rows = {symbol: bars_of(history(bars, symbol, first + n).drop("symbol")) for symbol in ("A", "B")}
    for row in range(first, first + n):
        now = {symbol: rows[symbol][row] for symbol in rows}
        yield Close(now["A"].ts + HOUR_MS, now)


def decider(predictor: Predictor, **changes: object) -> Decider:
    return Decider(predictor, deployment(), "b" * 64, tell=lambda kind, fields: None, **changes)  # type: ignore[arg-type]


@pytest.fixture
def warm(predictor: Predictor, bars: pl.DataFrame) -> Decider:
    made = decider(predictor)
    made.warm({symbol: history(bars, symbol) for symbol in ("A", "B")})
    assert not made.cold
    return made


def test_each_close_has_the_decisions_of_the_batch_in_the_order_of_the_symbols(
    warm: Decider, predictor: Predictor, bars: pl.DataFrame
) -> None:
    batch = {symbol: predictor.decide_many(history(bars, symbol, N_WARM + 60)) for symbol in ("A", "B")}
    n_acted = 0
    for row, close in enumerate(closes(bars, N_WARM, 60), N_WARM):
        decisions = warm.decide(close)
        assert [one.symbol for one in decisions] == ["A", "B"]
        for one in decisions:
            same = batch[one.symbol].row(row, named=True)
            assert (one.start, one.action, one.bar_hash) == (same["start"], same["action"], same["bar_hash"])
            assert one.size == pytest.approx(same["size"], rel=1e-5)
            assert one.stop_distance == pytest.approx(same["stop_distance"], rel=1e-5)
            assert one.bundle_hash == "b" * 64
            n_acted += one.action != 0
    assert n_acted > 20


def test_a_bar_that_was_decided_ahead_is_decided_the_same_and_once(
    warm: Decider, predictor: Predictor, bars: pl.DataFrame
) -> None:
    plain = decider(predictor)
    plain.warm({symbol: history(bars, symbol) for symbol in ("A", "B")})
    for close in closes(bars, N_WARM, 5):
        warm.ahead("B", close.bars["B"])
        assert warm.decide(close) == plain.decide(close)
        assert not warm.cold


def test_what_was_decided_ahead_of_a_history_that_was_read_anew_is_decided_again(
    warm: Decider, bars: pl.DataFrame
) -> None:
    first, *_ = closes(bars, N_WARM, 1)
    warm.ahead("A", first.bars["A"])
    other = history(bars, "B", N_WARM).with_columns(symbol=pl.lit("A"))
    fresh = decider(warm._predictors["A"].predictor)  # type: ignore[attr-defined]
    fresh.warm({"A": other, "B": history(bars, "B")})
    assert warm.decide(replace(first, histories={"A": other})) == fresh.decide(first)
    assert not warm.cold


def test_the_features_that_decided_can_be_asked_for_by_name(
    warm: Decider, predictor: Predictor, bars: pl.DataFrame
) -> None:
    (close,) = closes(bars, N_WARM, 1)
    warm.decide(close)
    wanted = predictor.features.compute(history(bars, "B", N_WARM + 1)).values[-1]
    assert warm.feature_values("B") == pytest.approx(
        dict(zip(predictor.features.columns, wanted.tolist(), strict=True)), abs=1e-6
    )


def test_a_symbol_that_is_missing_has_its_reason_and_the_others_their_decisions(
    warm: Decider, bars: pl.DataFrame
) -> None:
    (close,) = closes(bars, N_WARM, 1)
    decisions = warm.decide(replace(close, bars={"B": close.bars["B"]}, missing={"A": "it did not come"}))
    assert [one.symbol for one in decisions] == ["B"]
    assert warm.undecided == {"A": "it did not come"}


def test_a_bar_that_does_not_follow_leaves_its_symbol_cold_until_a_history_comes_with_a_close(
    warm: Decider, bars: pl.DataFrame
) -> None:
    _, second, third, fourth = closes(bars, N_WARM, 4)
    assert [one.symbol for one in warm.decide(replace(second, bars={"A": second.bars["A"]}))] == []
    assert "1 bars are missing" in warm.undecided["A"]
    assert [one.symbol for one in warm.decide(replace(third, bars={"A": third.bars["A"]}))] == []
    assert warm.cold.keys() == {"A"}
    again = replace(fourth, bars={"A": fourth.bars["A"]}, histories={"A": history(bars, "A", N_WARM + 3)})
    assert [one.symbol for one in warm.decide(again)] == ["A"]
    assert not warm.cold
    assert not warm.undecided


def test_a_history_that_is_too_short_leaves_its_symbol_cold_and_says_so(
    predictor: Predictor, bars: pl.DataFrame
) -> None:
    made = decider(predictor)
    made.warm({"A": history(bars, "A"), "B": history(bars, "B", 30)})
    assert made.cold.keys() == {"B"}
    (close,) = closes(bars, N_WARM, 1)
    assert [one.symbol for one in made.decide(close)] == ["A"]
    assert "its history was refused: a warm start needs" in made.undecided["B"]
    assert made.n_bars == predictor.lookback


def test_bars_that_come_late_are_stepped_in_order_and_the_next_close_is_decided_on(
    warm: Decider, predictor: Predictor, bars: pl.DataFrame
) -> None:
    for close in closes(bars, N_WARM, 5):
        last = warm.decide(replace(close, no_entry="late"))
    batch = predictor.decide(history(bars, "A", N_WARM + 5))
    assert last[0].start == batch.start
    assert last[0].probability == pytest.approx(batch.probability)


def test_what_cannot_be_stepped_is_decided_as_a_batch_bar_by_bar(predictor: Predictor, bars: pl.DataFrame) -> None:
    batch, live = BatchPredictor(predictor), LivePredictor(predictor)
    past = history(bars, "A")
    now = int(ts_ms(past)[-1]) + HOUR_MS
    assert batch.warm(past, now=now).start == live.warm(past, now=now).start
    for close in closes(bars, N_WARM, 5):
        bar = close.bars["A"]
        ours, theirs = (one.step(bar, now=close.close_ms) for one in (batch, live))
        assert (ours.symbol, ours.start, ours.action, ours.bar_hash) == (
            theirs.symbol, theirs.start, theirs.action, theirs.bar_hash,
        )  # fmt: skip
        assert ours.probability == pytest.approx(theirs.probability)


class Remembering:
    """A model of a user's that reads earlier rows, and cannot go on from row to row."""

    kind, memory = "own", 3

    def __init__(self, model: FittedForecaster) -> None:
        self.logits = model.logits


def test_a_model_with_a_memory_of_its_own_trades_too(predictor: Predictor, bars: pl.DataFrame) -> None:
    ((name, model),) = predictor.forecasters.items()
    made = decider(replace(predictor, forecasters={name: Remembering(model)}))
    made.warm({symbol: history(bars, symbol) for symbol in ("A", "B")})
    (close,) = closes(bars, N_WARM, 1)
    first, _ = made.decide(close)
    wanted = predictor.decide(history(bars, "A", N_WARM + 1))
    assert (first.start, first.action, first.probability) == (wanted.start, wanted.action, wanted.probability)


class Ageing:
    """A provider of one column whose age a test sets."""

    columns = ("macro_vix_z",)

    def __init__(self) -> None:
        self.age_s = 0.0

    async def begin(self, first_ms: int, now_ms: int) -> None: ...

    async def refresh(self, close_ms: int) -> None: ...

    def join(self, symbol: str, bars: pl.DataFrame) -> pl.DataFrame:
        return bars.with_columns(macro_vix_z=pl.lit(0.5))

    def known(self, symbol: str, ts_ms: int, previous_ms: int) -> KnownColumns:
        assert previous_ms == ts_ms - HOUR_MS
        return KnownColumns({"macro_vix_z": 0.5}, {"macro_vix_z": self.age_s})


@pytest.mark.parametrize(("policy", "is_decided"), [("nan", True), ("refuse", False)])
def test_a_stale_column_is_nan_and_stops_decisions_where_its_policy_says_so(
    predictor: Predictor, bars: pl.DataFrame, policy: str, is_decided: bool
) -> None:
    column, ageing = OutsideColumn("macro_vix_z", "macro:vix", 7_200.0, policy), Ageing()  # type: ignore[arg-type]
    stepped: list[Mapping[str, float]] = []
    made = decider(predictor, outside=OutsideSources((column,), {"macro:vix": ageing}))
    made.warm({symbol: history(bars, symbol) for symbol in ("A", "B")})
    step = LivePredictor.step

    def seen(self: LivePredictor, bar: Bar, **options: int) -> object:
        stepped.append(bar.outside)
        return step(self, bar, **options)

    fresh, stale, again = closes(bars, N_WARM, 3)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(LivePredictor, "step", seen)
        assert len(made.decide(fresh)) == 2
        ageing.age_s = 7_201.0
        assert len(made.decide(stale)) == (2 if is_decided else 0)
    if not is_decided:
        assert made.undecided["A"] == "macro_vix_z is 2.0 h old, at most 2 h are allowed"
    assert stepped[0] == {"macro_vix_z": 0.5}
    assert str(stepped[2]) == "{'macro_vix_z': nan}"
    ageing.age_s = 0.0
    assert len(made.decide(again)) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"interval_ms": 60_000}, "deployed on bars of 1m, and its predictor was fitted on bars of 1h"),
        ({"symbols": ("A", "X")}, "deployed on X, which its predictor was not fitted on"),
        ({"outside": (OutsideColumn("flow_oi", "venue", 1.0, "nan"),)}, "needs flow_oi of venue, which no provider"),
    ],
)
def test_a_deployment_that_is_not_the_predictors_is_refused(
    predictor: Predictor, changes: dict[str, object], message: str
) -> None:
    known = replace(predictor, symbols=("A", "B"))
    with pytest.raises(ConfigError, match=message):
        Decider(known, deployment(**changes), "b" * 64, tell=lambda kind, fields: None)


def test_a_predictor_of_another_bundle_is_refused(predictor: Predictor) -> None:
    with pytest.raises(ConfigError, match="came from the bundle aaa, wanted bbb"):
        Decider(replace(predictor, bundle_hash="aaa"), deployment(), "bbb", tell=lambda kind, fields: None)
    assert predictor.interval == timedelta(hours=1)
