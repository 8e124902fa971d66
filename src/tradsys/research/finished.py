"""What every run leaves alike: the name of its folder, tables a profile, and a manifest by which it is made again."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from tradsys.core.time import format_interval
from tradsys.data.market import Market
from tradsys.machine.limits import limits
from tradsys.research.judging.trials import Tried, data_of, run_name
from tradsys.runs.folder import RunFolder
from tradsys.runs.provenance import lock_digest
from tradsys.settings.config import RunConfig


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run: its folder, and what went into `verdict.json` and `metrics.json`."""

    folder: Path
    verdict: dict[str, Any]
    metrics: dict[str, Any]

    @property
    def report(self) -> Path:
        """The page to look at."""
        return self.folder / "report.html"

    def is_proven(self, profile: str) -> bool:
        """Whether the profile of that name, whatever its case, is."""
        return bool(self.verdict["profiles"][profile.upper()]["verdict"] == "proven")


def run_slug(market: Market, spec: Tried, called: str = "") -> str:
    """The folder's name: when, what (its symbols unless it is `called` something) and the configuration."""
    symbols = "-".join(market.symbols[:3]) + (f"-and-{len(market.symbols) - 3}-more" if len(market.symbols) > 3 else "")
    plain = "".join(c if c.isalnum() or c == "-" else "-" for c in (called or symbols).lower()).strip("-")
    when = datetime.now(UTC)
    return f"{when:%Y%m%d-%H%M%S}-{plain}-{format_interval(market.interval)}-{spec.digest[:6]}"


def by_profile(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """One table with the profile's name in front."""
    return pl.concat(frame.select(pl.lit(name).alias("profile"), pl.all()) for name, frame in frames.items())


def by_symbol(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """One table with the symbol in front."""
    return pl.concat(frame.select(pl.lit(symbol).alias("symbol"), pl.all()) for symbol, frame in frames.items())


def write_manifest(
    folder: RunFolder, market: Market, config: RunConfig, spec: Tried, code: str, tied: Mapping[str, Any]
) -> None:
    """How to make the run again and to find it in the ledger; `tied` is what judging it again needs."""
    folder.write_manifest(
        {
            **tied,
            "run": run_name(market, spec, code),
            "market": data_of(market).market,
            "title": " + ".join(market.sources),
            "config": config.model_dump(mode="json"),
            "experiment": spec.digest,
            "fingerprint": market.fingerprint,
            "blocks": market.blocks,
            "seed": spec.seed,
            "code": code,
            "lock": lock_digest(),
            "deployed_profile": spec.deployed,
            "sides": spec.sides,
            "machine": asdict(limits()),
            "created": datetime.now(UTC),
        }
    )
