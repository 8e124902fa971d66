"""`tradsys data`: get bars, keep them, and look at them before anything is computed from them."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from tradsys.cli.download import download
from tradsys.cli.options import Config, Json, Seed, Settings
from tradsys.cli.stored import audit_text, import_, list_
from tradsys.core.errors import ConfigError, DataError


def check(
    sources: Annotated[
        list[str] | None,
        typer.Argument(help="Files, sample, simulated:<recipe> or stored VENUE:SYMBOL:INTERVAL; otherwise the store."),
    ] = None,
    against: Annotated[
        list[str] | None, typer.Option(help="Stored series of another venue whose closes to compare with.")
    ] = None,
    seed: Seed = None,
    config: Config = None,
    settings: Settings = None,
    as_json: Json = False,
) -> int:
    """Say what bars hold and what was repaired, list their gaps, or name why they are refused (exit code 3).

    Stored series are also checked against their hashes, their other intervals and other venues.
    """
    from tradsys.cli.stored import audited, opened
    from tradsys.data.store.series import is_series

    store = opened(config, settings)
    named = sources or [str(series) for series in store.series()]
    if not named:
        raise ConfigError(f"the store at {store.place} is empty; fill it with tradsys data download, or name a file")
    reports = [audited(store, s, against or []) if is_series(s) else _report(s, seed or 0) for s in named]
    if as_json:
        typer.echo(json.dumps({"sources": reports}, indent=2, default=str))
    else:
        typer.echo("\n\n".join(audit_text(report) for report in reports))
    return DataError.exit_code if any(report["refused"] for report in reports) else 0


commands = {"download": download, "import": import_, "check": check, "list": list_}


def _report(source: str, seed: int) -> dict[str, Any]:
    """What is known of one source, as plain JSON values."""
    from tradsys.core.bars import quality_report
    from tradsys.core.time import format_interval
    from tradsys.data import load_market

    try:
        market = load_market([source], seed=seed)
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
