"""A mark that a process keeps whatever it does with its session and its environment: limits are inherited.

Nobody here needs POSIX message queues, so the limit of their bytes carries a number of the runtime. The usual limit is 819,200;
brands lie between a quarter and a half of a MiB, where nobody else's limit does. Who lowers it on purpose gets away: against that
there are sandboxes and control groups.
"""

import contextlib
import hashlib
import resource
from collections.abc import Iterable
from pathlib import Path

from pie_deploy.launchers.process.census import PROC, OsProcess

_COUNT = 1 << 18
_LINE = "Max msgqueue size"


def brand(containers: Path, runtime_id: str) -> int:
    """Of all processes of a runtime's containers."""
    digest = hashlib.sha256(f"{containers}\0{runtime_id}".encode()).digest()
    return _COUNT + int.from_bytes(digest[:8], "big") % _COUNT


def rlimits(number: int) -> dict[int, tuple[int, int]]:
    """For `setrlimit`; none where less is granted: then there is no brand."""
    _, hard = resource.getrlimit(resource.RLIMIT_MSGQUEUE)
    is_granted = hard in (resource.RLIM_INFINITY, -1) or number <= hard
    return {resource.RLIMIT_MSGQUEUE: (number, number)} if is_granted else {}


def branded(processes: Iterable[OsProcess], number: int, proc: Path = PROC) -> set[int]:
    """The pids of those with this brand."""
    return {process.pid for process in processes if _read(proc / str(process.pid) / "limits") == number}


def _read(path: Path) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        for line in path.read_text().splitlines():
            if line.startswith(_LINE):
                return int(line.removeprefix(_LINE).split()[1])
    return None
