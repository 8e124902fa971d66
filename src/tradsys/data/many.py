"""Bars from several files that one name stands for, a folder or a glob: a symbol's are joined, symbols pooled."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from tradsys.core.bars import OHLCV, find_gaps
from tradsys.core.defects import find_defects, refuse
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.time import format_interval, infer_interval, interval_ms, stamp, ts_ms
from tradsys.data.files import SUFFIXES
from tradsys.data.reading import Reading
from tradsys.data.repairs import Repair, gaps_left
from tradsys.data.span import TimeSpan
from tradsys.data.zones import local_signs

_N_SHOWN = 3


@dataclass(frozen=True, slots=True)
class LoadedBars:
    """Bars as `validate_bars` wants them, the name of their symbol, and what was repaired on the way.

    Bars of several symbols have a column `symbol`.
    """

    bars: pl.DataFrame
    symbol: str
    repairs: tuple[Repair, ...]


def files_of(spec: str) -> list[Path]:
    """The files that a path, a folder or a glob stands for, in order of their names; none where it is neither.

    A folder stands for the tables right in it.
    """
    path = Path(spec).expanduser()
    if path.is_dir():
        found = sorted(one for one in path.iterdir() if one.suffix.lower() in SUFFIXES and one.name[0] != ".")
        found = [one for one in found if one.is_file()]
        if not found:
            raise ConfigError(
                f"{spec} is a folder without a file of bars ({', '.join(SUFFIXES)}); name one that has some"
            )
        return found
    if path.exists():
        return [path]
    if any(mark in spec for mark in "*?["):
        anchor = Path(path.anchor)
        found = sorted(one for one in anchor.glob(str(path.relative_to(anchor))) if one.is_file())
        if not found:
            raise ConfigError(f"no file matches {spec}; name files, a folder or another pattern")
        return [one for one in found if one.suffix.lower() in SUFFIXES] or found
    return []


def symbol_of(path: Path) -> str:
    """The symbol in a file's name: what stands before the first dash or dot.

    >>> symbol_of(Path("BTCUSDT-1h-2024-01.csv"))
    'BTCUSDT'
    """
    return path.name.split(".")[0].split("-")[0]


def files_by_symbol(paths: Sequence[Path], reading: Reading) -> tuple[list[tuple[Path, str]], Reading]:
    """Each file with the symbol that it is of unless it says so itself, and how it is to be read.

    Of several files those are taken whose names begin with a symbol that `reading` names; where all are of one symbol
    and one was named, that is what it is called.
    """
    if len(paths) == 1:
        return [(paths[0], symbol_of(paths[0]))], reading
    each = replace(reading, symbols=())
    named = [(path, symbol_of(path)) for path in paths]
    if len({symbol for _, symbol in named}) == 1 and len(reading.symbols) == 1:
        return [(path, reading.symbols[0]) for path in paths], each
    chosen = [one for one in named if one[1] in reading.symbols]
    # a symbol that no file is named after may stand inside of any
    return (chosen if chosen and {symbol for _, symbol in chosen} == set(reading.symbols) else named), each


def joined(
    paths: Sequence[Path], parts: Sequence[LoadedBars], reading: Reading = Reading(), span: TimeSpan | None = None
) -> LoadedBars:
    """The bars of all files, those of one symbol in order of time; a DataError where two disagree on a bar.

    Of the symbols that they hold, those that are named are taken, all where none is. A file of one bar does not show
    whether that bar is still open at the end of the `span` (now), nor a file of one year whether its times are local:
    here the other files do.
    """
    named = [
        (path, bars if "symbol" in bars.columns else bars.select(pl.lit(part.symbol).alias("symbol"), pl.all()))
        for path, part in zip(paths, parts, strict=True)
        for bars in [part.bars]
    ]
    repairs = [
        replace(repair, sentence=f"{path.name}: {repair.sentence}")
        for path, part in zip(paths, parts, strict=True)
        for repair in part.repairs
        if repair.kind != "gaps"  # those between files are there too, and told once
    ]
    shared = [name for name in named[0][1].columns if all(name in bars.columns for _, bars in named)]
    lost = list(dict.fromkeys(name for _, bars in named for name in bars.columns if name not in shared))
    if lost:
        sentence = f"not all files have {', '.join(lost)}, left out"
        repairs.append(Repair("incomplete column", len(lost), (), sentence))
    _refuse_other_intervals(named)
    pooled = pl.concat([bars.select(*shared, pl.lit(path.name).alias("__file")) for path, bars in named])
    pooled = Reading(symbols=reading.symbols).take(pooled, ", ".join(path.name for path in paths[:_N_SHOWN]))
    _refuse_lost(named, pooled, reading.symbols)
    symbols = pooled["symbol"].unique(maintain_order=True).to_list()
    refuse_alike(symbols)
    one_each = [_of_one(pooled.filter(pl.col("symbol") == symbol), symbol, repairs, reading.tz) for symbol in symbols]
    bars = pl.concat(one_each)
    if len(bars) > len(symbols):
        bars, still_open = (span or TimeSpan()).closed(bars, interval_ms(infer_interval(bars)), "these files")
        repairs += still_open
    if len(symbols) == 1:
        bars = bars.drop("symbol")
    return LoadedBars(bars, symbols[0] if len(symbols) == 1 else ", ".join(symbols), tuple(repairs))


def _refuse_lost(named: Sequence[tuple[Path, pl.DataFrame]], taken: pl.DataFrame, symbols: Sequence[str]) -> None:
    """A DataError where a file that is named after a wanted symbol holds another, so that nothing of it was taken."""
    kept = set(taken["__file"].unique())
    for path, bars in named:
        if symbol_of(path) in symbols and path.name not in kept:
            held = ", ".join(bars["symbol"].unique(maintain_order=True))
            raise DataError(
                f"{path.name} is named after {symbol_of(path)} and says itself that it holds {held}; ask for that "
                "symbol too, or mend the file"
            )


def refuse_alike(symbols: Iterable[str]) -> None:
    """A ConfigError where two names of symbols differ by case alone: most likely they are one."""
    seen: dict[str, str] = {}
    for symbol in symbols:
        other = seen.setdefault(symbol.upper(), symbol)
        if other != symbol:
            raise ConfigError(
                f"symbols {other} and {symbol} differ by case alone; write each in one way (in names of files too)"
            )


def _of_one(rows: pl.DataFrame, symbol: str, repairs: list[Repair], tz: str) -> pl.DataFrame:
    n_files = rows["__file"].n_unique()
    rows = rows.sort("ts", maintain_order=True)
    unique = rows.unique(["ts", *OHLCV], keep="first", maintain_order=True)
    again = unique.filter(pl.col("ts").is_duplicated())
    if len(again):
        names = again["__file"].unique(maintain_order=True).to_list()
        raise DataError(
            f"bars of {symbol} disagree in {' and '.join(names[:_N_SHOWN])}, first at "
            f"{stamp(int(again['ts'].dt.epoch('ms')[0]))}; keep one market a symbol (what stands before the first "
            "dash of a file's name), or one file for each time"
        )
    bars = unique.drop("__file")
    if n_files > 1:
        bars, defects = find_defects(bars.drop("symbol"))
        refuse(defects, f"bars of {symbol} from {n_files} files are refused", "mend the files, or name fewer of them")
        bars = bars.select(pl.lit(symbol).alias("symbol"), pl.all())
        copies = f", {len(rows) - len(unique):,} that are in two of them once" if len(rows) > len(unique) else ""
        sentence = f"bars of {symbol} joined from {n_files} files{copies}"
        repairs.append(Repair("joined files", len(bars), (), sentence, changed=False))
        if not tz and len(bars) > 1:
            repairs += _signs_beyond_files(bars, symbol, repairs)
    if len(bars) > 1:
        repairs += gaps_left(find_gaps(ts_ms(bars), infer_interval(bars)))
    return bars


def _signs_beyond_files(bars: pl.DataFrame, symbol: str, told: Sequence[Repair]) -> tuple[Repair, ...]:
    """Signs of local times in all files together, where no file alone told one."""
    signs = local_signs(ts_ms(bars), interval_ms(infer_interval(bars)), f"bars of {symbol} from several files")
    return () if any(one.kind == "clocks" for one in told) else signs


def _refuse_other_intervals(named: Sequence[tuple[Path, pl.DataFrame]]) -> None:
    found = {path.name: infer_interval(bars) for path, bars in named if len(bars) > 1}
    if len(set(found.values())) > 1:
        shown = ", ".join(f"{name} {format_interval(one)}" for name, one in found.items())
        raise ConfigError(f"files that are read together must have one interval, found {shown}; name those of one")
    if not found:
        return
    step = interval_ms(next(iter(found.values())))
    opens = {path.name: int(ts_ms(bars)[0]) for path, bars in named}
    if len({first % step for first in opens.values()}) > 1:
        first = next(iter(opens.values()))
        other = next(name for name, one in opens.items() if (one - first) % step)
        raise ConfigError(
            f"files that are read together must have bars that open at the same times, found {next(iter(opens))} from "
            f"{stamp(first)} on and {other} from {stamp(opens[other])} on; make them of shorter bars, or name one"
        )
