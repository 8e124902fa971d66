"""A rank portfolio as something that decides: what is to be held from a close on, as `tradsys rank` chose it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import polars as pl

from tradsys.bundle.bundle import DEPLOYMENT, RANKS, ReadBundle, open_bundle, write_bundle
from tradsys.bundle.strict import read_strictly
from tradsys.core.bars import closed_bars, split_symbols
from tradsys.core.errors import BundleError, DataError, NotEnoughBars
from tradsys.core.frames import HeldBars, as_bars
from tradsys.core.json_text import canonical_json, plain, read_json
from tradsys.core.threads import one_thread
from tradsys.core.time import DAY_MS, from_ms, interval_ms, ts_ms
from tradsys.data.panel import PricePanel
from tradsys.data.universe import Listing, UniverseSpec
from tradsys.predictor.rank_rule import NAME, RankRule


@dataclass(frozen=True, slots=True)
class TargetWeights:
    """What is to be held of each symbol from the open after `start` on: a share of the equity, negative for a short.

    Symbols with a weight of 0 are to be left. It holds until the next choice.
    """

    start: datetime
    weights: Mapping[str, float]
    bundle_hash: str = ""


@dataclass(frozen=True, slots=True)
class RankDecider:
    """Chooses among `symbols` by a rule of ranks; nothing of it is fitted.

    `gross` is the exposure of both sides together, as a share of equity. `listed_ms` says of some symbols since when
    they trade, where that is before their first bar; `has_quote_volume` whether members are chosen by the bars'
    `quote_volume`, else by volume times close. `slippage` is what a market order on each symbol paid lately, a fraction
    of its notional; empty where the costs set a number for all.
    """

    rule: RankRule
    universe: UniverseSpec
    gross: float
    symbols: tuple[str, ...]
    interval: timedelta
    listed_ms: Mapping[str, int] = field(default_factory=dict)
    has_quote_volume: bool = False
    slippage: Mapping[str, float] = field(default_factory=dict)
    bundle_hash: str = field(default="", compare=False)

    @property
    def most_held(self) -> int:
        """Symbols on both sides together that a choice may hold."""
        return self.rule.most_held(min(self.universe.size, len(self.symbols)))

    @property
    def lookback(self) -> int:
        """Closed bars of each symbol that a choice depends on, those that its members are chosen by included."""
        one = self.universe
        days = one.rebalance_days + max(one.volume_days, one.min_listed_days) + 1
        return days * DAY_MS // interval_ms(self.interval) + self.rule.rows

    @one_thread()
    def decide(self, bars: HeldBars, *, now: datetime | int | None = None) -> TargetWeights | None:
        """The choice at the last close of these bars that has come by `now`; None where none is due there.

        A symbol that has no bar at that close is not compared, as in the run.
        """
        due = self.decide_many(bars, now=now)
        last = max(int(ts_ms(frame)[-1]) for frame in self._frames(bars, now).values()) + interval_ms(self.interval)
        return due[-1] if due and due[-1].start == from_ms(last) else None

    @one_thread()
    def decide_many(self, bars: HeldBars, *, now: datetime | int | None = None) -> list[TargetWeights]:
        """Every choice that was due in these bars, in order; those with `lookback` bars behind them are a run's."""
        frames, bar_ms = self._frames(bars, now), interval_ms(self.interval)
        panel = PricePanel.of(frames, bar_ms)
        listings = {symbol: Listing(ms) for symbol, ms in self.listed_ms.items() if symbol in frames}
        member = self.universe.choose(frames, bar_ms, listings).at(panel.times)
        weights = self.rule.wanted(panel, frames, member, self.gross).weights
        return [
            TargetWeights(from_ms(int(panel.times[at])), dict(zip(panel.symbols, row, strict=True)), self.bundle_hash)
            for at in np.flatnonzero(self.rule.is_due(panel.times, bar_ms))
            for row in [weights[at].tolist()]
        ]

    def _frames(self, bars: HeldBars, now: datetime | int | None) -> dict[str, pl.DataFrame]:
        """Closed bars by symbol, in the order of the run's, with what members are chosen by and nothing else."""
        closed, _ = closed_bars(as_bars(bars, "a rank portfolio"), self.interval, now=now)
        found = split_symbols(closed)
        if foreign := sorted(found.keys() - set(self.symbols)):
            raise DataError(f"wanted bars of {', '.join(self.symbols)}, found {', '.join(foreign)} too; leave them out")
        if not any(map(len, found.values())):
            raise NotEnoughBars(f"a choice needs closed bars, found none of {', '.join(self.symbols)}")
        frames = {symbol: found[symbol] for symbol in self.symbols if symbol in found}
        if not self.has_quote_volume:
            return {symbol: frame.drop("quote_volume", strict=False) for symbol, frame in frames.items()}
        if lacking := [symbol for symbol, frame in frames.items() if "quote_volume" not in frame.columns]:
            raise DataError(
                f"members are chosen by quote_volume, which the bars of {', '.join(lacking)} do not tell; give bars "
                "with it, or rank again on bars without it"
            )
        return frames

    def save(self, folder: Path, *, deployment: Mapping[str, Any] | None = None) -> None:
        """Write the bundle that `load` reads; the folder must not exist yet."""
        about: dict[str, Any] = {"profile": NAME, "decides": "target weights"}
        if deployment is not None:
            about[DEPLOYMENT] = deployment
        stored = _Stored(
            rule=self.rule,
            universe=self.universe,
            gross=self.gross,
            symbols=self.symbols,
            interval_ms=interval_ms(self.interval),
            listed_ms=self.listed_ms,
            has_quote_volume=self.has_quote_volume,
            slippage=self.slippage,
        )
        write_bundle(folder, {RANKS: canonical_json(_as_before(plain(asdict(stored)))).encode()}, about=about)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """The decider of a bundle, after every byte of it has been checked."""
        return cls.of(open_bundle(Path(folder)))

    @classmethod
    def of(cls, bundle: ReadBundle) -> Self:
        """The same of a bundle that was read already; a BundleError where it holds another decider."""
        if RANKS not in bundle.files:
            raise BundleError(
                f"{bundle.folder} holds no rank portfolio but a predictor: load it with Predictor.load, or give the "
                "bundle of a deployed run of tradsys rank"
            )
        one = read_strictly(_Stored, _completed(read_json(bundle.files[RANKS])), RANKS)
        return cls(
            rule=one.rule,
            universe=one.universe,
            gross=one.gross,
            symbols=one.symbols,
            interval=timedelta(milliseconds=one.interval_ms),
            listed_ms=one.listed_ms,
            has_quote_volume=one.has_quote_volume,
            slippage=one.slippage,
            bundle_hash=bundle.hash,
        )


@dataclass(frozen=True, slots=True)
class _Stored:
    """A decider as its file has it."""

    rule: RankRule
    universe: UniverseSpec
    gross: float
    symbols: tuple[str, ...]
    interval_ms: int
    listed_ms: Mapping[str, int]
    has_quote_volume: bool
    slippage: Mapping[str, float]


_FIRST: Final = ("lookback", "horizon", "k", "signal", "contrarian")
"""Fields of the rule that every bundle states; one that came later is left out at its default."""


def _as_before(stored: dict[str, Any]) -> dict[str, Any]:
    """A rule of the fields that bundles always had gives the bundle that it always gave."""
    usual = asdict(RankRule())
    rule = {name: value for name, value in stored["rule"].items() if name in _FIRST or value != usual[name]}
    lean = stored | {"rule": rule}
    return lean if stored["slippage"] else {name: value for name, value in lean.items() if name != "slippage"}


def _completed(content: Any) -> Any:
    """The content with the defaults of fields that it leaves out because they came later."""
    if not isinstance(content, dict) or not isinstance(content.get("rule"), dict):
        return content  # for the reader to name
    later = {name: value for name, value in asdict(RankRule()).items() if name not in _FIRST}
    return {"slippage": {}} | content | {"rule": later | content["rule"]}
