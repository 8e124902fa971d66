"""Plans come from the container's limits, not its host's, and what does not fit is refused with a sentence."""

import proclimits
import pytest
from tests.machine.pods import GIB, write_pod

from tradsys.cli.doctor import usual_work
from tradsys.cli.loading import run_work
from tradsys.core.errors import ConfigError, MachineError
from tradsys.machine.limits import Limits, limits
from tradsys.machine.plan import Accelerator, make_plan

CARD = Accelerator("cuda", "a card", 80 * 10**9, 70 * 10**9)


@pytest.fixture
def pod(monkeypatch, tmp_path):
    """Writes a container's control groups; the real ones are back afterwards."""
    yield lambda **kind: write_pod(monkeypatch, tmp_path, **kind)
    monkeypatch.undo()
    proclimits.clear_cache()


def machine(*, free: float = 8.0, cpus: int = 2) -> Limits:
    return Limits(cpus, int(2 * free * 10**9), "test", "test", int(free * 10**9))


@pytest.mark.parametrize("version", [1, 2])
def test_a_pods_limits_count_whichever_control_groups_its_kernel_has(pod, version):
    pod(version=version, cpus=5.6, memory_bytes=31 * GIB, used_bytes=GIB)
    found = limits(environ={})
    assert (found.cpus, found.cpus_source) == (5, "control group")
    assert (found.memory_bytes, found.memory_source) == (31 * GIB, "control group")
    assert found.free_bytes == 30 * GIB


@pytest.mark.parametrize("version", [1, 2])
def test_a_group_without_limits_leaves_the_machine_and_what_its_kernel_calls_available(pod, version):
    pod(version=version, cpus=None, memory_bytes=None, host_cpus=16, host_bytes=64 * GIB)
    found = limits(environ={})
    assert (found.cpus, found.memory_bytes, found.memory_source) == (16, 64 * GIB, "machine")
    assert found.free_bytes == 32 * GIB


def test_the_tightest_of_group_and_hints_counts(pod):
    pod(version=2, cpus=8, memory_bytes=31 * GIB)
    found = limits(environ={"RUNPOD_CPU_COUNT": "6", "RUNPOD_MEM_GB": "16"})
    assert (found.cpus, found.memory_bytes, found.free_bytes) == (6, 16 * 10**9, 16 * 10**9)


@pytest.mark.parametrize("version", [1, 2])
def test_a_pod_of_488_megabytes_is_told_what_it_can_and_cannot_do(pod, version):
    pod(version=version, cpus=1, memory_bytes=488 * 10**6, used_bytes=60 * 10**6)
    plan = make_plan(limits(environ={}), "beast")
    fits = {work.sentence: work.n_bytes <= plan.memory_bytes for work in usual_work()}
    assert any(fits.values()) and not all(fits.values())
    with pytest.raises(MachineError, match=r"needs about .* of memory, the beast plan has 36\d MB; "):
        run_work(n_rows=43_800, has_network=True).check(plan)


def test_work_that_fits_is_let_through():
    run_work(n_rows=43_800, has_network=True).check(make_plan(machine(free=16.0)))


def test_a_refusal_names_the_beast_plan_where_that_would_do():
    plan = make_plan(machine(free=1.0), "safe")
    with pytest.raises(MachineError, match=r"do less, or take the beast plan \(.*\), which has room$"):
        plan.demand("this", 8 * 10**8, "do less")
    with pytest.raises(MachineError, match=r"do less$"):
        plan.demand("this", 9 * 10**8, "do less")


def test_auto_is_safe_on_a_small_machine_and_beast_on_a_roomy_one_or_with_a_card():
    assert make_plan(machine()).name == "safe"
    assert make_plan(machine(free=64.0, cpus=16)).name == "beast"
    assert make_plan(machine(), "auto", CARD).name == "beast"
    assert make_plan(machine(free=64.0, cpus=16), "safe", CARD).name == "safe"


def test_beast_takes_more_than_safe_and_bfloat16_where_a_card_has_it():
    safe, beast = (make_plan(machine(), name, CARD) for name in ("safe", "beast"))
    assert safe.memory_bytes < beast.memory_bytes < 8 * 10**9
    assert safe.device_bytes < beast.device_bytes < 70 * 10**9
    assert (safe.precision, beast.precision) == ("float32", "bfloat16")
    assert make_plan(machine(), "beast").precision == "float32"


def test_processes_are_bounded_by_cores_and_by_memory():
    plan = make_plan(machine(free=8.0, cpus=16), "safe")
    assert (plan.n_processes(10**8), plan.n_processes(10**9), plan.n_processes(10**10)) == (16, 4, 1)


def test_a_machine_that_does_not_tell_is_refused_nothing():
    make_plan(Limits(2, 0, "test", "unknown")).demand("this", 10**15, "do less")


def test_a_mistyped_plan_names_the_nearest():
    with pytest.raises(ConfigError, match="no plan is called 'bease'; did you mean beast"):
        make_plan(machine(), "bease")


def test_a_plan_speaks_of_networks_where_one_is_trained():
    plan = make_plan(machine(), "safe")
    alone, challenged = (plan.sentence_of(run_work(43_800, has_network=has_network)) for has_network in (False, True))
    assert alone == "safe plan: 2 cores, up to 4.0 GB of memory"
    assert challenged == plan.sentence == f"{alone}, networks on the processor in float32"
