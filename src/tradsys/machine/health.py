"""The check-up of a machine: processors, memory, accelerator, clock and disk, and what work fits into them."""

import ctypes
import platform
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from tradsys.core.extras import EXTRAS, absent
from tradsys.machine.limits import Limits, limits, thread_caps
from tradsys.machine.plan import Accelerator, Plan, Work, make_plan

LEAST_DISK_BYTES = 10**9
"""A run folder takes some 10 MB, a symbol's five years of minutes 100 MB; a full disk in a live run costs money."""

_UNSYNCHRONISED = 5
_LIBRARIES = ("numpy", "polars", "numba", "onnxruntime", "torch")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    found: str
    state: Literal["ok", "note", "FAIL"] = "ok"


@dataclass(frozen=True, slots=True)
class CheckUp:
    """Everything that was looked at, the plan, and the usual pieces of work, which fit into it or not."""

    checks: tuple[Check, ...]
    plan: Plan
    work: Sequence[Work] = ()

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong; work that does not fit is no fault."""
        return all(check.state != "FAIL" for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        work = [
            {"fits": w.n_bytes <= self.plan.memory_bytes, "n_bytes": w.n_bytes, "sentence": w.sentence}
            for w in self.work
        ]
        return {
            "is_well": self.is_well,
            "checks": [asdict(check) for check in self.checks],
            "plan": self.plan.sentence,
            "work": work,
        }


def check_up(plan: str = "auto", *, folders: Sequence[Path] = (), work: Sequence[Work] = ()) -> CheckUp:
    """Look at everything; nothing is changed but for a small file that is written and removed in each folder.

    `work` are the pieces of which the report says whether they fit.
    """
    found = limits()
    card = accelerator()
    checks = (
        _python(),
        _extras(),
        Check("processor", f"{found.cpus} whole cores for this process ({found.cpus_source})"),
        _memory(found),
        _threads(found),
        Check(
            "accelerator", "none" if card is None else f"{card.name} ({card.kind}), {card.free_bytes / 1e9:.1f} GB free"
        ),
        _kernels(),
        _clock(),
        *(_disk(folder) for folder in folders),
    )
    return CheckUp(checks, make_plan(found, plan, card), work)


def accelerator() -> Accelerator | None:
    """The card that torch would train on, None where there is none or no torch."""
    if find_spec("torch") is None:
        return None
    import torch

    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        return Accelerator("cuda", torch.cuda.get_device_name(), total, free)
    return Accelerator("mps", "Apple GPU", 0, 0) if torch.backends.mps.is_available() else None


def _python() -> Check:
    names = []
    for name in _LIBRARIES:
        try:
            names.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            names.append(f"no {name}")
    return Check(
        "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}; {', '.join(names)}"
    )


def _extras() -> Check:
    here = [name for name, modules in EXTRAS.items() if not absent(modules)]
    others = [name for name in EXTRAS if name not in here]
    more = f"; not here: {', '.join(others)} (pip install 'tradsys[{others[0]}]')" if others else ""
    return Check("extras", f"{', '.join(here) or 'none'}{more}")


def _memory(found: Limits) -> Check:
    if not found.memory_bytes:
        return Check("memory", "this platform does not tell how much there is; nothing is refused")
    total, free = found.memory_bytes / 1e9, found.free_bytes / 1e9
    return Check("memory", f"{total:.1f} GB for this process ({found.memory_source}), {free:.1f} GB of it free")


def _threads(found: Limits) -> Check:
    """One a task is what the command line sets; every other number is the user's own and stays."""
    own = {name: n for name, n in thread_caps().items() if n is not None and n != 1}
    above = {name: n for name, n in own.items() if n > found.cpus}
    listed = ", ".join(f"{name}={n}" for name, n in (above or own).items())
    if above:
        more = f"more threads than the {found.cpus} cores; unset them or set them lower"
        return Check("threads", f"{listed}: {more}", "FAIL")
    if own:
        kept = "set by you and kept; unset, it is one, which costs less and gives the same bytes on every machine"
        return Check("threads", f"{listed}: {kept}", "note")
    return Check("threads", "one numerical thread a task; more cores are used by processes")


def _kernels() -> Check:
    """Where compiled kernels are kept; one of them stands for all."""
    from tradsys.core.atr import wilder_atr
    from tradsys.core.kernels import kernel_folder

    folder = kernel_folder(wilder_atr)
    if folder is None:
        return Check(
            "kernels",
            "no folder can be written for what numba compiles: each process compiles anew; set NUMBA_CACHE_DIR",
            "note",
        )
    where = f"beside the code, {folder.parent.parent}" if folder.name == "__pycache__" else str(folder.parent)
    return Check("kernels", f"compiled once and kept {where}")


def _clock() -> Check:
    """Whether the kernel says that something keeps its clock right; orders and bars are stamped by it."""
    if sys.platform != "linux":
        return Check("clock", "this platform does not tell whether its clock is kept right; see its settings")
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(512))
    if state < 0:
        return Check("clock", "the kernel does not tell whether its clock is kept right (a container may hide it)")
    if state == _UNSYNCHRONISED:
        return Check(
            "clock",
            "nobody keeps this clock right (adjtimex: unsynchronised); start chrony or timesyncd before trading",
        )
    return Check("clock", "kept right by the kernel's time service")


def _disk(folder: Path) -> Check:
    """Space and permission in a folder, or in the nearest one above it that exists."""
    where = folder.resolve()
    while not where.is_dir():
        where = where.parent
    free = shutil.disk_usage(where).free
    try:
        with tempfile.TemporaryFile(dir=where) as file:
            file.write(b"tradsys")
    except OSError as error:
        return Check(f"disk of {folder}", f"cannot be written to ({error.strerror}); choose another folder", "FAIL")
    is_well = free >= LEAST_DISK_BYTES
    advice = "" if is_well else f", less than the {LEAST_DISK_BYTES / 1e9:.0f} GB that a night needs; make room"
    return Check(f"disk of {folder}", f"{free / 1e9:,.1f} GB free{advice}", "ok" if is_well else "FAIL")
