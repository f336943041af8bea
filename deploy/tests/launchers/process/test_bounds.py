import resource

import msgspec
import pytest

from pie_deploy.launchers.process.bounds import Machine, cores, excess, rlimits
from pie_deploy.launchers.process.messages import Launch

MIB = 1 << 20
MACHINE = Machine(cores=range(8), is_root=False, tasks_of_user=1000)
LAUNCH = Launch(
    container_id="c-a",
    deployment_id="d-a",
    incarnation=1,
    argv=("/bin/true",),
    environment={},
    folder="/",
    cpu=0.5,
    memory_bytes=64 * MIB,
    processes_max=32,
    log_bytes_max=MIB,
)
ALL = frozenset({"memory", "cpu", "pids"})


def test_a_container_never_dumps_its_memory_to_the_disk() -> None:
    assert rlimits(LAUNCH, ALL, MACHINE) == {resource.RLIMIT_CORE: (0, 0)}


def test_address_space_is_never_limited() -> None:
    assert resource.RLIMIT_AS not in rlimits(LAUNCH, frozenset(), MACHINE)


def test_without_a_group_data_is_limited_far_above_the_memory() -> None:
    soft, hard = rlimits(LAUNCH, frozenset(), MACHINE)[resource.RLIMIT_DATA]
    assert soft == hard >= 4 * LAUNCH.memory_bytes + 64 * 8 * MIB


def test_the_limit_of_processes_leaves_room_for_the_user_s_others() -> None:
    soft, _ = rlimits(LAUNCH, frozenset(), MACHINE)[resource.RLIMIT_NPROC]
    assert soft > MACHINE.tasks_of_user + LAUNCH.processes_max


def test_root_has_no_limit_of_processes_that_would_hold() -> None:
    root = Machine(cores=range(8), is_root=True, tasks_of_user=1000)
    assert resource.RLIMIT_NPROC not in rlimits(LAUNCH, frozenset(), root)


def test_without_a_ceiling_all_cores_may_be_used() -> None:
    assert cores(LAUNCH, frozenset(), MACHINE) is None


@pytest.mark.parametrize(("cpu_max", "count"), [(0.1, 1), (1.0, 1), (1.5, 2), (7.0, 7)])
def test_a_ceiling_is_rounded_up_to_whole_cores(cpu_max: float, count: int) -> None:
    chosen = cores(msgspec.structs.replace(LAUNCH, cpu_max=cpu_max), frozenset(), MACHINE)
    assert chosen is not None
    assert len(chosen) == count
    assert chosen <= set(MACHINE.cores)


def test_a_ceiling_that_a_group_holds_or_the_machine_does_not_reach_needs_no_cores() -> None:
    assert cores(msgspec.structs.replace(LAUNCH, cpu_max=1.0), ALL, MACHINE) is None
    assert cores(msgspec.structs.replace(LAUNCH, cpu_max=8.0), frozenset(), MACHINE) is None


def test_ceilings_of_several_containers_spread_over_the_cores() -> None:
    chosen = {cores(msgspec.structs.replace(LAUNCH, cpu_max=1.0, container_id=f"c-{n}"), frozenset(), MACHINE) for n in range(8)}
    assert len(chosen) == 8


@pytest.mark.parametrize(
    ("memory_bytes", "tasks", "reason"),
    [(64 * MIB, 32, None), (64 * MIB + 1, 1, "out of memory"), (1, 33, "too many processes")],
)
def test_what_nobody_else_holds_is_watched(memory_bytes: int, tasks: int, reason: str | None) -> None:
    assert excess(LAUNCH, frozenset(), memory_bytes, tasks) == reason
    assert excess(LAUNCH, ALL, memory_bytes, tasks) is None
