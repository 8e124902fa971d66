"""`tradsys data list`, `import`, and what `check` finds in stored series."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradsys.cli.options import ReadingOptions, StoreOptions, spread
from tradsys.cli.printed_json import printed_json
from tradsys.core.errors import DataError

if TYPE_CHECKING:
    from tradsys.data.settings import DataSettings
    from tradsys.data.store import SeriesStore


@spread
def list_(common: StoreOptions = StoreOptions()) -> int:
    """What the store holds: each series with its span, rows, missing bars and sources."""
    from tradsys.core.time import stamp

    store = opened(common)
    rows = []
    for series in store.series():
        years = store.manifests(series)
        rows.append(
            {
                "series": str(series),
                "first": stamp(years[0].first),
                "last": stamp(years[-1].last),
                "n_rows": sum(m.n_rows for m in years),
                "n_missing": sum(m.n_missing for m in years),
                "n_bytes": sum(m.n_bytes for m in years),
                "n_defects": sum(flaw.n_rows for m in years for flaw in m.defects),
                "sources": sorted({origin.source for m in years for origin in m.origins}),
                "fetched_at": max(m.fetched_at for m in years),
            }
        )
    if common.as_json:
        typer.echo(printed_json({"root": str(store.place), "series": rows}, indent=2))
    elif rows:
        typer.echo("\n".join(_line(row) for row in rows))
    else:
        typer.echo(f"the store at {store.place} is empty; fill it with tradsys data download or tradsys data import")
    return 0


@spread
def import_(
    path: Annotated[Path, typer.Argument(help="A file, a freqtrade data folder or a Nautilus catalogue.")],
    series: Annotated[str | None, typer.Option("--as", help="What a file holds: VENUE:SYMBOL:INTERVAL.")] = None,
    exchange: Annotated[
        str | None, typer.Option(help="Whose freqtrade's files are; otherwise the folder's name.")
    ] = None,
    reading: ReadingOptions = ReadingOptions(),
    common: StoreOptions = StoreOptions(),
) -> int:
    """Bring CSV, Feather, Parquet, freqtrade or Nautilus bars into the store; repairs and refusals are listed."""
    from tradsys.data.imports import import_path
    from tradsys.data.store import SeriesId

    store = opened(common)
    named = None if series is None else SeriesId.parse(series)
    span = data_settings(common).span
    imported = import_path(store, path, series=named, exchange=exchange, span=span, reading=reading.reading)
    code = DataError.exit_code if any(one.is_refused for one in imported) else 0
    if common.as_json:
        names = [None if one.series is None else str(one.series) for one in imported]
        plain = [
            {**asdict(one), "path": str(one.path), "series": name} for one, name in zip(imported, names, strict=True)
        ]
        typer.echo(printed_json({"root": str(store.place), "files": plain}, indent=2))
        return code
    for one in imported:
        typer.echo(f"{one.path.name} -> {one.series or 'no series'}: {one.n_new:,} new rows, {one.n_changed:,} changed")
        for repair in one.repairs:
            typer.echo(f"  {'repaired' if repair.changed else 'noticed'}: {repair.sentence}")
        for flaw in one.flaws:
            typer.echo(f"  {flaw.kind}: {flaw.sentence}")
    return code


def data_settings(common: StoreOptions) -> "DataSettings":
    """Section `data` of the settings in force."""
    from tradsys.cli.loading import overrides
    from tradsys.data.settings import DataSettings

    return DataSettings.load(file=common.config, overrides=overrides(common.settings, {}))


def opened(common: StoreOptions) -> "SeriesStore":
    """The store that the settings name."""
    from tradsys.cli.loading import overrides
    from tradsys.cli.told import tell_of_data
    from tradsys.data.store import SeriesStore

    tell_of_data(overrides(common.settings, {}))
    return SeriesStore(data_settings(common).root)


def audited(store: "SeriesStore", name: str, against: Sequence[str], settings: "DataSettings") -> dict[str, Any]:
    """What is known of one stored series, as plain JSON values."""
    from tradsys.data.audit import audit
    from tradsys.data.store import SeriesId

    series = SeriesId.parse(name)
    others = [SeriesId.parse(other) for other in against]
    found = audit(store, series, against=others, now=settings.span.end)
    bad = [finding.sentence for finding in found.findings if finding.is_bad]
    return {
        "source": str(series),
        "refused": "; ".join(bad) or None,
        "symbols": [series.symbol],
        **(asdict(found.quality) if found.quality else {}),
        "interval": series.interval,
        "n_rows": found.n_rows,
        "findings": [asdict(finding) for finding in found.findings],
        "summary": str(found.quality or f"{found.n_rows:,} rows"),
    }


def audit_text(report: dict[str, Any]) -> str:
    """What is known of one source, for people."""
    if report["refused"] and "findings" not in report:
        return f"{report['source']}: refused\n{report['refused']}"
    lines = [f"{report['source']}: {'refused' if report['refused'] else 'accepted'}", report["summary"]]
    lines += [
        f"{'wrong' if found['is_bad'] else 'noticed'}: {found['sentence']}" for found in report.get("findings", [])
    ]
    for repair in report.get("repairs", []):
        lines.append(f"{'repaired' if repair['changed'] else 'noticed'}: {repair['sentence']}")
    return "\n".join(lines)


def _line(row: dict[str, Any]) -> str:
    missing = f", {row['n_missing']:,} missing" if row["n_missing"] else ""
    doubts = f", {row['n_defects']:,} listed in manifests" if row["n_defects"] else ""
    size = f"{row['n_bytes'] / 1e6:,.1f} MB"
    sources = ", ".join(row["sources"])
    return (
        f"{row['series']}  {row['first']} to {row['last']}  {row['n_rows']:,} rows{missing}{doubts}  {size}  {sources}"
    )
