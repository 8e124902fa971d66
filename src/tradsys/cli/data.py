"""`tradsys data`: get bars, keep them, and look at them before anything is computed from them."""

from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradsys.cli.moment import moment
from tradsys.cli.options import ReadingOptions, Seed, StoreOptions, spread
from tradsys.cli.printed_json import printed_json
from tradsys.cli.stored import audit_text, audited, data_settings, import_, list_, opened
from tradsys.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from tradsys.data.download import Report
    from tradsys.data.settings import DataSettings


class SourceChoice(StrEnum):
    """Whom to ask."""

    auto = "auto"
    archive = "archive"
    ccxt = "ccxt"


@spread
def download(
    series: Annotated[
        list[str],
        typer.Argument(
            metavar="VENUE:SYMBOL:INTERVAL...",
            help="Perpetuals: funding for INTERVAL, too; depth, metrics, premium and liquidations of Binance's.",
        ),
    ],
    start: Annotated[str | None, typer.Option("--from", help="First day (UTC); otherwise the listing.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Day to stop before; otherwise now.")] = None,
    source: Annotated[
        SourceChoice, typer.Option(help="auto takes Binance's archive where there is one, else ccxt.")
    ] = SourceChoice.auto,
    refresh: Annotated[bool, typer.Option("--refresh", help="Also fetch files that were issued again.")] = False,
    common: StoreOptions = StoreOptions(),
) -> int:
    """Fetch bars into the store and check them; run it again to go on or to catch up.

    Bars that have not closed are dropped, impossible ones named, and every hole that remains is listed. The store's
    folder and the hosts are settings of section data, e.g. TRADSYS_DATA__ROOT or --set data.root=FOLDER.
    """
    from tradsys.cli.progress import reporter
    from tradsys.data.download import download as fetch
    from tradsys.data.sources.venue import venue_of
    from tradsys.data.store import SeriesId

    settled = data_settings(common)
    store = opened(common)
    wanted = [SeriesId.parse(name) for name in series]
    span = {"start": moment(start, "--from"), "end": moment(end, "--to")}
    reports, checks = [], []
    for one in wanted:
        with reporter(quiet=common.as_json, job=f"download {one}") as progress:
            venue = venue_of(one, settled, source.value)
            reports.append(fetch(store, one, venue, **span, refresh=refresh, progress=progress))
        checks.append(audited(store, str(one), [], settled))
        if not common.as_json:
            typer.echo(f"{_text(reports[-1])}\n{audit_text(checks[-1])}")
    if common.as_json:
        typer.echo(
            printed_json(
                {"root": settled.root, "series": [_plain(*pair) for pair in zip(reports, checks, strict=True)]},
                indent=2,
            )
        )
    return DataError.exit_code if any(check["refused"] for check in checks) else 0


@spread
def check(
    sources: Annotated[
        list[str] | None,
        typer.Argument(help="Files, sample, simulated:<recipe> or stored VENUE:SYMBOL:INTERVAL; otherwise the store."),
    ] = None,
    against: Annotated[
        list[str] | None, typer.Option(help="Stored series of another venue whose closes to compare with.")
    ] = None,
    seed: Seed = None,
    reading: ReadingOptions = ReadingOptions(),
    common: StoreOptions = StoreOptions(),
) -> int:
    """Say what bars hold and what was repaired, list their gaps, or name why they are refused (exit code 3).

    Stored series are also checked against their hashes, their other intervals and other venues.
    """
    from tradsys.data.store.series import is_series

    store = opened(common)
    named = reading.of(sources) if sources else [str(series) for series in store.series()]
    if not named:
        raise ConfigError(f"the store at {store.place} is empty; fill it with tradsys data download, or name a file")
    settled = data_settings(common)
    reports = [
        audited(store, s, against or [], settled) if is_series(s) else _report(s, seed or 0, settled) for s in named
    ]
    if common.as_json:
        typer.echo(printed_json({"sources": reports}, indent=2))
    else:
        typer.echo("\n\n".join(audit_text(report) for report in reports))
    return DataError.exit_code if any(report["refused"] for report in reports) else 0


commands = {"download": download, "import": import_, "check": check, "list": list_}


def _text(report: "Report") -> str:
    from tradsys.data.download import summary

    lines = [summary(report)]
    lines += [f"  hole: {line}" for line in report.lines]
    lines += [f"  {flaw.kind}: {flaw.sentence}" for flaw in report.flaws]
    lines += [f"  note: {note}" for note in report.notes]
    return "\n".join(lines)


def _plain(report: "Report", check: dict[str, Any]) -> dict[str, Any]:
    return {
        "series": str(report.series),
        "start": report.start.isoformat(),
        "end": report.end.isoformat(),
        "n_new": report.n_new,
        "n_changed": report.n_changed,
        "n_missing": report.n_missing,
        "holes": [
            {"start": h.start.isoformat(), "end": h.end.isoformat(), "n_missing": h.n_missing} for h in report.holes
        ],
        "flaws": [{"kind": f.kind, "n_rows": f.n_rows, "sentence": f.sentence} for f in report.flaws],
        "notes": list(report.notes),
        "check": check,
    }


def _report(source: str, seed: int, settings: "DataSettings") -> dict[str, Any]:
    """What is known of one source, as plain JSON values."""
    from tradsys.core.bars import quality_report
    from tradsys.core.time import format_interval
    from tradsys.data import load_market

    try:
        market = load_market([source], seed=seed, settings=settings)
    except DataError as error:
        return {"source": source, "refused": str(error)}
    quality = quality_report(market.bars, interval=market.interval)
    return {
        "source": source,
        "refused": None,
        "symbols": list(market.symbols),
        **asdict(quality),
        "interval": format_interval(market.interval),
        "repairs": [asdict(repair) for repair in market.repairs],
        "fingerprint": market.fingerprint,
        "is_development": market.is_development,
        "summary": str(quality),
    }
