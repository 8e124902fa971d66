"""The smallest run that the schema allows: no folds, no profiles, a bar."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from tradsys.runs import RunFolder
from tradsys.runs.tables import TABLES, TableSchema

MANIFEST: dict[str, Any] = {
    "run": "5a" * 32,
    "market": "BTC/USD 1h",
    "title": "BTC/USD, hourly",
    "config": {"seed": 0, "costs": {"taker_bps": 5.0}},
    "experiment": "e1" * 32,
    "fingerprint": "f0" * 32,
    "blocks": ["b0" * 32],
    "seed": 0,
    "code": "c0" * 32,
    "lock": "10" * 32,
    "deployed_profile": "SNIPER",
    "sides": ["long", "short"],
    "machine": {
        "cpus": 2,
        "cpus_source": "cgroup",
        "memory_bytes": 1 << 33,
        "memory_source": "cgroup",
        "free_bytes": 1 << 32,
    },
    "created": datetime(2026, 1, 1, tzinfo=UTC),
    "hypothesis": "",
    "guard_bars": 24,
    "trials": {},
}
METRICS: dict[str, Any] = {
    "market": {
        "sources": ["BTC-1h.parquet"],
        "symbols": ["BTC/USD"],
        "interval": "1h",
        "n_bars": 1,
        "first": "2024-01-01T00:00:00+00:00",
        "last": "2024-01-01T00:00:00+00:00",
        "lockbox_from": "2024-01-01T01:00:00+00:00",
        "is_development": False,
        "n_design_looks": 0,
        "n_gaps": 0,
        "n_missing_bars": 0,
        "zero_volume_share": 0.0,
        "repairs": [],
    },
    "folds": [],
    "profiles": {},
    "buy_and_hold": {"sharpe": 0.5, "total_trades": 1, "sqn": None},
    "assumptions": [],
}
VERDICT: dict[str, Any] = {
    "profiles": {},
    "n_days": 0,
    "n_trials": 1,
    "n_effective_trials": 1.0,
    "n_compared": 0,
    "detectable_sharpe": 2.0,
    "critical_net": 1.6,
    "critical_skill": None,
    "sharpe_variance": None,
    "power": "",
    "ledger_head": "00" * 32,
}


def write_example(root: Path, *, kind: str = "experiment", manifest: dict[str, Any] | None = None) -> Path:
    """Write the run below `root`; `manifest` replaces fields of it."""
    folder = RunFolder.create(root, "example")
    folder.write_metrics(METRICS)
    folder.write_verdict(VERDICT)
    for table in TABLES:
        if kind in table.kinds:
            folder.write_table(table, rows(table))
    folder.write_manifest(MANIFEST | {"kind": kind} | (manifest or {}))
    return folder.finish()


def rows(table: TableSchema, n: int = 1) -> pl.DataFrame:
    """So many rows of nulls."""
    return pl.DataFrame({name: pl.Series([None] * n, dtype=kind) for name, kind in table.columns.items()})
