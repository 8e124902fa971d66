"""The one object that decides: simulation, backtest, paper and live all call it; only the venue differs."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from functools import partial
from math import nan
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import polars as pl

from tradsys.bundle.bundle import ReadBundle, open_bundle, refuse_ranks
from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.bar_hash import bar_hashes
from tradsys.core.bars import closed_bars, split_symbols, to_arrays
from tradsys.core.errors import ConfigError, DataError, NotEnoughBars
from tradsys.core.frames import HeldBars, as_bars
from tradsys.core.plugins import load_plugins
from tradsys.core.threads import one_thread
from tradsys.core.time import interval_ms
from tradsys.labels.barriers import BarrierSpec
from tradsys.predictor.deployed import ARGUMENT, BUNDLE, deployed, profile_called
from tradsys.predictor.storage import PredictorParts, read_parts, write_parts
from tradsys.predictor.valuation import audit_inputs
from tradsys.profiles.forecast import Forecasts
from tradsys.profiles.profile import Profile


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision at the close of one bar, to be filled no earlier than the next open.

    `side` (+1 or -1) has the larger expected net return and `probability` is its calibrated chance that the target
    comes first; `rank` places it among the training part's out-of-fold confidences; `regime` holds the filtered
    probabilities of quiet, trend and panic; `audit` the auditor's probability that the trade makes money. `action` is
    -1, 0 or 1, `size` a share of the full size, the distances are in price units from the entry and `horizon` (bars)
    ends the trade in time. `n_open` bars were left out because they had not closed yet: `start` says which one decided.
    `expected_net` is what the side is expected to earn after costs, a fraction of the price, as the profile saw it.
    `bar_hash` is of the bar that decided (`core.bar_hash`), `bundle_hash` the SHA-256 of the manifest of the bundle;
    empty where the predictor came from none.
    """

    start: datetime
    symbol: str
    side: int
    probability: float
    rank: float
    regime: tuple[float, ...]
    audit: float
    action: int
    size: float
    stop_distance: float
    target_distance: float
    horizon: int
    reason: str
    n_open: int = 0
    expected_net: float = nan
    bar_hash: str = ""
    bundle_hash: str = ""


class ModelOutputs(NamedTuple):
    """What the models of a predictor make of one symbol's bars, row for row.

    `X` (n_bars, n_features), both models' uncalibrated log-odds (n_bars, 2), `regime` (n_bars, n_states).
    """

    X: FloatArray
    logits: FloatArray
    timeout: FloatArray
    regime: FloatArray


@dataclass(frozen=True, slots=True)
class Predictor(PredictorParts):
    """Everything that decides, fitted on one training part; holds no data and needs neither torch nor an engine.

    `profile_source` says what named the profile: the argument, a variable, or the bundle. `bundle_hash` is the SHA-256
    of the manifest of the bundle that it was read from, and empty where there is none.
    """

    profile_source: str = field(default=BUNDLE, compare=False)
    bundle_hash: str = field(default="", compare=False)

    @property
    def lookback(self) -> int:
        """Closed bars that the decision for the last one depends on."""
        deciding = self.features.lookback + max(one.memory for one in self.forecasters.values())
        watching = 0 if self.supervisor is None else self.supervisor.lookback
        return max(deciding, self.regimes.lookback, watching, self.barriers.lookback)

    @one_thread()
    def forecast(self, bars: HeldBars, symbol: str = "") -> Forecasts:
        """Forecasts of every bar of one symbol, each from bars up to its own close; its name says what it slips."""
        bars = as_bars(bars, "a forecast")
        X = self.features.compute(bars).values
        outputs = self.model_outputs(X, self.regimes.filter(bars))
        return self.forecasts(bars, outputs, np.ones(len(bars), bool), symbol)

    def model_outputs(self, X: FloatArray, regime: FloatArray) -> ModelOutputs:
        """What the models make of one symbol's features (n_bars, n_features) and regimes (n_bars, n_states)."""
        logits = {name: one.logits(X) for name, one in self.forecasters.items()}
        return ModelOutputs(X, self.combination.logits(logits, regime), self.timeout.logits(X), regime)

    def macro_states(self, bars: pl.DataFrame) -> FloatArray | None:
        """The supervisor's filtered states of other markets, (n_bars, n_states); None where there is no supervisor."""
        return None if self.supervisor is None else self.supervisor.filter(bars)

    def forecasts(self, bars: pl.DataFrame, outputs: ModelOutputs, rows: BoolArray, symbol: str = "") -> Forecasts:
        """Forecasts of the chosen rows, given the models' outputs for all bars of a symbol."""
        arrays = to_arrays(bars)
        atr = self.barriers.pace(bars)[rows]
        known = ModelOutputs(*(values[rows] for values in outputs))
        macro, holding_cost = (
            None if one is None else one[rows] for one in (self.macro_states(bars), self.valuation.holding_cost(bars))
        )
        start = arrays.ts[rows] + interval_ms(self.interval)
        return self.valued(start, arrays.close[rows], atr, known, holding_cost, macro, symbol)

    def valued(
        self,
        start: IntArray,
        close: FloatArray,
        atr: FloatArray,
        outputs: ModelOutputs,
        holding_cost: FloatArray | None,
        macro: FloatArray | None = None,
        symbol: str = "",
    ) -> Forecasts:
        """Forecasts of rows, given the models' outputs, decision times (ms), closes and the barriers' pace `atr`.

        `holding_cost` (n_rows, 2) is what each side is expected to cost while it is held, `macro` (n_rows, n_states)
        a supervisor's filtered states.
        """
        X, logits, timeout, regime = outputs
        ready = (
            np.isfinite(logits).all(axis=1)
            & np.isfinite(timeout).all(axis=1)
            & np.isfinite(regime).all(axis=1)
            & (atr > 0)
        )
        slippage = self.valuation.slippage_of(symbol)
        valued = self.valuation.value(logits, timeout, atr / close, holding_cost, slippage=slippage)
        money = None if self.money is None else self.money.apply(valued, atr / close)
        audit = np.full(len(atr), np.nan)
        if ready.any():
            audit[ready] = self.auditor.probability(audit_inputs(X, logits, valued, regime)[ready])
        return Forecasts(
            start=start,
            probability=valued.probability,
            expected_net=valued.expected_net if money is None else money.expected_net,
            net_error=None if money is None else money.standard_error,
            has_earned=None if self.money is None else np.full(len(start), self.money.earned.is_enough),
            best_side=valued.best_side,
            rank=self.ranks.rank(valued.probability),
            regime=regime,
            audit=audit,
            atr=atr,
            is_ready=ready,
            volatility=None if self.volatility is None else self.volatility.pace(X) * atr / close,
            macro=macro,
        )

    def checked(self, bars: HeldBars, *, now: datetime | int | None = None) -> tuple[dict[str, pl.DataFrame], int]:
        """The bars that may decide, one frame a symbol, and how many were left out: not closed by `now`.

        A DataError for bars that are not valid, of another interval, or of a symbol that the bundle does not name; a
        frame without a `symbol` column is taken as one of its own.
        """
        closed, n_open = closed_bars(as_bars(bars, "a predictor"), self.interval, now=now)
        frames = split_symbols(closed)
        foreign = [symbol for symbol in frames if symbol and self.symbols is not None and symbol not in self.symbols]
        if foreign:
            raise DataError(
                f"wanted bars of {', '.join(self.symbols or ())}, which this predictor was fitted on, found "
                f"{', '.join(foreign)}; rename or drop the column symbol where that is the same market, else run again "
                "with it"
            )
        return frames, n_open

    @one_thread()
    def decide_many(self, bars: HeldBars, *, now: datetime | int | None = None) -> pl.DataFrame:
        """A row a closed bar and symbol, in the fields of `Decision`; actions of 0 carry the reason they stay out.

        Bars are checked as `decide` does it, and a bar that closes after `now` has no row.
        """
        bars = as_bars(bars, "decide_many")
        frames, _ = self.checked(bars, now=now)
        if not any(map(len, frames.values())):
            raise NotEnoughBars(f"decisions need closed bars, found none among {len(bars)}; load earlier history first")
        return pl.concat(self._decided(symbol, frame) for symbol, frame in frames.items())

    def _decided(self, symbol: str, bars: pl.DataFrame) -> pl.DataFrame:
        """A row a bar of one symbol."""
        decided = decisions_frame(symbol, self.forecast(bars, symbol), self.profile, self.barriers)
        return decided.with_columns(
            pl.Series("bar_hash", bar_hashes(symbol, bars), dtype=pl.String),
            pl.lit(self.bundle_hash).alias("bundle_hash"),
        )

    def decide(self, bars: HeldBars, *, now: datetime | int | None = None) -> Decision:
        """The decision for the last bar of one symbol that has closed by `now`; the last row of `decide_many`.

        `now` is the clock's unless given (aware, or milliseconds). A bar that closes after it never decides: the last
        one, where it is still open, is left out and counted in `n_open`; without `now`, bars that open in the future
        are refused. With `now` in the past the decision is the one that was made then.
        """
        bars = as_bars(bars, "decide")
        frames, n_open = self.checked(bars, now=now)
        if len(frames) > 1:
            raise ConfigError(f"decide takes the bars of one symbol, found {len(frames)}; decide_many takes several")
        symbol, frame = next(iter(frames.items()), ("", bars.clear()))
        if len(frame) < self.lookback:
            raise NotEnoughBars(
                f"a decision needs {self.lookback} closed bars, found {len(frame)}; load earlier history first"
            )
        forecasts = self.forecast(frame.tail(self.lookback), symbol)
        row = decisions_frame(symbol, forecasts, self.profile, self.barriers).row(-1, named=True)
        row |= {"regime": tuple(row["regime"]), "bar_hash": bar_hashes(symbol, frame.tail(1))[0]}
        return Decision(**row, n_open=n_open, bundle_hash=self.bundle_hash)

    def save(self, folder: Path, *, deployment: Mapping[str, Any] | None = None) -> None:
        """Write the bundle that `load` reads; the folder must not exist yet.

        `deployment` are the plain values of a `bundle.deployment.Deployment`, where the bundle is to be traded.
        """
        write_parts(self, folder, deployment=deployment)

    @classmethod
    def load(
        cls,
        folder: Path | str,
        profile: Profile | str | None = None,
        *,
        plugins: Sequence[str | Path] | Path = (),
        log: Callable[[str], None] | None = None,
    ) -> Self:
        """The predictor of a bundle, after every byte of it has been checked.

        It is decided by `profile`, given or named; without one by STRATEGY_PROFILE in the environment or in `.env`, and
        where there is none by the profile that the bundle was written with. `profile_source` says which it was. What is
        doubtful about the bundle goes to `log`, a line each; the standard error stream by default. `plugins` are
        modules or .py files whose parts it has; a bundle imports none by itself, and refuses one of another source.
        """
        load_plugins((plugins,) if isinstance(plugins, str | Path) else plugins)
        return cls.of(open_bundle(Path(folder)), profile, log=log)

    @classmethod
    def of(
        cls, bundle: ReadBundle, profile: Profile | str | None = None, *, log: Callable[[str], None] | None = None
    ) -> Self:
        """The same of a bundle that was read already, whose plugins are loaded."""
        refuse_ranks(bundle)
        parts = read_parts(bundle)
        if parts.symbols is None:
            write = partial(print, file=sys.stderr) if log is None else log
            told = "does not name the symbols it was fitted on, and takes bars of any; run again to name them"
            write(f"{bundle.folder} {told}")
        chosen = deployed(parts.profile, parts.profiles, profile)
        whole = {one.name: getattr(parts, one.name) for one in fields(parts)}
        named = whole | {"profile": chosen.profile}
        return cls(**named, profile_source=chosen.source, bundle_hash=bundle.hash)

    def with_profile(self, profile: Profile | str) -> Self:
        """The same forecasts, decided by another profile, given or named ("AUDITED")."""
        named = profile_called(profile, self.profile, self.profiles)
        return replace(self, profile=named, profile_source=ARGUMENT)


def decisions_frame(
    symbol: str, forecasts: Forecasts, profile: Profile, barriers: BarrierSpec, *, only_entries: bool = False
) -> pl.DataFrame:
    """One symbol's decisions as a frame with the fields of `Decision`, but for the hashes; all of them, or entries."""
    actions = profile.decide(forecasts)
    rows = np.flatnonzero(actions.action) if only_entries else np.arange(len(forecasts.start))
    side, atr = forecasts.best_side[rows], forecasts.atr[rows]
    return pl.DataFrame(
        {
            "start": pl.Series(forecasts.start[rows]).cast(pl.Datetime("ms", "UTC")),
            "symbol": pl.repeat(symbol, len(rows), dtype=pl.String, eager=True),
            "side": np.where(side == 0, 1, -1).astype(np.int8),
            "probability": forecasts.probability[rows, side],
            "expected_net": forecasts.expected_net[rows, side],
            "rank": forecasts.rank[rows, side],
            "regime": pl.Series(forecasts.regime[rows], dtype=pl.Array(pl.Float64, forecasts.regime.shape[1])),
            "audit": forecasts.audit[rows],
            "action": actions.action[rows].astype(np.int8),
            "size": actions.size[rows],
            "stop_distance": barriers.lower * atr,
            "target_distance": barriers.upper * atr,
            "horizon": pl.repeat(barriers.horizon, len(rows), dtype=pl.Int32, eager=True),
            "reason": pl.Series([actions.reason[row] for row in rows.tolist()], dtype=pl.String),
        }
    )
