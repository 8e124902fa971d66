"""Counts, such as a horizon in bars: whole numbers, since half a bar ends in a kernel that does not know it."""

import numpy as np

from tradsys.core.errors import ConfigError


def check_counts(least: int = 1, **counts: int) -> None:
    """A ConfigError for the first argument that is no whole number of at least `least`.

    >>> check_counts(horizon=2.5)
    Traceback (most recent call last):
    tradsys.core.errors.ConfigError: horizon counts and must be a whole number of at least 1, was 2.5
    """
    for name, count in counts.items():
        if not _is_whole(count) or count < least:
            raise ConfigError(f"{name} counts and must be a whole number of at least {least}, was {count!r}")


def check_whole(**counts: int) -> None:
    """A ConfigError for the first argument that is no whole number, where the caller says how many it takes."""
    for name, count in counts.items():
        if not _is_whole(count):
            raise ConfigError(f"{name} counts and must be a whole number, was {count!r}")


def _is_whole(count: object) -> bool:
    return isinstance(count, int | np.integer) and not isinstance(count, bool)
