"""What limit entries bring beside market entries on the same bars: gross, fees, net, and what was missed.

python benchmarks/bench_entries.py FILE ...

All files are one pool, walked forward once for each way of entering with the logistic alone and the default settings. A
line a profile: means in basis points of the notional at entry with 95% intervals, and the net Sharpe ratio.
"""

import sys
from pathlib import Path

from tradsys.backtest.entries import entry_outcomes
from tradsys.backtest.metrics import Measured, measure
from tradsys.data.market import load_market
from tradsys.research.walk.experiment import run_experiment
from tradsys.research.walk.experiment_spec import experiment_on
from tradsys.settings.config import RunConfig

WAYS = (
    ("market", {}),
    ("at the open, 1 bar", {"portfolio.entry": "limit"}),
    ("10% to the stop, 3 bars", {"portfolio.entry": "limit", "portfolio.entry_offset": 0.1, "portfolio.entry_bars": 3}),
)
COLUMNS = ("gross", "fees", "net", "missed_share", "missed_gross", "missed_net")


def cell(one: Measured, scale: float) -> str:
    """A mean with its interval."""
    if one.value is None:
        return "-"
    if one.low is None or one.high is None:
        return f"{one.value * scale:.1f}"
    return f"{one.value * scale:.1f} [{one.low * scale:.1f}, {one.high * scale:.1f}]"


def main() -> None:
    """One table, as Markdown, printed as it grows."""
    market = load_market([str(Path(name)) for name in sys.argv[1:]])
    sys.stdout.write("| entry | profile | trades | " + " | ".join(COLUMNS) + " | net Sharpe |\n")
    sys.stdout.write("|" + " --- |" * (len(COLUMNS) + 4) + "\n")
    for name, settings in WAYS:
        config = RunConfig.load(overrides={"agent.name": "logistic", "folds.path_groups": 0} | settings)
        spec = experiment_on(market, config)
        outcome = run_experiment(market, spec)
        for profile, simulation in outcome.simulations.items():
            found = entry_outcomes(simulation, seed=spec.seed)
            cells = [cell(found[key], 100 if key == "missed_share" else 1e4) for key in COLUMNS]
            sharpe = cell(measure(simulation, seed=spec.seed)["sharpe"], 1)
            line = " | ".join((name, profile, f"{simulation.n_trades:,}", *cells, sharpe))
            sys.stdout.write(f"| {line} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
