"""What `tradsys doctor --warm` does: compile all kernels of a run in a tiny run of its own, which leaves nothing."""

import time
from importlib.util import find_spec
from pathlib import Path

_SMALL = {
    "labels": {"horizon": 6},
    "folds": {"n_folds": 2, "initial": 0.4, "path_groups": 3, "lockbox": 0.0},
    "regimes": {"n_starts": 1},
    "verdict": {"n_bootstrap": 99},
}
_NETWORK = {"name": "transformer", "d_model": 8, "n_layers": 1, "n_heads": 2, "window": 4, "max_steps": 2}
_N_BARS = 2_400
"""Sixty days are tested, enough to draw blocks of them; fewer would leave a kernel out."""


def warm() -> str:
    """Run the main job on a small simulated market, and say what was compiled and how long it took."""
    from tradsys.core.kernels import compiled_and_found
    from tradsys.core.whole_steps import passing_folder

    began = time.monotonic()
    with passing_folder("tradsys-warm-") as folder:
        _run(folder)
    compiled, found = compiled_and_found()
    return f"kernels of a run: {compiled} compiled, {found} found compiled, in {time.monotonic() - began:.0f} s"


def _run(folder: Path) -> None:
    from tradsys.data import load_market
    from tradsys.data.simulate import simulate
    from tradsys.journal.ledger import Ledger
    from tradsys.report import render
    from tradsys.research.run import run
    from tradsys.settings.config import RunConfig

    bars = folder / "WARM-1h.parquet"
    simulate("edge:3", seed=5, n_bars=_N_BARS).write_parquet(bars)
    agent = _NETWORK if find_spec("torch") else {"name": "logistic"}
    config = RunConfig.model_validate({**_SMALL, "agent": agent})
    run(load_market([bars]), config, root=folder / "runs", ledger=Ledger(folder / "journal.jsonl"), render=render)
