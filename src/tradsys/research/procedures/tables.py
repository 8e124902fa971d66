"""An experiment's tables: what was forecast, known when it was decided, and what became of it."""

import numpy as np
import polars as pl

from tradsys.profiles.catalogue import profile_named
from tradsys.profiles.forecast import Forecasts
from tradsys.research.walk.experiment import Outcome, block_decisions
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.runs.tables import MACRO_STATES


def forecasts_frame(outcome: Outcome, spec: Experiment) -> pl.DataFrame:
    """A row a decision and side, known at `start`; the chosen side carries the audit and the deployed action."""
    deployed = profile_named(spec.deployed, spec.profiles)
    parts = []
    for result in outcome.results:
        decided = block_decisions(result, deployed, spec)
        for symbol, forecasts in result.forecasts.items():
            mine = decided.filter(pl.col("symbol") == symbol)
            ready = forecasts.is_ready
            for column, side in enumerate((1, -1)):
                is_chosen = mine["side"] == side
                part = pl.DataFrame(
                    {
                        "start": mine["start"],
                        "symbol": mine["symbol"],
                        "side": np.full(len(mine), side, np.int8),
                        "fold": np.full(len(mine), result.fold.index, np.int16),
                        "probability": forecasts.probability[:, column],
                        "expected_net": forecasts.expected_net[:, column],
                        "rank": forecasts.rank[:, column],
                        "regime": forecasts.regime.argmax(axis=1).astype(np.int8),
                        **{f"regime_{k}": forecasts.regime[:, k] for k in range(forecasts.regime.shape[1])},
                        **_macro_columns(forecasts),
                        "audit": forecasts.audit,
                        "action": mine["action"],
                    }
                ).with_columns(
                    pl.when(is_chosen).then(pl.col("audit")).alias("audit"),
                    pl.when(is_chosen).then(pl.col("action")).otherwise(0).alias("action"),
                )
                parts.append(part.filter(pl.Series(ready)))
    return pl.concat(parts).sort("start", "symbol", "side", descending=[False, False, True])


def _macro_columns(forecasts: Forecasts) -> dict[str, pl.Series]:
    """`macro_0` risk-on and on, from a supervisor that watches other markets; null where there is none."""
    n, states = len(forecasts.start), forecasts.macro
    return {
        name: pl.repeat(None, n, dtype=pl.Float64, eager=True) if states is None else pl.Series(states[:, k])
        for k, name in enumerate(MACRO_STATES)
    }


def labels_frame(outcome: Outcome) -> pl.DataFrame:
    """Outcomes, to be joined with the forecasts by symbol, start and side."""
    parts = []
    for symbol, one in outcome.data.labels.items():
        rows = one.is_labelled
        for column, side in enumerate((1, -1)):
            parts.append(
                pl.DataFrame(
                    {
                        "symbol": pl.repeat(symbol, int(rows.sum()), eager=True),
                        "start": pl.Series(one.start[rows]).cast(pl.Datetime("ms", "UTC")),
                        "side": np.full(int(rows.sum()), side, np.int8),
                        "end": pl.Series(one.end[rows, column]).cast(pl.Datetime("ms", "UTC")),
                        "label": one.target[rows, column].astype(np.int8),
                        "timed_out": one.timed_out[rows, column],
                        "ambiguous": one.ambiguous[rows, column],
                        "ret": one.ret[rows, column],
                        "net": one.net[rows, column],
                        "uniqueness": one.weight[rows, column],
                    }
                )
            )
    return pl.concat(parts).sort("symbol", "start", "side")
