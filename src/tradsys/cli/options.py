"""Options that several commands share, so that they are spelled and explained once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

if TYPE_CHECKING:
    from tradsys.data.reading import Reading


def spread(command: Callable[..., int]) -> Callable[..., int]:
    """A command as typer reads it: where it takes a dataclass of options, each of them is an option of its own."""
    own = signature(command, eval_str=True)
    kinds: dict[str, Any] = {n: one.annotation for n, one in own.parameters.items() if is_dataclass(one.annotation)}
    flat: list[Parameter] = []
    for name, one in own.parameters.items():
        if name not in kinds:
            flat.append(one)
            continue
        hints = get_type_hints(kinds[name], include_extras=True)
        flat += [one.replace(name=f.name, default=f.default, annotation=hints[f.name]) for f in fields(kinds[name])]
    spread_out = own.replace(parameters=flat)

    @wraps(command)
    def called(*args: Any, **options: Any) -> int:
        bound = spread_out.bind(*args, **options)
        bound.apply_defaults()
        given = bound.arguments
        parts = {name: kind(**{f.name: given.pop(f.name) for f in fields(kind)}) for name, kind in kinds.items()}
        return command(**given, **parts)

    called.__signature__ = spread_out  # type: ignore[attr-defined]
    called.__annotations__ = {one.name: one.annotation for one in flat}
    return called


Bars = Annotated[
    list[str],
    typer.Option(
        help="sample, simulated:<recipe>, a file, a folder, a 'glob*' or VENUE:SYMBOL:INTERVAL; give it again to pool "
        "symbols."
    ),
]
Funding = Annotated[
    list[str] | None,
    typer.Option(
        help="What the exchange settled: FILE (funding_time, rate, interval_hours) or a stored VENUE:SYMBOL:funding, "
        "with SYMBOL= before it for one of several; SYMBOL=none pays none."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Agent = Annotated[
    str | None,
    typer.Option(
        help="Who challenges the ridge logistic: transformer, resnet, volatility, xgboost, symmetric, ensemble or all; "
        "logistic, as without it, is nobody."
    ),
]
Config = Annotated[Path | None, typer.Option(help="Settings file; otherwise tradsys.toml where there is one.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Any setting, e.g. --set labels.horizon=6; give it again for more."),
]
Plugin = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin",
        help="Module or .py file of own features, agents and profiles (docs/own-parts.md); again for more.",
    ),
]
Processes = Annotated[int | None, typer.Option(help="Processes; otherwise one a core, as far as memory goes.", min=1)]
Seed = Annotated[
    int | None, typer.Option(help="Draws the simulated market and every other random stream; 0 unless given.", min=0)
]


@dataclass(frozen=True, slots=True)
class CommonOptions:
    """Where settings come from, and for whom the output is."""

    config: Config = None
    settings: Settings = None
    plugin: Plugin = None
    as_json: Json = False


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """The same for commands that compute nothing of their own parts, and so read no plugins."""

    config: Config = None
    settings: Settings = None
    as_json: Json = False


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """How files of bars are to be read where they do not say so themselves."""

    tz: Annotated[
        str | None, typer.Option(help="Zone of times that name none, such as America/New_York; otherwise UTC.")
    ] = None
    symbol: Annotated[
        list[str] | None,
        typer.Option(help="Whose bars to take from a file of several, or what to call them; give it again for more."),
    ] = None
    columns: Annotated[
        list[str] | None,
        typer.Option(help="What a column is, such as close=Last or time=Stamp; give it again for more."),
    ] = None

    @property
    def reading(self) -> "Reading":
        """The same as one value."""
        from tradsys.data.reading import Reading

        return Reading.of(self.tz, self.symbol, self.columns)

    def of(self, bars: Sequence[str]) -> list[str]:
        """What --bars named, with what was said of the files behind it, so that a run says how it read them."""
        if self == ReadingOptions():
            return list(bars)
        from tradsys.data.load import with_reading

        return [with_reading(one, self.reading) for one in bars]


@dataclass(frozen=True, slots=True)
class OutsideOptions:
    """What is known from outside the symbols' own trades."""

    macro: Annotated[
        list[str] | None,
        typer.Option(
            help="A macro series, NAME=SOURCE: dxy=FILE, vix=fred:VIXCLS, gold=yahoo:GC=F, gold=bars:PAXG-1h.parquet; "
            "give it again for more."
        ),
    ] = None
    book: Annotated[
        list[str] | None,
        typer.Option(help="A recorded order book, FILE or SYMBOL=FILE (snapshots or updates); give it again for more."),
    ] = None
    positions: Annotated[
        list[str] | None,
        typer.Option(
            "--positions",
            "--flow",
            help="Open interest, basis or liquidations, FILE?lag_s=300, SYMBOL=FILE or a market of the store such as "
            "binance:BTC/USDT:USDT; give it again for more.",
        ),
    ] = None
    funding: Funding = None

    @property
    def overrides(self) -> dict[str, list[str] | None]:
        """The same by the keys of the settings."""
        return {
            "macro.series": self.macro,
            "book.files": self.book,
            "positions.sources": self.positions,
            "funding.files": self.funding,
        }


@dataclass(frozen=True, slots=True)
class JudgedOptions:
    """What a run that is judged takes beside its procedure's own options."""

    out: Annotated[Path, typer.Option(help="Folder in which the run gets a folder of its own.")] = Path("runs")
    journal: Annotated[Path, typer.Option(help="Folder of the ledger of everything tried.")] = Path("journal")
    config: Config = None
    settings: Settings = None
    plugin: Plugin = None
    open_lockbox: Annotated[
        bool,
        typer.Option("--open-lockbox", help="Judge the deployed profile on the last fifth too; recorded for good."),
    ] = False
    yes: Annotated[bool, typer.Option("--yes", help="Open the lock-box without being asked.")] = False
    hypothesis: Annotated[
        str, typer.Option("--hypothesis", help="Name of a hypothesis (tradsys journal add) that this run looks at.")
    ] = ""
    require_proven: Annotated[
        bool, typer.Option("--require-proven", help="Exit with 4 unless the deployed profile is proven.")
    ] = False
    processes: Processes = None
    as_json: Json = False
