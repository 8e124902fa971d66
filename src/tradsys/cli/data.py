"""`tradsys data`: look at bars before anything is computed from them."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from tradsys.cli.download import download
from tradsys.cli.options import Json, Seed
from tradsys.core.errors import DataError


def check(
    files: Annotated[list[str], typer.Argument(help="Files, sample or simulated:<recipe>.", metavar="FILE...")],
    seed: Seed = None,
    as_json: Json = False,
) -> int:
    """Load bars, say what was repaired, list their gaps, or name why they are refused (exit code 3)."""
    reports = [_report(file, seed or 0) for file in files]
    if as_json:
        typer.echo(json.dumps({"sources": reports}, indent=2, default=str))
    else:
        typer.echo("\n\n".join(_text(report) for report in reports))
    return DataError.exit_code if any(report["refused"] for report in reports) else 0


commands = {"download": download, "check": check}


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


def _text(report: dict[str, Any]) -> str:
    if report["refused"]:
        return f"{report['source']}: refused\n{report['refused']}"
    lines = [f"{report['source']}: accepted", report["summary"]]
    for repair in report["repairs"]:
        lines.append(f"{'repaired' if repair['changed'] else 'noticed'}: {repair['sentence']}")
    return "\n".join(lines)
