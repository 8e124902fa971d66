"""Independent random streams, all drawn from the one seed of the configuration."""

import hashlib

import numpy as np


def derive(seed: int, *stream: str | int) -> int:
    """A 31-bit seed for the named stream; the same names give the same number on every machine."""
    text = "/".join(str(part) for part in (seed, *stream))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) >> 1


def generator(seed: int, *stream: str | int) -> np.random.Generator:
    """A generator of its own for the named stream, so that adding one stream never moves another."""
    return np.random.default_rng(derive(seed, *stream))
