"""Decisions of several symbols as their bars close: one live predictor each, warm, and stepped in order."""

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

import polars as pl

from tradsys.bundle.deployment import Deployment
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.time import format_step, interval_ms, to_ms, ts_ms
from tradsys.features.stream.bar import Bar, bars_of
from tradsys.features.stream.feature_stream import frame_of
from tradsys.live.bars.close import Close
from tradsys.live.outside.columns import OutsideSources
from tradsys.live.outside.pool import n_bars_needed, pool_of
from tradsys.live.telling import Tell
from tradsys.predictor.live import LivePredictor, can_step
from tradsys.predictor.predictor import Decision, Predictor


class SteppedPredictor(Protocol):
    """Decides for one symbol, bar after bar; `feature_values` are the last bar's, empty where nobody keeps them."""

    @property
    def feature_values(self) -> Mapping[str, float]: ...

    def warm(self, bars: pl.DataFrame, *, now: int) -> Decision: ...

    def step(self, bar: Bar, *, now: int) -> Decision: ...


class BatchPredictor:
    """A predictor that cannot be stepped, with an own model that has a memory: each bar is decided anew."""

    feature_values: Mapping[str, float] = {}

    def __init__(self, predictor: Predictor) -> None:
        self._predictor, self._symbol = predictor, ""
        self._bars = deque[Bar](maxlen=predictor.lookback)

    def warm(self, bars: pl.DataFrame, *, now: int) -> Decision:
        """Take in the history of one symbol; the decision for its last bar."""
        decision = self._predictor.decide(bars, now=now)
        self._symbol = decision.symbol
        self._bars.clear()
        self._bars.extend(bars_of(bars.drop("symbol")))
        return decision

    def step(self, bar: Bar, *, now: int) -> Decision:
        """The decision for the bar that has just closed; one that is refused is not kept."""
        bars = frame_of([*self._bars, bar]).with_columns(symbol=pl.lit(self._symbol))
        decision = self._predictor.decide(bars, now=now)
        self._bars.append(bar)
        return decision


class Decider:
    """Decides for every symbol of a deployment at each close.

    `undecided` says after each close which symbols have no decision and why; `cold` those whose history must be read
    anew before they have one again.
    """

    def __init__(
        self,
        predictor: Predictor,
        deployment: Deployment,
        bundle_hash: str,
        *,
        tell: Tell,
        outside: OutsideSources | None = None,
    ) -> None:
        _check(predictor, deployment, bundle_hash)
        predictor = replace(predictor, bundle_hash=bundle_hash)
        self._pool = pool_of(deployment)
        self.n_bars = n_bars_needed(predictor, deployment)
        """Closed bars that `warm` needs of each symbol at least."""
        self._symbols, self._interval_ms, self._tell = deployment.symbols, deployment.interval_ms, tell
        self._outside = outside or OutsideSources(deployment.outside, {})
        stepped = LivePredictor if can_step(predictor) else BatchPredictor
        self._predictors: dict[str, SteppedPredictor] = {symbol: stepped(predictor) for symbol in self._symbols}
        self._last_ms: dict[str, int] = {}
        self._ahead: dict[str, tuple[Bar, Decision | str]] = {}
        self._ranks: Mapping[str, Mapping[str, float]] = {}
        self._no_entry: str | None = None
        self.cold = dict.fromkeys(self._symbols, "it has no history yet")
        self.undecided: dict[str, str] = {}

    def warm(self, histories: Mapping[str, pl.DataFrame]) -> None:
        """Forget what was known of these symbols and take in their histories; one that is refused leaves it cold."""
        for symbol, history in self._ranked(histories).items():
            self._ahead.pop(symbol, None)
            opens = ts_ms(history)
            try:
                bars = self._outside.join(symbol, history)
                self._predictors[symbol].warm(bars, now=int(opens[-1]) + self._interval_ms)
            except DataError as error:
                self.cold[symbol] = f"its history was refused: {error}"
                self._tell("error", {"what": "history", "symbol": symbol, "reason": str(error)})
            else:
                self._last_ms[symbol] = int(opens[-1])
                self.cold.pop(symbol, None)

    def ahead(self, symbol: str, bar: Bar) -> None:
        """Decide for a bar that is confirmed while others of its close are still asked for; `decide` will know it.

        Where symbols are ranked among each other, each decision waits for all of them.
        """
        if self._pool is None and symbol not in self.cold and bar.ts == self._last_ms[symbol] + self._interval_ms:
            self._ahead[symbol] = bar, self._step(symbol, bar, bar.ts + self._interval_ms)

    def _ranked(self, histories: Mapping[str, pl.DataFrame]) -> Mapping[str, pl.DataFrame]:
        """The histories with the ranks of their symbols; those of bars that cannot be ranked leave all of them cold."""
        if self._pool is None or not histories:
            return histories
        try:
            return self._pool.join(histories)
        except DataError as error:
            for symbol in histories:
                self.cold[symbol] = f"its history was refused: {error}"
            self._tell("error", {"what": "history", "reason": str(error)})
            return {}

    def decide(self, close: Close) -> list[Decision]:
        """The decisions of one close, in the order of the symbols; `undecided` has the reasons of the others."""
        self.warm(close.histories)
        self.undecided = {}
        if self._pool is not None:
            self._ranks, self._no_entry = self._pool.at(close), self._pool.why_no_entry(close, self.cold)
        decisions = []
        for symbol in self._symbols:
            bar = close.bars.get(symbol)
            decided = close.missing.get(symbol) if bar is None else self._decided(symbol, bar, close.close_ms)
            if isinstance(decided, Decision):
                decisions.append(decided)
                self._tell("decision", _fields(decided))
            elif decided is not None:
                self.undecided[symbol] = decided
                self._tell("denied", {"symbol": symbol, "close_ms": close.close_ms, "reason": decided})
        return decisions

    def feature_values(self, symbol: str) -> Mapping[str, float]:
        """The features that a symbol was decided by last, standardised; empty where nobody keeps them."""
        return self._predictors[symbol].feature_values

    def _decided(self, symbol: str, bar: Bar, close_ms: int) -> Decision | str:
        """What was decided ahead, where it was of this bar."""
        known = self._ahead.pop(symbol, None)
        return self._step(symbol, bar, close_ms) if known is None or known[0] != bar else known[1]

    def _step(self, symbol: str, bar: Bar, close_ms: int) -> Decision | str:
        """The decision, or why there is none."""
        if why := self.cold.get(symbol):
            return why
        bar, no_entry = self._outside.enrich(symbol, bar, self._last_ms[symbol])
        if self._pool is not None:
            bar = bar._replace(outside={**bar.outside, **self._ranks[symbol]})
            no_entry = no_entry or self._no_entry
        try:
            decision = self._predictors[symbol].step(bar, now=close_ms)
        except DataError as error:
            self.cold[symbol] = f"its bar was refused: {error}"
            return self.cold[symbol]
        self._last_ms[symbol] = bar.ts
        return decision if no_entry is None else no_entry


def _check(predictor: Predictor, deployment: Deployment, bundle_hash: str) -> None:
    if predictor.bundle_hash not in ("", bundle_hash):
        raise ConfigError(f"the predictor came from the bundle {predictor.bundle_hash}, wanted {bundle_hash}")
    own_ms = interval_ms(predictor.interval)
    if own_ms != deployment.interval_ms:
        raise ConfigError(
            f"the bundle is deployed on bars of {format_step(deployment.interval_ms)}, and its predictor was fitted on "
            f"bars of {format_step(own_ms)}; deploy the run again"
        )
    foreign = [one for one in deployment.symbols if predictor.symbols is not None and one not in predictor.symbols]
    if foreign:
        raise ConfigError(
            f"the bundle is deployed on {', '.join(foreign)}, which its predictor was not fitted on; deploy it again"
        )


def _fields(decision: Decision) -> dict[str, object]:
    """A decision as plain values."""
    names = ("symbol", "action", "side", "size", "probability", "rank", "audit", "expected_net", "reason", "bar_hash")
    distances = ("stop_distance", "target_distance", "horizon")
    return {"close_ms": to_ms(decision.start)} | {name: getattr(decision, name) for name in (*names, *distances)}
