"""Bars from what `--bars` names: a file, a stored series or what it is made of, the sample, a simulated market."""

import difflib
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from importlib.resources import files
from pathlib import Path

import polars as pl

from tradsys.core.bars import OHLCV, OPTIONAL, find_gaps
from tradsys.core.defects import ROW, find_defects, refuse
from tradsys.core.errors import ConfigError, DataError, NotEnoughBars
from tradsys.core.frames import HeldBars
from tradsys.core.time import interval_ms, ts_ms
from tradsys.data.clean import clean
from tradsys.data.columns import recognise
from tradsys.data.files import SUFFIXES, read_table
from tradsys.data.frames import bars_of_frames
from tradsys.data.many import LoadedBars, files_by_symbol, files_of, joined
from tradsys.data.reading import Reading
from tradsys.data.repairs import Repair, gaps_left, incomplete_column
from tradsys.data.settings import DataSettings
from tradsys.data.simulate.market import simulate, simulate_symbols
from tradsys.data.simulate.recipes import examples, parse_recipe
from tradsys.data.span import TimeSpan
from tradsys.data.store.resample import divides, off_the_grid, resample
from tradsys.data.store.series import SeriesId, is_series
from tradsys.data.store.store import SeriesStore
from tradsys.data.suspects import sessions_noticed, settle_suspects

SIMULATED = "simulated:"
_LONGEST_NAME = 255
"""Bytes of a file's name that every usual file system holds."""


def load_bars(
    spec: str | Path | HeldBars,
    *,
    seed: int = 0,
    log: Callable[[str], None] | None = None,
    settings: DataSettings | None = None,
    span: tuple[datetime | None, datetime | None] = (None, None),
    tz: str | None = None,
    symbol: str | Sequence[str] | None = None,
    columns: Mapping[str, str] | None = None,
) -> pl.DataFrame:
    """Checked bars from `sample`, `simulated:<recipe>`, a file, a folder or glob of files, or a stored series.

    Files are Parquet, Feather, CSV or JSON, packed or not. `tz` is the zone of times that name none, `symbol` the one
    to take (or to name), `columns` what columns are, as {"close": "Last"}; all three may also stand behind the file:
    "bars.csv?tz=Asia/Tokyo&columns=close:Last".

    Or from a frame, Polars' or pandas', read as a file is; a list of frames is pooled, one symbol each, whose names are
    those of a column `symbol`, or the keys of a dictionary of frames.
    Every repair, and everything that looks wrong but was left alone, goes to `log` (a line each; the standard error
    stream by default). What cannot be repaired safely is refused with a DataError. `seed` draws simulated markets.
    `span` (aware times) bounds when bars of files and stores may be from: 1980 and now unless given. Bars beyond it are
    refused; the one that is still open at its end is dropped.
    `settings` say where the store of "binance:BTC/USDT:1h" is; without them a stored series is looked for where
    tradsys.toml, `.env` and the environment say. This is the one place of `data` that reads them, for whoever calls it
    from a notebook: all else is given its settings.
    """
    if settings is None:
        is_stored = isinstance(spec, str | Path) and is_series(str(spec))
        settings = DataSettings.load() if is_stored else DataSettings()
    if not isinstance(span, tuple) or len(span) != 2 or not all(isinstance(when, datetime | None) for when in span):
        raise ConfigError(
            f"span takes two times, such as (datetime(2020, 1, 1, tzinfo=UTC), None), found {span!r}; give datetimes"
        )
    given = {key: when for key, when in zip(("earliest", "latest"), span, strict=True) if when is not None}
    settings, reading = settings.model_copy(update=given), Reading.of(tz, symbol, columns)
    write = partial(print, file=sys.stderr) if log is None else log
    if not isinstance(spec, str | Path):
        return bars_of_frames(spec, settings.span, write, reading)
    loaded = load(with_reading(spec, reading), seed=seed, settings=settings)
    for repair in loaded.repairs:
        write(f"{spec if is_series(str(spec)) else Path(Reading.split(str(spec))[0]).name}: {repair.sentence}")
    return loaded.bars


def load(spec: str | Path, *, seed: int = 0, settings: DataSettings = DataSettings()) -> LoadedBars:
    """The bars behind a spec, with their symbol and the repairs; `settings` say where the store is."""
    if not isinstance(spec, str | Path):
        raise ConfigError(f"wanted the name of bars here, found {type(spec).__name__}; load_bars(frame) takes frames")
    text = str(spec)
    if text == "sample":
        return _from_file(sample_path(), "BTC-USD", settings.span)
    if is_simulated(text):
        recipe = parse_recipe(text.removeprefix("simulated").removeprefix(":"))
        if recipe.n_symbols > 1:
            return LoadedBars(simulate_symbols(recipe.name, seed=seed), recipe.name, ())
        return LoadedBars(simulate(recipe.name, seed=seed), recipe.name, ())
    text, reading = Reading.split(text)
    refuse_content(text)
    paths = files_of(text)
    if paths:
        wanted, each = files_by_symbol(paths, reading)
        try:
            parts = [_from_file(path, symbol, settings.span, each) for path, symbol in wanted]
        except DataError as error:
            if not Path(text).expanduser().is_dir():
                raise
            raise DataError(f"{text} is a folder, and one of its files is refused: {error}") from error
        is_one = len(parts) == 1 and (len(paths) == 1 or "symbol" not in parts[0].bars.columns)
        return parts[0] if is_one else joined([path for path, _ in wanted], parts, reading, settings.span)
    if is_series(text):
        return _from_store(SeriesId.parse(text), SeriesStore(settings.root), settings.span)
    raise ConfigError(_no_such_spec(text, Path(text).expanduser()))


def refuse_content(text: str) -> None:
    """A ConfigError for what no file is called: nothing, the content of one, or a frame as text; or nobody's home."""
    if not text.strip():
        raise ConfigError("the name of bars is empty; name sample, simulated:<recipe>, a file or VENUE:SYMBOL:INTERVAL")
    try:
        Path(text).expanduser()
    except RuntimeError:
        raise ConfigError(f"there is no home folder {text.split('/')[0]}; name the file from / on") from None
    if "\n" in text or any(len(part.encode()) > _LONGEST_NAME for part in Path(text).parts):
        raise ConfigError(
            f"load_bars takes the name of a file, or a frame, found a text of {len(text):,} characters that is none; "
            "read a CSV's content with polars.read_csv(io.StringIO(text)) and give the frame"
        )


def with_reading(spec: str | Path, reading: Reading) -> str:
    """The spec with what was said of its files; a ConfigError where it names none, or says something else itself."""
    text = str(spec)
    refuse_content(Reading.split(text)[0])
    if reading == Reading():
        return text
    place, own = Reading.split(text)
    if own not in (Reading(), reading):
        raise ConfigError(f"{text} says itself how it is to be read; leave the options out, or that")
    if place == "sample" or is_simulated(place) or (not files_of(place) and is_series(place)):
        raise ConfigError(f"{place} is no file: tz, symbol and columns are for files alone; leave them out")
    return reading.behind(place)


def is_simulated(spec: str) -> bool:
    """Whether the spec names a simulated market rather than a file or the sample."""
    return spec == "simulated" or spec.startswith(SIMULATED)


def sample_path() -> Path:
    """The embedded sample: real quarter-hours of BTC-USD with all the faults they were published with.

    A packed CSV rather than Parquet: its cells stay text, mixed offsets and all, and repairs name the lines of the file
    as it was published. Its source and licence stand beside it, in `sample_bars/SOURCE.txt`.
    """
    return Path(str(files("tradsys.data").joinpath("sample_bars/BTC-USD-15-MIN.csv.gz")))


def _from_file(path: Path, symbol: str, span: TimeSpan, reading: Reading = Reading()) -> LoadedBars:
    source = path.name
    table, place = read_table(path)
    recognised, told = recognise(table, source, reading)
    bars, repairs = clean(recognised, source, place=place, span=span, tz=reading.tz)
    if bars.columns[0] == "symbol" and bars["symbol"].n_unique() == 1:
        symbol = str(bars["symbol"][0])
        bars = bars.drop("symbol")
    bars, defects = find_defects(bars)
    refuse(defects, f"{source} is refused (rows are {place}s of it)", "mend or drop these rows, or fetch them again")
    bars, suspects = settle_suspects(bars, place)
    return LoadedBars(bars.drop(ROW), symbol, (*told, *repairs, *suspects))


def _from_store(series: SeriesId, store: SeriesStore, span: TimeSpan) -> LoadedBars:
    """Stored bars with what is known to be wrong or missing in them; another interval is made of them where it can be.

    Rows were checked when they were stored; they, their times and the files' hashes are checked again here.
    """
    if not series.is_bars:
        raise ConfigError(f"{series} holds no bars; name an interval such as 1h")
    source = _source(store, series)
    bars, still_open = span.closed(store.read(source), interval_ms(source.step), str(series))
    _, defects = find_defects(bars.select("ts", *OHLCV), interval=source.step)
    refuse(defects, f"{source} is refused", "tradsys data check names them; delete its folder and store it again")
    notes = [
        Repair(flaw.kind, flaw.n_rows, (), f"{manifest.year}: {flaw.sentence}", changed=False)
        for manifest in store.manifests(source)
        for flaw in manifest.defects
    ]
    notes += [*gaps_left(find_gaps(ts_ms(bars), source.step)), *sessions_noticed(bars)]
    # optional columns only where every row has them: an absent number is no zero
    lacking = {name: n for name in OPTIONAL if name in bars.columns and (n := _n_absent(bars[name]))}
    notes = [*(incomplete_column(name, n, len(bars)) for name, n in lacking.items()), *notes]
    bars = bars.drop(lacking)
    if source != series:
        n_parts = len(bars)
        bars = resample(bars, source.step, series.step)
        if bars.is_empty():
            raise NotEnoughBars(
                f"none of the {n_parts:,} stored bars of {source} make a whole bar of {series.interval}: every one "
                "lacks a part; store that interval itself"
            )
        sentence = f"{len(bars):,} bars of {series.interval} made of {n_parts:,} whole bars of {source.interval}"
        notes.append(Repair("resampled", len(bars), (), sentence, changed=False))
    return LoadedBars(bars, series.symbol, (*still_open, *notes))


def _n_absent(column: pl.Series) -> int:
    return column.null_count() + int(column.is_nan().sum())


def _source(store: SeriesStore, series: SeriesId) -> SeriesId:
    """The series itself where it is stored, else that of the longest interval of which it can be made."""
    if store.manifests(series):
        return series
    stored = store.series()
    same = (s for s in stored if s.is_bars and (s.exchange, s.symbol) == (series.exchange, series.symbol))
    parts = [s for s in same if divides(s.step, series.step)]
    on_grid = [s for s in parts if not store.manifests(s)[0].first % interval_ms(s.step)]
    if on_grid:
        return max(on_grid, key=lambda s: s.step)
    if parts:
        fine = max(parts, key=lambda s: s.step)
        raise DataError(off_the_grid(store.manifests(fine)[0].first, fine.step, series.step))
    there = ", ".join(map(str, stored[:5])) + (" ..." if len(stored) > 5 else "")
    raise ConfigError(
        f"{series} is not in the store at {store.place} ({f'which holds {there}' if stored else 'which is empty'}); "
        f"fetch it: tradsys data download {series} --from 2020-01-01"
    )


def _no_such_spec(text: str, path: Path) -> str:
    specs = ["sample", *(SIMULATED + name for name in examples())]
    folder = path.parent
    files = [str(folder / f.name) for f in folder.iterdir() if f.suffix in SUFFIXES] if folder.is_dir() else []
    nearest = difflib.get_close_matches(text, [*specs, *files], n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(nearest)}?" if nearest else ";"
    where = "" if folder.is_dir() else f" (there is no folder {folder})"
    takes = "bars are named by sample, simulated:<recipe>, a file, a folder, a glob or VENUE:SYMBOL:INTERVAL"
    return f"no file, sample or market {text!r}{where}{hint} {takes}"
