"""When a training is worth torch's compiler, what that may do to it, and what happens where it cannot."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tradsys.core.cache_folder import cache_folder
from tradsys.core.errors import ConfigError, FitError
from tradsys.core.told import tell
from tradsys.machine.plan import COMPILE_MODES, CompileMode
from tradsys.models.training.step_parts import StepFunctions, StepParts

_WORTH_LABELS = 500_000_000
"""Compiling cost up to 19 s on an H200 and saved .038 to .057 us a label there (docs/benchmarks.md)."""

_OPTIONS = {
    # sums over rows lose their leading axes of one, or the gradient a slice of what it is joined from, without a word:
    # pytorch issues 178080 and 193061, both in torch 2.11
    "triton.mix_order_reduction": False,
    # no choice of kernels by the clock: one that sums in another order gives other bits
    "deterministic": True,
    # a step is recorded as a whole
    "triton.cudagraphs": False,
}
_SHAPES_AT_MOST = 256
"""Compiled shapes of one function that a process keeps; beyond its own limit torch would refuse the next group."""

_SLICE, _WHOLE = 0.25, 0.0005
"""What a gradient may differ by, of its map's size and of all of it; bfloat16 against float32 takes 5% of that."""


@dataclass(frozen=True, slots=True)
class Compiling:
    """Whether steps are compiled: `auto` on CUDA, where the labels that are planned pay for it; `on`; `off`.

    A function that is compiled is compared with the plain one before it is used. What cannot be compiled, or comes out
    otherwise, is told in a sentence; then `auto` goes on with the plain one and `on` is a FitError.
    """

    mode: CompileMode = "auto"
    backend: str | Callable[..., Any] = "inductor"

    def __post_init__(self) -> None:
        if self.mode not in COMPILE_MODES:
            raise ConfigError(f"steps are compiled {', '.join(COMPILE_MODES)}, was {self.mode!r}")

    def pays(self, device: torch.device, n_labels: int) -> bool:
        """Whether a training that is planned to see this many labels, early stopping aside, is compiled.

        Nothing else counts, such as what a cache happens to hold: the same training gives the same bits.
        """
        return self.mode == "on" or (self.mode == "auto" and device.type == "cuda" and n_labels >= _WORTH_LABELS)

    def functions(self, parts: StepParts) -> StepFunctions:
        """The parts' functions, compiled and compared; the plain ones where that fails under `auto`."""
        try:
            compiled = self._compiled(parts)
            fault = _difference(parts, compiled)
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, OSError) as error:
            fault = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        if fault is None:
            return compiled
        if self.mode == "on":
            raise FitError(f"the training step was to be compiled and cannot be ({fault}); set machine.compile to off")
        tell(f"the training step cannot be compiled ({fault}); it goes on as it is, about half as fast on a card")
        return parts.plain

    def _compiled(self, parts: StepParts) -> StepFunctions:
        options = None
        if self.backend == "inductor":
            # torch reads it when it first compiles; with it the next process finds what this one compiled
            os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache_folder("inductor")))
            options = known_options()

        def made[**P](act: Callable[P, Tensor]) -> Callable[P, Tensor]:
            return torch.compile(act, fullgraph=True, dynamic=False, backend=self.backend, options=options)

        return StepFunctions(made(parts.loss), made(parts.move), is_compiled=True)


def known_options() -> dict[str, str | int | bool | Callable[..., Any]]:
    """What inductor is told, as far as this torch knows of it: what it does not know of, it does not do either."""
    import torch._inductor

    here = set(torch._inductor.list_options())
    return {name: value for name, value in _OPTIONS.items() if name in here}


def _difference(parts: StepParts, compiled: StepFunctions) -> str | None:
    """How the compiled functions differ from the plain ones, None where they do not; this compiles them.

    Compared is the gradient at parameters where no map's is zero, as most are at first. The move is tried with a
    gradient of zero that moves nothing, so that an optimiser that has not begun stays as it is.
    """
    import torch._dynamo.config

    theta = parts.optimiser.theta.detach()
    place = torch.arange(theta.shape[1], device=theta.device)
    number = torch.ones_like(theta[:, :1], dtype=torch.int64)
    with torch._dynamo.config.patch(recompile_limit=_SHAPES_AT_MOST):
        gradients = []
        for functions in (parts.plain, compiled):
            probe = (theta + 0.02 * torch.cos(place)).requires_grad_()
            gradients.append(torch.autograd.grad(functions.loss(probe, number, parts.first_rows(number)), probe)[0])
        compiled.move(torch.zeros_like(theta), number, torch.zeros_like(number, dtype=torch.bool))
    return _unlike(parts, *gradients)


def _unlike(parts: StepParts, plain: Tensor, compiled: Tensor) -> str | None:
    """Which maps' gradients (n_models, n_parameters) are unlike, leaving out models whose plain one is not finite."""
    if plain.shape != compiled.shape:
        return f"its gradient has the shape {tuple(compiled.shape)}, wanted {tuple(plain.shape)}"
    whole = torch.linalg.vector_norm(plain, dim=1)
    names, both = [], (parts.network.unpack(plain), parts.network.unpack(compiled))
    for name, wanted in both[0].items():
        size, off = (torch.linalg.vector_norm(x.flatten(1), dim=1) for x in (wanted, both[1][name] - wanted))
        if bool((~(off <= _SLICE * size + _WHOLE * whole) & torch.isfinite(whole)).any()):
            names.append(name)
    return f"compiled, it gives other gradients of {', '.join(names)}" if names else None
