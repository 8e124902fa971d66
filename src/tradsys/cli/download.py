"""`tradsys data download`: fetch series from a venue or an archive into the store, and go on where it stopped."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradsys.cli.options import Config, Json, Settings
from tradsys.cli.stored import audit_text, audited, opened
from tradsys.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from tradsys.data.download import Report


class SourceChoice(StrEnum):
    """Whom to ask."""

    auto = "auto"
    archive = "archive"
    ccxt = "ccxt"


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
    config: Config = None,
    settings: Settings = None,
    as_json: Json = False,
) -> int:
    """Fetch bars into the store and check them; run it again to go on or to catch up.

    Bars that have not closed are dropped, impossible ones named, and every hole that remains is listed. The store's
    folder and the hosts are settings of section data, e.g. TRADSYS_DATA__ROOT or --set data.root=FOLDER.
    """
    from tradsys.cli.loading import overrides
    from tradsys.cli.progress import reporter
    from tradsys.data.download import download as fetch
    from tradsys.data.settings import DataSettings
    from tradsys.data.sources.venue import venue_of
    from tradsys.data.store import SeriesId

    settled = DataSettings.load(file=config, overrides=overrides(settings or [], {}))
    store = opened(config, settings)
    wanted = [SeriesId.parse(name) for name in series]
    span = {"start": _day(start, "--from"), "end": _day(end, "--to")}
    reports, checks = [], []
    for one in wanted:
        with reporter(quiet=as_json) as progress:
            venue = venue_of(one, settled, source.value)
            reports.append(fetch(store, one, venue, **span, refresh=refresh, progress=progress))
        checks.append(audited(store, str(one), []))
        if not as_json:
            typer.echo(f"{_text(reports[-1])}\n{audit_text(checks[-1])}")
    if as_json:
        typer.echo(
            json.dumps(
                {"root": settled.root, "series": [_plain(*pair) for pair in zip(reports, checks, strict=True)]},
                indent=2,
                default=str,
            )
        )
    return DataError.exit_code if any(check["refused"] for check in checks) else 0


def _day(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"{option} takes a day such as 2020-01-01, or a time such as 2020-01-01T12:00, found {text!r}"
        ) from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


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
