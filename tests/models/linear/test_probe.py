import numpy as np
import pytest

from tradsys.core.errors import ConfigError
from tradsys.models.linear.logistic import fit_logistic
from tradsys.models.linear.probe import ProbeRows, fit_probe


def rows_of(n: int, seed: int, slope: float, base: float = 0.3) -> ProbeRows:
    """Embeddings whose second column, of scale 3 and centre 5, moves both sides' odds beyond an offset."""
    rng = np.random.default_rng(seed)
    hidden = np.column_stack([rng.normal(size=n), 5 + 3 * rng.normal(size=n), np.full(n, 2.0)])
    offset = np.full((n, 2), -base)
    odds = offset + slope * (hidden[:, 1:2] - 5) / 3 * [1, -1]
    y = (rng.random((n, 2)) < 1 / (1 + np.exp(-odds))).astype(float)
    return ProbeRows(hidden, y, np.ones((n, 2)), offset, np.arange(n) * 3_600_000)


def test_probe_finds_what_the_offset_does_not_say() -> None:
    probe = fit_probe(rows_of(6000, 0, 0.8), rows_of(2000, 1, 0.8))
    assert probe.gain > 5 * probe.error
    assert probe.penalty == 0.03
    held_out = rows_of(5000, 2, 0.8)
    said = held_out.offset + probe.added(held_out.hidden)
    truth = held_out.offset + 0.8 * (held_out.hidden[:, 1:2] - 5) / 3 * [1, -1]
    assert np.abs(said - truth).max() < 0.6
    assert np.corrcoef(said[:, 0], truth[:, 0])[0, 1] > 0.99


def test_where_there_is_nothing_the_strongest_ridge_is_taken() -> None:
    probe = fit_probe(rows_of(6000, 3, 0.0), rows_of(2000, 4, 0.0))
    assert probe.penalty == 2.0
    assert probe.gain < 2 * probe.error


def test_a_column_that_never_moves_says_nothing() -> None:
    probe = fit_probe(rows_of(3000, 5, 0.8), rows_of(1000, 6, 0.8))
    assert probe.weight[2].tolist() == [0.0, 0.0]


def test_no_rows_are_refused() -> None:
    with pytest.raises(ConfigError, match="found 100 and 0"):
        fit_probe(rows_of(100, 0, 0.5), rows_of(0, 0, 0.5))


def test_a_logistic_fit_on_an_offset_adds_to_it() -> None:
    rows = rows_of(4000, 7, 0.8)
    X, y, w = rows.hidden[:, :1], rows.y[:, 0], rows.weight[:, 0]
    plain = fit_logistic(X, y, w, 0.5)
    shifted = fit_logistic(X, y, w, 0.5, np.full(4000, 0.7))
    assert shifted[0] == pytest.approx(plain[0] - 0.7, abs=1e-8)
    assert shifted[1] == pytest.approx(plain[1], abs=1e-8)
