"""A linear probe: what a frozen embedding adds to a linear model's log-odds, and whether that is anything."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.errors import ConfigError
from tradsys.core.linear import linear
from tradsys.models.linear.logistic import fit_logistic
from tradsys.models.linear.penalty import PENALTIES, first_good_enough

_N_BLOCKS = 50


class ProbeRows(NamedTuple):
    """Rows of a probe: hidden (n, d), y, weight and offset (n, 2), start (n,) in ms; `offset` are log-odds."""

    hidden: FloatArray
    y: FloatArray
    weight: FloatArray
    offset: FloatArray
    start: IntArray


@dataclass(frozen=True, slots=True)
class Probe:
    """Log-odds that are added to the offset: `hidden @ weight + bias`, shapes (d, 2) and (2,).

    `gain` is the mean log-loss that the probe saved on the check rows, of the offset alone, `error` its standard error
    over blocks of time, and `penalty` the ridge that was chosen there.
    """

    weight: FloatArray
    bias: FloatArray
    penalty: float
    gain: float
    error: float

    def added(self, hidden: FloatArray) -> FloatArray:
        """(n, d) -> (n, 2)."""
        return linear(hidden, self.weight, self.bias)


def fit_probe(learning: ProbeRows, stopping: ProbeRows) -> Probe:
    """Ridge logistic regression of the learning rows on their standardised embeddings, on top of the offset.

    The ridge is chosen by the stopping rows, which the encoder has not been trained on; its own training rows would ask
    for too weak a one. It is the strongest of the usual ones whose loss there is within two standard errors of the
    best.
    """
    if len(learning.hidden) == 0 or len(stopping.hidden) == 0:
        raise ConfigError(
            f"a probe needs rows to learn from and to check, found {len(learning.y)} and {len(stopping.y)}"
        )
    centre, scale = learning.hidden.mean(axis=0), learning.hidden.std(axis=0)
    scale = np.where(scale > 1e-6 * (1e-6 + scale.max()), scale, np.inf)  # a column that never moves gets no weight
    standard = learning._replace(hidden=(learning.hidden - centre) / scale)
    probes = [_on(standard, penalty, centre, scale) for penalty in sorted(PENALTIES, reverse=True)]
    base = _block_losses(stopping, np.zeros_like(stopping.offset))
    losses = np.column_stack([_block_losses(stopping, one.added(stopping.hidden)) for one in probes])
    chosen = first_good_enough(losses)
    saved = (base - losses[:, chosen]) / stopping.weight.sum()
    one = probes[chosen]
    error = float(saved.std() * np.sqrt(len(saved)))
    return Probe(one.weight, one.bias, one.penalty, float(saved.sum()), error)


def _on(rows: ProbeRows, penalty: float, centre: FloatArray, scale: FloatArray) -> Probe:
    """The probe of standardised rows, for embeddings as they come."""
    sides = [
        fit_logistic(rows.hidden, rows.y[:, side], rows.weight[:, side], penalty, rows.offset[:, side])
        for side in range(2)
    ]
    weight = np.column_stack([coef / scale for _, coef in sides])
    return Probe(weight, np.array([intercept for intercept, _ in sides]) - centre @ weight, penalty, 0.0, 0.0)


def _block_losses(rows: ProbeRows, added: FloatArray) -> FloatArray:
    """Weighted log-loss, summed over blocks of time, (n_blocks,)."""
    z = rows.offset + added
    loss = (rows.weight * (np.logaddexp(0, z) - rows.y * z)).sum(axis=1)
    first, span = rows.start.min(), np.ptp(rows.start) + 1
    return np.bincount((rows.start - first) * _N_BLOCKS // span, weights=loss, minlength=_N_BLOCKS)
