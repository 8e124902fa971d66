"""Triple-barrier labels: which comes first, the target, the stop or the time limit; and the spec of those of a run."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.bars import TS, Ohlcv
from tradsys.core.counts import check_counts, check_whole
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.frames import HeldBars, as_bars
from tradsys.core.kernels import njit
from tradsys.core.limit_entry import LimitEntry
from tradsys.core.single_symbol import single_symbol
from tradsys.core.time import infer_interval, interval_ms
from tradsys.core.traded import NO_VOLUME, NoVolume, TradedBars, traded_bars
from tradsys.labels.kernel import (
    MISSED,
    PESSIMISTIC,
    TARGET,
    FineBars,
    LimitOrders,
    Prices,
    no_fine_bars,
    only_traded,
    reason_names,
    walk_traded,
)
from tradsys.labels.measured import chosen_events, measured_pace
from tradsys.labels.pace import BarrierRule, ChoosesEvents, WilderAtr
from tradsys.labels.registry import rule_from_dict, rule_to_dict


def triple_barrier(
    bars: HeldBars,
    *,
    upper: float = 1.5,
    lower: float = 1.5,
    horizon: int = 24,
    atr_period: int = 14,
    side: int = 1,
    events: ArrayLike | None = None,
    fine_bars: HeldBars | None = None,
    no_volume: NoVolume = "lapse",
    rule: BarrierRule | None = None,
    entry: LimitEntry | None = None,
) -> pl.DataFrame:
    """Outcome of every trade that could have been decided at the close of a bar of one symbol.

    Decide at the close of bar t, enter at the open of t+1, aim `upper` ATRs ahead and stop `lower` ATRs behind
    (mirrored for `side=-1`), leave at the close of t+`horizon` at the latest. With a `rule` distances are multiples of
    its pace instead of the ATR. `events` are the deciding rows, by default all. Events without a positive ATR, or whose
    full horizon lies beyond the bars, are left out. Where one bar holds both barriers, `fine_bars` of a shorter
    interval decide; without them the stop is taken and the label is `ambiguous`.

    In a bar without volume nobody traded, and nothing is filled (`core.traded`). An entry there lapses and the event is
    left out, or with `no_volume="wait"` it is filled at the open of the next bar with trades within the horizon; no
    barrier is met there; who would leave by time there leaves at the open of the next bar with trades. Events whose
    horizon passes the last bar with trades are left out.

    With an `entry` the trade is entered by a limit order that rests from the open of t+1 on (`core.limit_entry`):
    filled at its price, from where the barriers are measured, by the first bar that trades through it, and missed where
    none does before it lapses. In the bar that fills it the worse case is taken. A trade that was missed earned nothing
    (`ret` 0, no `exit`) and ends with the bar in which its order lapsed.

    Returns a row an event: `index` (deciding row), `start` (its close), `end` (close of the exit bar), `entry`, `exit`
    (prices), `entry_index`, `exit_index`, `reason` ("target", "stop", "time" or "missed"), `label` (1 where the
    target came first), `ret` (gross return of the side, a fraction) and `ambiguous`.

        price          target -----------------x       label 1, reason "target"
                       entry  o~~~~/\\~~/\\~~/~~
                       stop   -----------------        t+1 ... t+horizon

    López de Prado, *Advances in Financial Machine Learning* (2018), ch. 3; barriers in ATR, scanned on highs and lows.
    """
    check_barriers(upper, lower, horizon, atr_period)
    check_no_volume(no_volume)
    if side not in (1, -1):
        raise ConfigError(f"side must be 1 (long) or -1 (short), was {side}")
    bars = as_bars(bars, "triple_barrier")
    arrays = single_symbol(bars, "triple_barrier")
    bar_ms = interval_ms(infer_interval(bars))
    pace = measured_pace(rule or WilderAtr(atr_period), bars)
    traded = TradedBars.of(arrays.volume)
    events_ = labelled_rows(_event_rows(events, len(arrays.ts)), pace, horizon, traded, no_volume)
    fine = no_fine_bars() if fine_bars is None else _cover(arrays.ts, bar_ms, fine_bars)
    return label_rows(
        arrays,
        pace,
        events_,
        bar_ms,
        traded,
        upper=upper,
        lower=lower,
        horizon=horizon,
        side=side,
        fine=fine,
        entry=entry,
    )


class LabelledRows(NamedTuple):
    """Rows that decide a trade, and those at whose opens it is entered; each (n_events,)."""

    rows: IntArray
    first: IntArray


def label_rows(
    arrays: Ohlcv,
    pace: FloatArray,
    events: LabelledRows,
    bar_ms: int,
    traded: TradedBars,
    *,
    upper: float,
    lower: float,
    horizon: int,
    side: int,
    fine: FineBars | None = None,
    entry: LimitEntry | None = None,
) -> pl.DataFrame:
    """The label frame of chosen events, as `labelled_rows` gives them; `pace` (n_bars,) is what distances multiply."""
    prices, (rows, first) = Prices(arrays.open, arrays.high, arrays.low, arrays.close), events
    price, unit = arrays.open[first], pace[rows]
    orders = None
    if entry is not None:
        price = entry.price(price, side, lower * unit)
        orders = LimitOrders(price, entry.rests_until(first, rows + horizon))
    target, stop = price + side * (upper * unit), price - side * (lower * unit)
    sides, inside = np.full(len(rows), side), fine or no_fine_bars()
    until = np.full(len(rows), len(arrays.ts) - 1)
    exits = walk_traded(prices, traded, inside, first, rows + horizon, sides, target, stop, PESSIMISTIC, until, orders)
    is_missed = exits.reason == MISSED
    return pl.DataFrame(
        {
            "index": rows,
            "start": arrays.ts[rows] + bar_ms,
            "end": arrays.ts[exits.row] + bar_ms,
            "entry": price,
            "exit": pl.Series(exits.price).set(pl.Series(is_missed), None),
            "entry_index": exits.entry,
            "exit_index": exits.row,
            "reason": reason_names(exits.reason),
            "label": (exits.reason == TARGET).astype(np.int8),
            "ret": side * (exits.price / price - 1.0),
            "ambiguous": exits.is_ambiguous,
        }
    ).with_columns(pl.col("start", "end").cast(TS))


def check_barriers(upper: float, lower: float, horizon: int, atr_period: int) -> None:
    """Refuse distances and counts of bars that cannot mean anything."""
    if not (upper > 0 and lower > 0):
        raise ConfigError(f"upper and lower must be positive distances in ATR, were {upper} and {lower}; 1.5 is usual")
    check_whole(horizon=horizon, atr_period=atr_period)
    if horizon < 1 or atr_period < 1:
        raise ConfigError(f"horizon and atr_period must be at least 1 bar, were {horizon} and {atr_period}")


def check_no_volume(no_volume: NoVolume) -> None:
    """Refuse what an entry without trades cannot do."""
    if no_volume not in NO_VOLUME:
        raise ConfigError(f"no_volume must be 'lapse' or 'wait', was {no_volume!r}")


def labelled_rows(
    rows: IntArray, pace: FloatArray, horizon: int, traded: TradedBars, no_volume: NoVolume = "lapse"
) -> LabelledRows:
    """Rows with a positive pace and an entry that is filled, the whole horizon inside the bars with trades.

    The whole horizon even where a barrier comes early: or those that hit one would be the only ones near the end.
    """
    rows = rows[(rows + horizon < traded.n_until_last) & (pace[rows] > 0)]
    first = traded.entries(rows, horizon, no_volume)
    is_filled = first >= 0
    return LabelledRows(rows, first) if is_filled.all() else LabelledRows(rows[is_filled], first[is_filled])


def _event_rows(events: ArrayLike | None, n_bars: int) -> IntArray:
    if events is None:
        return np.arange(n_bars)
    rows = np.asarray(events)
    if rows.size == 0:
        return np.empty(0, np.int64)
    if rows.ndim != 1 or rows.dtype.kind not in "iu":
        raise ConfigError(
            f"events must be row numbers of shape (n_events,), were {rows.dtype} of shape {rows.shape}; "
            "np.flatnonzero turns a mask into rows"
        )
    if rows.min() < 0 or rows.max() >= n_bars:
        raise ConfigError(
            f"events must be rows of the {n_bars} bars, 0 to {n_bars - 1}; found {rows.min()} to {rows.max()}"
        )
    return rows.astype(np.int64)


def _cover(ts: IntArray, bar_ms: int, fine_bars: HeldBars) -> FineBars:
    """Which fine rows lie inside each bar; a bar that they do not cover without a hole gets none."""
    fine_bars = as_bars(fine_bars, "fine_bars")
    fine = single_symbol(fine_bars, "fine_bars")
    fine_ms = interval_ms(infer_interval(fine_bars))
    if fine_ms >= bar_ms or bar_ms % fine_ms:
        raise DataError(
            f"fine_bars must divide the bars of {bar_ms / 1000:g} s evenly, theirs last {fine_ms / 1000:g} s; "
            "load a shorter interval"
        )
    first, after = np.searchsorted(fine.ts, ts), np.searchsorted(fine.ts, ts + bar_ms)
    begins = fine.ts[np.minimum(first, len(fine.ts) - 1)] == ts  # bars beside the grid reach into the next one
    is_covered = begins & (after - first == bar_ms // fine_ms)
    prices = only_traded(Prices(fine.open, fine.high, fine.low, fine.close), traded_bars(fine.volume))
    return FineBars(prices, np.where(is_covered, first, -1), np.where(is_covered, after - 1, -1))


type EventRule = Literal["every", "cusum"]


def every_bar(bars: HeldBars) -> IntArray:
    """All rows, shape (n_bars,)."""
    return np.arange(len(as_bars(bars, "every_bar")))


def cusum(bars: HeldBars, threshold: float, *, atr_period: int = 14) -> IntArray:
    """Rows at which the close has drifted `threshold` ATRs one way since the last event, shape (n_events,).

    The symmetric CUSUM filter on closes, with each step measured in the ATR of the bar before it, so that one threshold
    serves calm and wild markets alike.

    López de Prado, *Advances in Financial Machine Learning* (2018), ch. 2, snippet 2.4 (there in returns).
    """
    if not threshold > 0:
        raise ConfigError(f"a CUSUM threshold must be positive, in ATR, was {threshold}; 1.0 is a usual start")
    check_counts(atr_period=atr_period)
    return _cusum(as_bars(bars, "cusum"), WilderAtr(atr_period), threshold)


def _cusum(bars: pl.DataFrame, rule: BarrierRule, threshold: float) -> IntArray:
    return _cusum_rows(single_symbol(bars, "cusum").close, measured_pace(rule, bars), threshold)


@njit(cache=True)
def _cusum_rows(close: FloatArray, atr: FloatArray, threshold: float) -> IntArray:
    rows = np.empty(close.size, np.int64)
    n_events, up, down = 0, 0.0, 0.0
    for t in range(1, close.size):
        if not atr[t - 1] > 0:
            continue
        step = (close[t] - close[t - 1]) / atr[t - 1]
        up, down = max(0.0, up + step), min(0.0, down + step)
        if up >= threshold or down <= -threshold:
            rows[n_events] = t
            n_events += 1
            up, down = 0.0, 0.0
    return rows[:n_events].copy()


@dataclass(frozen=True, slots=True)
class BarrierSpec:
    """Distances of target and stop in multiples of a pace, horizon in bars, and the rule that picks the events.

    The pace is Wilder's ATR over `atr_period` bars, or what another `rule` measures. `no_volume` says what becomes of
    an entry in whose bar nobody trades, `entry` how one rests that is no market order. Labels, simulated trades and
    decisions all take their distances from `pace`.
    """

    upper: float = 1.5
    lower: float = 1.5
    horizon: int = 24
    atr_period: int = 14
    events: EventRule = "every"
    cusum_threshold: float = 1.0
    no_volume: NoVolume = "lapse"
    rule: BarrierRule | None = None
    entry: LimitEntry | None = None

    def __post_init__(self) -> None:
        check_barriers(self.upper, self.lower, self.horizon, self.atr_period)
        check_no_volume(self.no_volume)
        if self.events not in ("every", "cusum"):
            raise ConfigError(f"events must be 'every' or 'cusum', was {self.events!r}")
        if not self.cusum_threshold > 0:
            raise ConfigError(
                f"cusum_threshold must be a positive number of ATRs, was {self.cusum_threshold}; 1.0 is usual"
            )
        if isinstance(self.rule, WilderAtr):  # one spec has one form, which earlier versions read too
            object.__setattr__(self, "atr_period", self.rule.period)
            object.__setattr__(self, "rule", None)
        check_counts(**{f"the lookback of the barrier rule {self.pacing.name!r}": self.lookback})
        if self.events == "cusum" and isinstance(self.rule, ChoosesEvents):
            raise ConfigError(
                f"the barrier rule {self.rule.name!r} chooses its events itself, found events 'cusum' too; leave them "
                "at 'every'"
            )

    @property
    def pacing(self) -> BarrierRule:
        """The rule that measures the pace."""
        return self.rule or WilderAtr(self.atr_period)

    @property
    def unit(self) -> str:
        """What the distances are multiples of, in words."""
        return "ATR" if self.rule is None else f"times {self.rule.name}"

    @property
    def lookback(self) -> int:
        """Closed bars that settle a pace."""
        return self.pacing.lookback

    def pace(self, bars: pl.DataFrame) -> FloatArray:
        """What a distance of 1 is at the close of each of one symbol's bars, in price units, (n_bars,).

        Known at that close; NaN in the warm-up. No bar without a positive one has a label or a decision.
        """
        return measured_pace(self.pacing, bars)

    def label(self, bars: HeldBars) -> pl.DataFrame:
        """Labels of both sides: the columns of `triple_barrier` and `side` (Int8); all longs, then all shorts."""
        bars = as_bars(bars, "BarrierSpec.label")
        arrays = single_symbol(bars, "BarrierSpec.label")
        bar_ms = interval_ms(infer_interval(bars))
        pace = self.pace(bars)
        traded = TradedBars.of(arrays.volume)
        events = labelled_rows(self.event_rows(bars), pace, self.horizon, traded, self.no_volume)
        upper, lower, horizon, entry = self.upper, self.lower, self.horizon, self.entry
        return pl.concat(
            label_rows(
                arrays, pace, events, bar_ms, traded, upper=upper, lower=lower, horizon=horizon, side=side, entry=entry
            ).with_columns(pl.lit(side, dtype=pl.Int8).alias("side"))
            for side in (1, -1)
        )

    def event_rows(self, bars: HeldBars) -> IntArray:
        """Rows at whose close a trade may be decided."""
        bars = as_bars(bars, "BarrierSpec.event_rows")
        if self.events == "cusum":
            return _cusum(bars, self.pacing, self.cusum_threshold)
        chosen = chosen_events(self.pacing, bars)
        return every_bar(bars) if chosen is None else chosen

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON values; a bundle that knows the ATR alone has no `rule`, of market orders no `entry`."""
        plain = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in ("rule", "entry")}
        if self.rule is not None:
            plain["rule"] = rule_to_dict(self.rule)
        return plain if self.entry is None else {**plain, "entry": asdict(self.entry)}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """What `to_dict` wrote."""
        rule, entry = saved.get("rule"), saved.get("entry")
        read = {
            "rule": None if rule is None else rule_from_dict(rule),
            "entry": None if entry is None else LimitEntry(**entry),
        }
        return cls(**{**saved, **read})
