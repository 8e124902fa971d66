"""The safe and the beast plan: how much memory and how many cores work may take, checked before it starts."""

import difflib
from dataclasses import dataclass, replace
from typing import Literal, get_args

from tradsys.core.errors import ConfigError, MachineError
from tradsys.machine.limits import Limits

type PlanName = Literal["auto", "safe", "beast"]
type Precision = Literal["float32", "bfloat16"]
type CompileMode = Literal["auto", "on", "off"]

COMPILE_MODES: tuple[CompileMode, ...] = get_args(CompileMode.__value__)
PLANS: tuple[PlanName, ...] = get_args(PlanName.__value__)

_SHARE = {"safe": 0.5, "beast": 0.85}
"""Of the memory that is free; the rest is for what nobody foresaw: other processes, fragmentation, the page cache."""

_ROOMY_BYTES, _ROOMY_CPUS = 12 * 10**9, 4
"""From here on a machine without an accelerator is used in full unless its owner says otherwise."""


@dataclass(frozen=True, slots=True)
class Accelerator:
    """A card that networks may train on; `kind` is torch's name of it, memory in bytes (0 where it is the host's)."""

    kind: Literal["cuda", "mps"]
    name: str
    memory_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What work may take here.

    `memory_bytes` is for all processes together, `device_bytes` for networks on their `device` (the host's memory
    again, where that is "cpu"). Whatever changes a result, such as the number of crops in a step, belongs to the recipe
    and is none of a plan's business, but for `precision`, which is float32 on every processor.
    """

    name: Literal["safe", "beast"]
    cpus: int
    memory_bytes: int
    device: Literal["cpu", "cuda", "mps"]
    device_bytes: int
    precision: Precision
    compile: CompileMode = "auto"

    @property
    def sentence(self) -> str:
        """What any work may take, networks among it."""
        where = "on the processor" if self.device == "cpu" else f"{_size(self.device_bytes)} on {self.device}"
        return f"{self._host}, networks {where} in {self.precision}"

    def sentence_of(self, work: "Work") -> str:
        """What this work may take; nothing of networks where none is trained."""
        return self.sentence if work.trains_network else self._host

    @property
    def _host(self) -> str:
        cores = "core" if self.cpus == 1 else "cores"
        return f"{self.name} plan: {self.cpus} {cores}, up to {_size(self.memory_bytes)} of memory"

    def n_processes(self, bytes_each: int) -> int:
        """How many processes of that size run side by side: one a core, as far as memory goes, at least one."""
        return max(1, min(self.cpus, self.memory_bytes // max(1, bytes_each)))

    def shared(self, n_processes: int) -> "Plan":
        """What each of so many processes, working side by side, may take."""
        return replace(
            self,
            cpus=max(1, self.cpus // n_processes),
            memory_bytes=self.memory_bytes // n_processes,
            device_bytes=self.device_bytes // n_processes,
        )

    def demand(self, what: str, n_bytes: int, instead: str) -> None:
        """Raise MachineError where work that needs this much memory would not fit; `instead` says what would."""
        if n_bytes <= self.memory_bytes:
            return
        would_fit = n_bytes <= self.memory_bytes / _SHARE[self.name] * _SHARE["beast"]
        raise MachineError(
            f"{what} needs about {_size(n_bytes)} of memory, the {self.name} plan has {_size(self.memory_bytes)}; "
            f"{instead}" + (", or take the beast plan (machine.plan or --plan), which has room" if would_fit else "")
        )


def make_plan(limits: Limits, name: str = "auto", accelerator: Accelerator | None = None) -> Plan:
    """The plan of that name for a machine; auto is beast where there is an accelerator or plenty of room."""
    if name not in PLANS:
        near = difflib.get_close_matches(name, PLANS, n=1, cutoff=0.3)
        raise ConfigError(f"no plan is called {name!r}; " + (f"did you mean {near[0]}?" if near else ", ".join(PLANS)))
    is_roomy = limits.free_bytes >= _ROOMY_BYTES and limits.cpus >= _ROOMY_CPUS
    chosen: Literal["safe", "beast"] = "safe" if name == "safe" else "beast"
    if name == "auto" and accelerator is None and not is_roomy:
        chosen = "safe"
    # a platform that does not tell its memory is not refused anything
    free = limits.free_bytes or 2**62
    memory = int(_SHARE[chosen] * free)
    device_bytes = int(_SHARE[chosen] * accelerator.free_bytes) if accelerator and accelerator.free_bytes else memory
    is_cuda = accelerator is not None and accelerator.kind == "cuda"
    return Plan(
        name=chosen,
        cpus=limits.cpus,
        memory_bytes=memory,
        device=accelerator.kind if accelerator else "cpu",
        device_bytes=device_bytes,
        precision="bfloat16" if is_cuda and chosen == "beast" else "float32",
    )


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 10**9:,.1f} GB" if n_bytes >= 10**9 else f"{n_bytes / 10**6:,.0f} MB"


@dataclass(frozen=True, slots=True)
class Work:
    """Something to be done, the memory it takes at its peak, and what a smaller machine could do instead.

    `trains_network` says that an accelerator would be used.
    """

    name: str
    n_bytes: int
    instead: str
    trains_network: bool = False

    @property
    def sentence(self) -> str:
        return f"{self.name}: about {self.n_bytes / 10**6:,.0f} MB"

    def check(self, plan: Plan) -> None:
        """Raise MachineError where the plan has no room for it."""
        plan.demand(self.name, self.n_bytes, self.instead)
