"""Random numbers as a function of seed, stream, step and place: no state to save, none to advance, none to share."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


class RandomStreams:
    """A family of random streams for each of many models; the same seed, stream and step give the same numbers.

    Training that resumes at step 700 draws what it would have drawn there, a model draws the same in any company, and
    nothing asks the host, so that a step can be recorded and replayed. `keys` (n_models, 2) int32 come from `keys_of`.

    Each number is a counter, hashed twice with keys in between. The hash is lowbias32 of C. Wellons's *hash-prospector*
    (2018); counters as a source of randomness: Salmon, Moraes, Dror & Shaw, *Parallel Random Numbers: As Easy as 1, 2,
    3* (SC 2011).
    """

    def __init__(self, keys: Tensor) -> None:
        self._keys = keys

    def uniform(self, step: Tensor, stream: int, n: int) -> Tensor:
        """Uniform in (0, 1), a multiple of 2^-25, (n_models, n); `step` is (n_models, 1)."""
        first = _mix(_mix(self._keys[:, :1] ^ step.to(torch.int32)) ^ stream)
        second = _mix(first + self._keys[:, 1:])
        place = torch.arange(n, dtype=torch.int32, device=step.device)
        bits = _mix(_mix(place ^ first).add_(second))
        return bits.bitwise_right_shift_(8).bitwise_and_(0xFFFFFF).float().mul_(2.0**-24).add_(2.0**-25)

    def normal(self, step: Tensor, stream: int, n: int) -> Tensor:
        """Standard normal, (n_models, n), by Box and Muller's transform."""
        half = (n + 1) // 2
        radius, turn = self.uniform(step, stream, 2 * half).chunk(2, dim=1)
        radius, turn = radius.log().mul_(-2.0).sqrt_(), turn * (2.0 * math.pi)
        return torch.cat((radius * turn.cos(), radius * turn.sin()), dim=1)[:, :n]


def keys_of(seeds: Sequence[int]) -> Tensor:
    """Two 32-bit keys a seed, (n_models, 2)."""
    words = np.stack([np.random.SeedSequence(seed).generate_state(2, np.uint32) for seed in seeds])
    return torch.from_numpy(words.view(np.int32).copy())


def _mix(x: Tensor) -> Tensor:
    """Hash every int32, in place; shifts are arithmetic, hence the masks."""
    x.bitwise_xor_(x.bitwise_right_shift(16).bitwise_and_(0xFFFF)).mul_(0x7FEB352D)
    x.bitwise_xor_(x.bitwise_right_shift(15).bitwise_and_(0x1FFFF)).mul_(0x846CA68B - (1 << 32))
    return x.bitwise_xor_(x.bitwise_right_shift(16).bitwise_and_(0xFFFF))
