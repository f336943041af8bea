"""What holds a container where no control group can: limits of the process, and what the supervisor has to watch. Pure."""

import math
import resource
from collections.abc import Collection
from dataclasses import dataclass

from pie_deploy.launchers.process.messages import Launch
from pie_deploy.limits import DATA_LIMIT_EXTRA_BYTES, DATA_LIMIT_FACTOR, TASKS_LIMIT_EXTRA


@dataclass(frozen=True, slots=True)
class Machine:
    cores: Collection[int]
    """That this process may use."""
    is_root: bool
    tasks_of_user: int


def rlimits(launch: Launch, controlled: Collection[str], machine: Machine) -> dict[int, tuple[int, int]]:
    """Limits for `setrlimit`, where `controlled` are what a control group takes care of.

    Never RLIMIT_AS: engines for WebAssembly and JavaScript, and allocators, reserve address space by the terabyte and use little of
    it. RLIMIT_DATA does not count what is only reserved, but it counts the stacks of threads in full; so it is a brake, far above
    the container's memory, for what allocates faster than the supervisor looks. RLIMIT_NPROC counts everything that the user runs,
    so it is a brake, too, and none for root.
    """
    limits = {resource.RLIMIT_CORE: (0, 0)}
    if "memory" not in controlled:
        data_bytes = launch.memory_bytes * DATA_LIMIT_FACTOR + DATA_LIMIT_EXTRA_BYTES
        limits[resource.RLIMIT_DATA] = (data_bytes, data_bytes)
    if "pids" not in controlled and not machine.is_root:
        tasks = machine.tasks_of_user + launch.processes_max + TASKS_LIMIT_EXTRA
        limits[resource.RLIMIT_NPROC] = (tasks, tasks)
    return limits


def cores(launch: Launch, controlled: Collection[str], machine: Machine) -> frozenset[int] | None:
    """Whole cores instead of a quota; None: all. Which ones depends on the container, so that they spread over the machine."""
    if "cpu" in controlled or launch.cpu_max is None:
        return None
    wanted = max(1, math.ceil(launch.cpu_max))
    if wanted >= len(machine.cores):
        return None
    available = sorted(machine.cores)
    first = sum(launch.container_id.encode()) % len(available)
    return frozenset(available[(first + offset) % len(available)] for offset in range(wanted))


def excess(launch: Launch, controlled: Collection[str], memory_bytes: int, tasks: int) -> str | None:
    """Why a container that uses this much has to die; None: it stays."""
    if "memory" not in controlled and memory_bytes > launch.memory_bytes:
        return "out of memory"
    if "pids" not in controlled and tasks > launch.processes_max:
        return "too many processes"
    return None
