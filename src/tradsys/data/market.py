"""A market: bars of one or several symbols at one interval, with all that is known about where they came from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self, cast

import polars as pl

from tradsys.core.bars import split_symbols
from tradsys.core.defects import ROW
from tradsys.core.errors import ConfigError
from tradsys.core.price_path import PricePath
from tradsys.core.sides import SIDES, Side
from tradsys.core.tables import is_table
from tradsys.core.time import format_interval, infer_interval, interval_ms, stamp, to_ms, ts_ms
from tradsys.data.fingerprint import development_blocks, development_looks, extended, fingerprint, month_blocks
from tradsys.data.load import SIMULATED, is_simulated, load
from tradsys.data.many import LoadedBars, refuse_alike
from tradsys.data.repairs import Repair
from tradsys.data.settings import DataSettings
from tradsys.data.simulate.recipes import parse_recipe


@dataclass(frozen=True, slots=True)
class Market:
    """Checked bars with a `symbol` column, and how to recognise them again.

    `fingerprint` covers every value, and recipe and seed of simulated bars; `blocks` are hashes of each month's closes,
    and of each symbol's path of prices in `paths`, by which the ledger knows the market however it is stored;
    `is_development` says that the defaults were chosen on some of these very bars; `outside` names what was attached
    from outside the symbols' own trades.
    """

    bars: pl.DataFrame
    interval: timedelta
    sources: tuple[str, ...]
    symbols: tuple[str, ...]
    repairs: tuple[Repair, ...]
    fingerprint: str
    blocks: tuple[str, ...]
    is_development: bool
    outside: tuple[str, ...] = ()
    paths: tuple[PricePath, ...] = ()

    @classmethod
    def of(
        cls,
        bars: pl.DataFrame,
        interval: timedelta,
        sources: tuple[str, ...],
        repairs: tuple[Repair, ...] = (),
        drawn: Sequence[str] = (),
    ) -> Self:
        """A market of checked bars, recognised by what they hold; `drawn` says recipe and seed of simulated ones."""
        months = month_blocks(bars)
        frames = split_symbols(bars)
        paths = tuple(PricePath.of(frame, interval_ms(interval)) for frame in frames.values())
        return cls(
            bars=bars,
            interval=interval,
            sources=sources,
            symbols=tuple(frames),
            repairs=repairs,
            fingerprint=fingerprint(bars, drawn),
            blocks=(*months, *sorted(path.block for path in paths)),
            is_development=not development_blocks().isdisjoint(months),
            paths=paths,
        )

    def until(self, last: datetime) -> "Market":
        """The market as it was when `last` was the open of its newest bar; nothing may be attached to it yet."""
        if self.outside:
            raise ConfigError(f"a market is cut before anything is attached, found {'; '.join(self.outside)}")
        bars = self.bars.filter(pl.col("ts") <= last)
        return self if len(bars) == len(self.bars) else type(self).of(bars, self.interval, self.sources, self.repairs)

    @property
    def title(self) -> str:
        """The market in a few words: symbols, three of them by name, interval and days."""
        more = len(self.symbols) - 3
        names = ", ".join(self.symbols[:3]) + (f" and {more} more" if more > 0 else "")
        first, last = (cast(datetime, self.bars["ts"].min()), cast(datetime, self.bars["ts"].max()))
        return f"{names}, {format_interval(self.interval)}, {first:%Y-%m-%d} to {last:%Y-%m-%d}"

    @property
    def closes(self) -> int:
        """When the last bar of all has closed, ms."""
        return to_ms(cast(datetime, self.bars["ts"].max())) + interval_ms(self.interval)

    def blocks_within(self, opens: int, closes: int) -> tuple[str, ...]:
        """Those of the `blocks` that [opens, closes), ms, reaches into: of months and of symbols with bars there."""
        paths = (path.block for path in self.paths if path.reaches_into(opens, closes))
        return (*month_blocks(self.bars, opens=opens, closes=closes), *sorted(paths))

    def n_design_looks(self, opens: int, closes: int) -> int:
        """Configurations scored on bars of [opens, closes), ms, when the defaults were chosen.

        They are trials that no user's ledger knows.
        """
        if not self.is_development:
            return 0
        judged = month_blocks(self.bars, opens=opens, closes=closes)
        return 0 if development_blocks().isdisjoint(judged) else development_looks()

    @property
    def sides(self) -> tuple[Side, ...]:
        """Both, but longs alone where every source is a simulated market that is meant for them, as `bull` is."""
        is_long = [is_simulated(s) and parse_recipe(s.removeprefix(SIMULATED)).is_long_only for s in self.sources]
        return SIDES[:1] if all(is_long) else SIDES

    def by_symbol(self, joined: Callable[[str, pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
        """The bars with what `joined` (symbol, its bars) adds to each symbol's; rows stay in their order."""
        rows = self.bars.with_row_index(ROW).partition_by("symbol", as_dict=True, maintain_order=True)
        parts = [joined(str(symbol), bars) for (symbol,), bars in rows.items()]
        return pl.concat(parts).sort(ROW).drop(ROW)

    def attached(self, bars: pl.DataFrame, what: str) -> "Market":
        """The market with these bars: its own, row for row, with further columns from outside, which `what` names."""
        if not bars.select(self.bars.columns).equals(self.bars):
            raise ConfigError(f"attaching {what} must leave rows and columns of the bars as they are, found others")
        new = [name for name in bars.columns if name not in self.bars.columns]
        marked = extended(self.fingerprint, bars, new)
        return replace(self, bars=bars, fingerprint=marked, outside=(*self.outside, what))

    def frames(self) -> dict[str, pl.DataFrame]:
        """One frame a symbol, without the `symbol` column, in the order of `symbols`."""
        return split_symbols(self.bars)


def load_market(specs: Sequence[str | Path], *, seed: int = 0, settings: DataSettings = DataSettings()) -> Market:
    """One market from one or several specs of `load_bars`; all must have one interval and different symbols.

    `settings` say where the store is, `data/` below the working directory unless given.
    """
    if is_table(specs) or isinstance(specs, str | Path):
        raise ConfigError(f"a market needs a list of names of bars, found {type(specs).__name__}; give [...]")
    if not specs:
        raise ConfigError("a market needs at least one --bars, found none; try --bars sample")
    loaded = [load(spec, seed=seed, settings=settings) for spec in specs]
    sources = tuple(str(spec) for spec in specs)
    frames = [
        bars if "symbol" in bars.columns else bars.select(pl.lit(item.symbol).alias("symbol"), pl.all())
        for item, bars in ((item, item.bars) for item in loaded)
    ]
    interval = _common_interval(sources, frames)
    _refuse_repeated_symbols(sources, frames)
    shared = [name for name in frames[0].columns if all(name in frame.columns for frame in frames)]
    left_out = _left_out(sources, frames, shared)
    bars = pl.concat([frame.select(shared) for frame in frames])
    drawn = [f"{item.symbol} seed {seed}" for item, source in zip(loaded, sources, strict=True) if is_simulated(source)]
    repairs = (replace(repair, symbol=_named(item, loaded)) for item in loaded for repair in item.repairs)
    return Market.of(bars, interval, sources, (*repairs, *left_out), drawn)


def _left_out(sources: Sequence[str], frames: Sequence[pl.DataFrame], shared: Sequence[str]) -> list[Repair]:
    """What some of the pooled sources hold and others do not."""
    found = []
    for name in dict.fromkeys(name for frame in frames for name in frame.columns if name not in shared):
        without = [source for source, frame in zip(sources, frames, strict=True) if name not in frame.columns]
        sentence = f"column {name} was left out of all symbols, since {', '.join(without)} has none"
        found.append(Repair("incomplete column", sum(map(len, frames)), (), sentence))
    return found


def _named(item: LoadedBars, loaded: Sequence[LoadedBars]) -> str:
    """The symbol that repairs name: none where there is but one."""
    return item.symbol if len(loaded) > 1 else ""


def _common_interval(sources: Sequence[str], frames: Sequence[pl.DataFrame]) -> timedelta:
    intervals = [infer_interval(frame) for frame in frames]
    if len(set(intervals)) > 1:
        found = ", ".join(f"{s} {format_interval(i)}" for s, i in zip(sources, intervals, strict=True))
        raise ConfigError(f"pooled bars must have one interval, found {found}; resample one or run them apart")
    opens = [int(ts_ms(frame)[0]) for frame in frames]
    if len({first % interval_ms(intervals[0]) for first in opens}) > 1:
        found = ", ".join(f"{s} from {stamp(first)} on" for s, first in zip(sources, opens, strict=True))
        raise ConfigError(
            f"pooled bars must open at the same times, found bars of {format_interval(intervals[0])} in {found}; make "
            "them of shorter bars, or run them apart"
        )
    return intervals[0]


def _refuse_repeated_symbols(sources: Sequence[str], frames: Sequence[pl.DataFrame]) -> None:
    refuse_alike(symbol for frame in frames for symbol in split_symbols(frame))
    owner: dict[str, str] = {}
    for source, frame in zip(sources, frames, strict=True):
        for symbol in split_symbols(frame):
            if symbol in owner:
                raise ConfigError(
                    f"symbol {symbol} is in {owner[symbol]} and in {source}; give it once, or add a symbol column with "
                    "two names"
                )
            owner[symbol] = source
