"""Control group trees of rented machines, written into a folder that stands in for /proc and /sys."""

from pathlib import Path

import proclimits
import pytest
from proclimits import _cgroup

GIB = 2**30


def write_pod(
    monkeypatch: pytest.MonkeyPatch,
    root: Path,
    *,
    version: int,
    cpus: float | None,
    memory_bytes: int | None,
    used_bytes: int = 0,
    host_cpus: int = 128,
    host_bytes: int = 512 * GIB,
) -> None:
    """A container with these limits on a big host; None is no limit. The kernel's files have their usual shape."""
    proc, cgroup = root / "proc", root / "cgroup"
    proc.mkdir(parents=True)
    files = {
        "meminfo": f"MemTotal: {host_bytes // 1024} kB\nMemAvailable: {host_bytes // 2048} kB\n",
        "online": f"0-{host_cpus - 1}\n",
    }
    quota = None if cpus is None else round(cpus * 100_000)
    if version == 2:
        files["cgroup"] = "0::/\n"
        files["mountinfo"] = f"31 23 0:28 / {cgroup} rw,relatime - cgroup2 cgroup2 rw\n"
        group = {
            "cpu.max": f"{'max' if quota is None else quota} 100000",
            "memory.max": "max" if memory_bytes is None else str(memory_bytes),
            "memory.current": str(used_bytes),
            "memory.stat": "inactive_file 0\nfile_dirty 0\nfile_writeback 0\nanon 0\nfile 0\nslab_reclaimable 0\n",
            "cgroup.controllers": "cpu memory",
        }
        write(cgroup, group)
    else:
        files["cgroup"] = "2:memory:/\n1:cpu,cpuacct:/\n"
        files["mountinfo"] = "".join(
            f"{32 + k} 31 0:{29 + k} / {cgroup / name} rw,relatime - cgroup cgroup rw,{name}\n"
            for k, name in enumerate(("cpu,cpuacct", "memory"))
        )
        write(
            cgroup / "cpu,cpuacct",
            {"cpu.cfs_quota_us": str(-1 if quota is None else quota), "cpu.cfs_period_us": "100000"},
        )
        write(
            cgroup / "memory",
            {
                "memory.limit_in_bytes": str(9223372036854771712 if memory_bytes is None else memory_bytes),
                "memory.usage_in_bytes": str(used_bytes),
                "memory.stat": "total_inactive_file 0\ntotal_dirty 0\ntotal_writeback 0\nhierarchical_memory_limit 0\n",
            },
        )
    write(proc, files)
    for name, file in (
        ("_PROC_SELF_CGROUP", "cgroup"),
        ("_PROC_SELF_MOUNTINFO", "mountinfo"),
        ("_PROC_MEMINFO", "meminfo"),
        ("_SYS_CPU_ONLINE", "online"),
    ):
        monkeypatch.setattr(_cgroup, name, proc / file)
    monkeypatch.setattr("tradsys.machine.limits._MEMINFO", proc / "meminfo")
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(host_cpus)), raising=False)
    proclimits.clear_cache()


def write(folder: Path, files: dict[str, str]) -> None:
    """Small text files, each with its line ended."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(content.rstrip("\n") + "\n")
