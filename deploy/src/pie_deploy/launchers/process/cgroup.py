"""Control groups: what holds memory, CPU and the number of tasks of a container, where this user may write them.

Both layouts are read. In version 1 every controller has a hierarchy of its own, in version 2 all share one; a machine may have both
at once. A group that controls nothing is of use, too: nobody leaves it, so it knows exactly which processes belong to a container.

    <hierarchy>/<the group we are in>/pie-<runtime>/<container>
"""

import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pie_deploy.limits import CPU_PERIOD_US, CPU_QUOTA_US_MIN

Controller = Literal["memory", "cpu", "pids"]
CONTROLLERS: tuple[Controller, ...] = ("memory", "cpu", "pids")

_MOUNT_POINT_FIELD = 4
_MOUNT_ROOT_FIELD = 3
_SHARES_PER_CORE = 1024
_SHARES_MAX = 1 << 18
_WEIGHT_PER_CORE = 100
_WEIGHT_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Hierarchy:
    version: Literal[1, 2]
    controllers: frozenset[str]
    """In version 1 those of the mount; in version 2 empty, the files say."""
    folder: Path
    """Of the group that this process is in."""


def hierarchies(mountinfo: str, own_groups: str) -> list[Hierarchy]:
    """Where the groups of this process lie, from `/proc/self/mountinfo` and `/proc/self/cgroup`."""
    own = dict(_own_group(line) for line in own_groups.splitlines() if line.count(":") >= 2)
    found = []
    for line in mountinfo.splitlines():
        mount, _, rest = line.partition(" - ")
        kind, *options = rest.split()
        if kind == "cgroup2" and "" in own:
            found.append(Hierarchy(2, frozenset(), _folder(mount, own[""])))
        elif kind == "cgroup" and (controllers := frozenset(name for name in options[-1].split(",") if name in own)):
            found.append(Hierarchy(1, controllers, _folder(mount, own[min(controllers)])))
    return found


def _own_group(line: str) -> tuple[str, str]:
    """`4:memory:/a` → ("memory", "/a"), `4:cpu,cpuacct:/a` → ("cpu", "/a"), `0::/a` → ("", "/a")."""
    _, controllers, path = line.split(":", 2)
    return next((name for name in CONTROLLERS if name in controllers.split(",")), controllers), path


def _folder(mount: str, group: str) -> Path:
    """A mount may show only the part of the hierarchy below its root, as it does inside a container."""
    fields = mount.split()
    root, point = fields[_MOUNT_ROOT_FIELD], fields[_MOUNT_POINT_FIELD]
    inner = os.path.relpath(group, root)
    return Path(point) if inner.startswith("..") or inner == "." else Path(point, inner)


@dataclass(frozen=True, slots=True)
class GroupLimits:
    cpu: float
    """Cores that it gets when all want some."""
    cpu_max: float | None
    """Cores that it never exceeds."""
    memory_bytes: int
    tasks_max: int


class Group:
    """A container's control groups, one per hierarchy."""

    def __init__(self, folders: Mapping[Hierarchy, Path], controlled: frozenset[str]) -> None:
        self._folders = folders
        self.controlled = controlled
        """Controllers that enforce the limits."""

    @property
    def join(self) -> tuple[str, ...]:
        """Files that a process writes `0` into to become a member."""
        return tuple(str(folder / "cgroup.procs") for folder in self._folders.values())

    @property
    def is_exact(self) -> bool:
        """Whether `pids` are all of the container."""
        return bool(self._folders)

    def pids(self) -> set[int]:
        found: set[int] = set()
        for folder in self._folders.values():
            with contextlib.suppress(OSError, ValueError):
                found.update(map(int, (folder / "cgroup.procs").read_text().split()))
        return found

    def refuse_new_tasks(self) -> None:
        """So that what is being killed cannot fork faster than it dies."""
        for folder in self._folders.values():
            _write(folder / "pids.max", "0")

    def kill(self) -> None:
        """SIGKILL to all members, at once where the kernel can do it."""
        for folder in self._folders.values():
            if not _write(folder / "cgroup.kill", "1"):
                for pid in self.pids():
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, signal.SIGKILL)

    def out_of_memory_kills(self) -> int:
        """How many members the kernel has killed because the group's memory was used up."""
        counts = [0]
        for folder in self._folders.values():
            for name in ("memory.oom_control", "memory.events"):
                with contextlib.suppress(OSError, ValueError):
                    lines = dict(line.split(maxsplit=1) for line in (folder / name).read_text().splitlines())
                    counts.append(int(lines.get("oom_kill", 0)))
        return max(counts)

    def remove(self) -> bool:
        """Whether all is gone. The kernel refuses while a member is left, a zombie included."""
        for folder in self._folders.values():
            with contextlib.suppress(FileNotFoundError, OSError):
                folder.rmdir()
        return not any(folder.exists() for folder in self._folders.values())


NO_GROUP = Group({}, frozenset())


class Cgroups:
    """The groups of one runtime. Without a hierarchy that can be written, all its groups are empty ones."""

    def __init__(self, available: Sequence[Hierarchy], name: str) -> None:
        self._name = name
        self._bases: dict[Hierarchy, Path] = {}
        for hierarchy in available:
            if _is_useful(hierarchy) and _make_base(hierarchy, hierarchy.folder / name):
                self._bases[hierarchy] = hierarchy.folder / name

    def create(self, container_id: str, limits: GroupLimits) -> Group:
        """The container's group with these limits; one that exists is used again."""
        folders, controlled = {}, set()
        for hierarchy, base in self._bases.items():
            folder = base / container_id
            with contextlib.suppress(OSError):
                folder.mkdir(exist_ok=True)
                controlled |= _limit(folder, hierarchy.version, limits)
                folders[hierarchy] = folder
        return Group(folders, frozenset(controlled))

    def weigh(self, containers: int) -> None:
        """Beside the other processes of the machine, so many containers together count as so many, not as one. Among each other
        they count by their limits.
        """
        for base in self._bases.values():
            _write(base / "cpu.shares", str(min(_SHARES_MAX, max(1, containers) * _SHARES_PER_CORE)))
            _write(base / "cpu.weight", str(min(_WEIGHT_MAX, max(1, containers) * _WEIGHT_PER_CORE)))

    def leftovers(self) -> list[Group]:
        """Groups that an earlier supervisor has left behind."""
        names = {child.name for base in self._bases.values() for child in base.iterdir() if child.is_dir()}
        return [
            Group({hierarchy: base / name for hierarchy, base in self._bases.items() if (base / name).is_dir()}, frozenset())
            for name in sorted(names)
        ]

    def close(self) -> None:
        for base in self._bases.values():
            with contextlib.suppress(OSError):
                base.rmdir()


def detect(name: str, proc: Path = Path("/proc/self")) -> Cgroups:
    try:
        available = hierarchies((proc / "mountinfo").read_text(), (proc / "cgroup").read_text())
    except OSError:
        available = []
    return Cgroups(available, name)


def _is_useful(hierarchy: Hierarchy) -> bool:
    return hierarchy.version == 2 or not hierarchy.controllers.isdisjoint(CONTROLLERS)


def _make_base(hierarchy: Hierarchy, base: Path) -> bool:
    try:
        base.mkdir(exist_ok=True)
    except OSError:
        return False
    if hierarchy.version == 2:
        # A parent hands controllers down only while no process is in it but in its children, save the root. Where the login
        # session has not delegated us a group of our own, this fails, and the group stays one that only knows its members.
        for parent in (hierarchy.folder, base):
            for controller in CONTROLLERS:
                _write(parent / "cgroup.subtree_control", f"+{controller}")
    return True


def _limit(folder: Path, version: Literal[1, 2], limits: GroupLimits) -> set[Controller]:
    """Writes the limits; which controllers took theirs."""
    settings = settings_v1(limits) if version == 1 else settings_v2(limits)
    taken: set[Controller] = set()
    for controller, files in settings.items():
        required, *optional = files
        if _write(folder / required[0], required[1]):
            taken.add(controller)
            for name, text in optional:
                _write(folder / name, text)
    return taken


def settings_v1(limits: GroupLimits) -> dict[Controller, list[tuple[str, str]]]:
    """Files and what to write, per controller; the first one has to work, the others are extras that a kernel may lack."""
    memory = str(limits.memory_bytes)
    return {
        "memory": [("memory.limit_in_bytes", memory), ("memory.memsw.limit_in_bytes", memory)],
        "cpu": [
            ("cpu.shares", str(max(2, round(limits.cpu * _SHARES_PER_CORE)))),
            ("cpu.cfs_period_us", str(CPU_PERIOD_US)),
            ("cpu.cfs_quota_us", "-1" if limits.cpu_max is None else str(_quota_us(limits.cpu_max))),
        ],
        "pids": [("pids.max", str(limits.tasks_max))],
    }


def settings_v2(limits: GroupLimits) -> dict[Controller, list[tuple[str, str]]]:
    quota = "max" if limits.cpu_max is None else str(_quota_us(limits.cpu_max))
    return {
        "memory": [("memory.max", str(limits.memory_bytes)), ("memory.swap.max", "0"), ("memory.oom.group", "1")],
        "cpu": [
            ("cpu.weight", str(min(_WEIGHT_MAX, max(1, round(limits.cpu * _WEIGHT_PER_CORE))))),
            ("cpu.max", f"{quota} {CPU_PERIOD_US}"),
        ],
        "pids": [("pids.max", str(limits.tasks_max))],
    }


def _quota_us(cores: float) -> int:
    return max(CPU_QUOTA_US_MIN, round(cores * CPU_PERIOD_US))


def _write(path: Path, text: str) -> bool:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)
    except OSError:
        return False
    return True
