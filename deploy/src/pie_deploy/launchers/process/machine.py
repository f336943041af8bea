"""What this machine has."""

import contextlib
import os
import re
from pathlib import Path

from pie_deploy.domain.records import Node
from pie_deploy.launchers.process.cgroup import hierarchies

_GPU = re.compile(r"nvidia\d+")
_MEMORY_FILES = ("memory.limit_in_bytes", "memory.max")


def describe_machine(runtime_id: str) -> Node:
    """The one node of a process runtime, with what this process may use of the machine."""
    return Node(
        id=f"n-{runtime_id.removeprefix('r-')}",
        runtime_id=runtime_id,
        cpu=float(len(os.sched_getaffinity(0))),
        memory_bytes=min(_physical_bytes(), *_group_bytes()),
        gpu=sum(1 for path in Path("/dev").iterdir() if _GPU.fullmatch(path.name)),
    )


def _physical_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _group_bytes(proc: Path = Path("/proc/self")) -> list[int]:
    """What the control groups around this process leave to it."""
    found = [_physical_bytes()]
    for hierarchy in hierarchies((proc / "mountinfo").read_text(), (proc / "cgroup").read_text()):
        for folder in (hierarchy.folder, *hierarchy.folder.parents):
            for name in _MEMORY_FILES:
                with contextlib.suppress(OSError, ValueError):
                    found.append(int((folder / name).read_text()))
    return found
