"""Target weights as bars close: the choice that is due, from the bars of all symbols, and when it is put off."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

import polars as pl

from tradsys.bundle.deployment import Deployment
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.time import to_ms, ts_ms
from tradsys.features.universe_ranks import LEAST
from tradsys.live.bars.close import Close
from tradsys.live.outside.pool_bars import PoolBars
from tradsys.live.telling import Tell
from tradsys.predictor.rank_decider import RankDecider, TargetWeights

LATEST: Final = 1
"""Bars after its close on which a choice may still make positions larger: a verdict asks whether the profit stands one
bar later."""


class ChosenWeights(NamedTuple):
    """Weights, the close that they were chosen at, and how many bars ago that is."""

    weights: TargetWeights
    choice_ms: int
    n_late: int


class Weigher:
    """The choices of a deployed rank portfolio, one after another; none is made twice or out of order.

    What a close lacks is told: symbols that have no history are `cold`, and a symbol that was there lately and has no
    bar puts the choice off to the next close, since nobody knows whether its bar is only late.
    """

    def __init__(self, ranks: RankDecider, deployment: Deployment, bundle_hash: str, *, tell: Tell) -> None:
        if ranks.bundle_hash not in ("", bundle_hash):
            raise ConfigError(f"the ranks came from the bundle {ranks.bundle_hash}, wanted {bundle_hash}")
        if deployment.pool is None:
            raise ConfigError("the bundle ranks its symbols and does not say how they are chosen; deploy the run again")
        if ranks.rule.outside:
            raise ConfigError(
                f"the bundle's ranks read {', '.join(ranks.rule.outside)}, which no bot of target weights gets yet; "
                "deploy a rule whose signal is made of prices"
            )
        self._ranks = replace(ranks, bundle_hash=bundle_hash)
        self.n_bars = ranks.lookback + ranks.rule.horizon
        """Closed bars that `warm` needs of each symbol, as far as it has traded so long: a start may find a choice that
        was due almost a horizon ago, which the same bars must choose as on time."""
        self._bars = PoolBars(deployment.pool, deployment.symbols, self.n_bars)
        self._symbols, self._interval_ms, self._tell = deployment.symbols, deployment.interval_ms, tell
        self.cold = dict.fromkeys(self._symbols, "it has no history yet")

    def warm(self, histories: Mapping[str, pl.DataFrame]) -> None:
        """Take in the histories of these symbols; those that cannot be ranked leave all of them cold."""
        try:
            self._bars.join(histories)
        except DataError as error:
            self.cold |= dict.fromkeys(histories, f"its history was refused: {error}")
            self._tell("error", {"what": "history", "reason": str(error)})
            return
        for symbol in histories:
            self.cold.pop(symbol, None)

    def choice(self, close: Close, known_ms: int) -> ChosenWeights | str | None:
        """What is due at a close after the choice of `known_ms`; a text why it is put off, None where none is due."""
        self.warm(close.histories)
        for symbol, bar in close.bars.items():
            if symbol not in self.cold:
                self._bars.take(symbol, bar)
        lacking = self._bars.missing_lately(close, self.cold)
        step_ms = self._ranks.rule.horizon * self._interval_ms
        due_ms = close.close_ms // step_ms * step_ms
        if due_ms <= known_ms:
            return None
        n_late = (close.close_ms - due_ms) // self._interval_ms
        if n_late <= LATEST and close.no_entry is not None:
            return close.no_entry
        if lacking:
            return f"weights compare all symbols of a close, and {', '.join(lacking)} did not come"
        came = [symbol for symbol in self._symbols if symbol in close.bars]
        if len(came) < LEAST:
            return f"weights compare at least {LEAST} symbols, and {', '.join(came) or 'none'} came alone"
        return self._chosen(due_ms, n_late)

    def _chosen(self, due_ms: int, n_late: int) -> ChosenWeights | str | None:
        opened = pl.col("ts").dt.epoch("ms") < due_ms
        frames = {symbol: bars.filter(opened).tail(self._ranks.lookback) for symbol, bars in self._bars.frames.items()}
        known = {symbol: bars for symbol, bars in frames.items() if len(bars)}
        if not any(int(ts_ms(bars)[-1]) + self._interval_ms == due_ms for bars in known.values()):
            return None
        held = pl.concat([bars.with_columns(symbol=pl.lit(symbol)) for symbol, bars in known.items()])
        try:
            weights = self._ranks.decide(held, now=due_ms)
        except DataError as error:
            return f"the bars were refused: {error}"
        if weights is None or to_ms(weights.start) != due_ms:
            return None
        return ChosenWeights(weights, due_ms, n_late)
