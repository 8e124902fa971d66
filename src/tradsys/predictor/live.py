"""A predictor that steps bar by bar: the decision for a bar takes microseconds once the bar has closed."""

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.core.bar_hash import bar_hash
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.frames import HeldBars, as_bars
from tradsys.core.time import as_ms, interval_ms, stamp
from tradsys.features.stream.bar import Bar, HeldBar, as_bar, bars_of, check_bar
from tradsys.features.stream.feature_stream import FeatureStream, frame_of
from tradsys.labels.pace import MovingPace
from tradsys.models.forecaster import FittedForecaster
from tradsys.models.networks.onnx_forecaster import OnnxForecaster
from tradsys.models.networks.stepper import Stepper
from tradsys.predictor.moving_pace import moving_pace
from tradsys.predictor.predictor import Decision, ModelOutputs, Predictor
from tradsys.regimes.family import RegimeFilter
from tradsys.regimes.moving_macro import MovingMacro


@dataclass(frozen=True, slots=True)
class _RegimeColumns:
    """The filter of the regimes as columns of a stream."""

    regimes: RegimeFilter

    @property
    def name(self) -> str:
        return "regimes"

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(f"regime_{state}" for state in range(self.regimes.n_states))

    @property
    def lookback(self) -> int:
        return self.regimes.lookback

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        return self.regimes.filter(bars)


_MOVING = ("_symbol", "_pace", "_macro", "_close", "_last", "_row", "_logits", "_n_seen")
"""What of a live predictor itself moves on by a bar; its features and networks keep their own memory."""


class LivePredictor:
    """`Predictor.decide`, one closed bar after the other; `warm` with history first.

    `forecast` stops at the raw log-odds, which is the quick part; `step` goes on to the whole decision. Both take the
    bar that comes next and refuse any other, without having moved. A supervised profile watches other markets, whose
    columns come with each bar, as they were known at its close. The pace of the barriers, an average true range
    unless set, goes on from the history's, as in `decide_many`, where `decide` begins it anew: at most 4e-7 of it
    apart.
    """

    def __init__(self, predictor: Predictor, *, slow: Collection[str] = ()) -> None:
        self.predictor = predictor
        self.features = FeatureStream(
            predictor.features, predictor.interval, unscaled=(_RegimeColumns(predictor.regimes),), slow=slow
        )
        self._columns = predictor.features.columns
        self._n_features = len(self._columns)
        self._step_ms = interval_ms(predictor.interval)
        self._symbol, self._close = "", float("nan")
        self._pace: MovingPace | None = None
        self._macro: MovingMacro | None = None
        self._row, self._logits = np.empty(0), np.empty(0)
        self._last = pl.DataFrame()
        self._n_seen = 0
        models = predictor.forecasters
        self._steppers = {name: Stepper(one) for name, one in models.items() if isinstance(one, OnnxForecaster)}
        self._step_of = {
            name: self._steppers[name].step if name in self._steppers else _row_model(one)
            for name, one in models.items()
        }

    def warm(self, bars: HeldBars, *, now: datetime | int | None = None) -> Decision:
        """Forget everything and take in the history of one symbol, `Predictor.lookback` closed bars at least.

        Returns the decision for its last bar that has closed by `now`; bars are checked as `Predictor.decide` does it.
        A history that is refused leaves everything as it was.
        """
        predictor = self.predictor
        frames, n_open = predictor.checked(as_bars(bars, "a warm start"), now=now)
        if len(frames) != 1:
            raise ConfigError(f"a live predictor follows one symbol, found {len(frames)}; make one for each")
        ((symbol, frame),) = frames.items()
        memory = max(one.memory for one in predictor.forecasters.values())
        with self._unmoved_if_refused():
            rows = self.features.warm(frame, n_rows=memory + 1)
            for stepper in self._steppers.values():
                stepper.warm(rows[:-1, : self._n_features])
            self._symbol, self._close = symbol, float(frame["close"][-1])
            self._pace = moving_pace(predictor.barriers.pacing, frame)
            if predictor.supervisor is not None:
                self._macro = MovingMacro.of(predictor.supervisor, frame)
            self._last = frame.tail(1)
            self._read(rows[-1])
            return replace(self._decision(bars_of(self._last)[0]), n_open=n_open)

    @contextmanager
    def _unmoved_if_refused(self) -> Iterator[None]:
        known = {name: getattr(self, name) for name in _MOVING}
        try:
            with ExitStack() as parts:
                parts.enter_context(self.features.unmoved_if_refused())
                for stepper in self._steppers.values():
                    parts.enter_context(stepper.unmoved_if_refused())
                yield
        except BaseException:
            for name, value in known.items():
                setattr(self, name, value)
            raise

    def forecast(self, bar: HeldBar, *, after_gap: bool = False, now: datetime | int | None = None) -> FloatArray:
        """Uncalibrated log-odds (2,) of the bar that has just closed; one that closes after `now` is refused."""
        if self._pace is None or self.features.n_seen != self._n_seen:
            raise ConfigError(
                "a live predictor needs its history first, and again after its features were stepped by somebody else; "
                "call warm(bars)"
            )
        bar = as_bar(bar, self._symbol)
        if bar.ts + self._step_ms > (until := as_ms(now)):
            raise DataError(
                f"wanted a closed bar, found that of {stamp(bar.ts)}, which closes at {stamp(bar.ts + self._step_ms)}, "
                f"after now, {stamp(until)} UTC; wait until it has closed, or give now=..."
            )
        has_cost = self.predictor.valuation.holding is not None
        last = frame_of([bar]) if has_cost else self._last
        if has_cost:
            self.predictor.valuation.holding_cost(last)  # refuses a bar that does not tell its rates
        check_bar(bar)
        pace = self._pace.after(bar)  # before anything moves: a rule of a user's may fail
        macro = None if self._macro is None else self._macro.after(bar.ts, bar.outside)
        row = self.features.step(bar, after_gap=after_gap)
        self._pace, self._macro, self._close, self._last = pace, macro, bar.close, last
        self._read(row)
        return self._logits

    def step(self, bar: HeldBar, *, after_gap: bool = False, now: datetime | int | None = None) -> Decision:
        """The decision for the bar that has just closed; one that closes after `now` is refused, and nothing moves."""
        bar = as_bar(bar, self._symbol)
        self.forecast(bar, after_gap=after_gap, now=now)
        return self._decision(bar)

    @property
    def feature_values(self) -> dict[str, float]:
        """The features of the last bar as the models read them, standardised, by name."""
        return dict(zip(self._columns, self._row[: self._n_features].tolist(), strict=True))

    def _read(self, row: FloatArray) -> None:
        logits = {name: step(row[: self._n_features])[None] for name, step in self._step_of.items()}
        self._row = row
        self._logits = self.predictor.combination.logits(logits, row[None, self._n_features :])[0]
        self._n_seen = self.features.n_seen

    def _decision(self, bar: Bar) -> Decision:
        assert self._pace is not None  # no row came without one
        pace = self._pace.pace
        predictor, X = self.predictor, self._row[None, : self._n_features]
        outputs = ModelOutputs(X, self._logits[None], predictor.timeout.logits(X), self._row[None, self._n_features :])
        start = self.features.last_ts + self._step_ms
        cost = predictor.valuation.holding_cost(self._last)
        close, atr = np.array([self._close]), np.array([pace])
        macro = None if self._macro is None else self._macro.states[None]
        forecasts = predictor.valued(np.array([start]), close, atr, outputs, cost, macro, self._symbol)
        actions = predictor.profile.decide(forecasts)
        return Decision(
            start=datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=start),
            symbol=self._symbol,
            side=1 if forecasts.best_side[0] == 0 else -1,
            probability=float(forecasts.chosen(forecasts.probability)[0]),
            rank=float(forecasts.chosen(forecasts.rank)[0]),
            regime=tuple(forecasts.regime[0].tolist()),
            audit=float(forecasts.audit[0]),
            action=int(actions.action[0]),
            size=float(actions.size[0]),
            stop_distance=predictor.barriers.lower * pace,
            target_distance=predictor.barriers.upper * pace,
            horizon=predictor.barriers.horizon,
            reason=actions.reason[0],
            expected_net=float(forecasts.chosen(forecasts.expected_net)[0]),
            bar_hash=bar_hash(self._symbol, bar.ts, bar[1:6]),
            bundle_hash=predictor.bundle_hash,
        )


def can_step(predictor: Predictor) -> bool:
    """Whether a live predictor can be made of it: each model reads its own row alone, or keeps its memory itself."""
    return all(one.memory == 0 or isinstance(one, OnnxForecaster) for one in predictor.forecasters.values())


def _row_model(forecaster: FittedForecaster) -> Callable[[FloatArray], FloatArray]:
    """A model that reads one row, as its own batch of that row."""
    if forecaster.memory:
        raise ConfigError(
            f"a {forecaster.kind} model reads {forecaster.memory} earlier rows and does not step; decide with "
            "Predictor.decide instead"
        )
    return lambda row: forecaster.logits(row[None])[0]
