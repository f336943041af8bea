"""Which OS processes belong to a container, read from `/proc`.

A process belongs to the container whose spec its environment names, in whose session or control group it is, or whose descendant it
is. A child that starts a session of its own keeps the mark in its environment; one that gives up the mark, too, stays a descendant;
and once its parents are gone it becomes a child of the supervisor, which adopts orphans (`strays`).
"""

import contextlib
import os
import signal
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pie_deploy.limits import PROC_FILE_BYTES_MAX
from pie_flow.container import SPEC_VARIABLE

PROC = Path("/proc")

_MARK = SPEC_VARIABLE.encode() + b"="
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class OsProcess:
    pid: int
    parent: int
    session: int
    start_ticks: int
    """With the pid it names a process for ever: pids are used again, at another time."""
    tasks: int
    mark: str = ""
    """The path of the spec that its environment names."""
    is_sandbox: bool = False
    """bwrap itself, which dies with its child and takes everything with it if told to end."""


@dataclass(frozen=True, slots=True)
class Membership:
    """What tells a container's processes."""

    main_pid: int
    """Also the number of its session."""
    mark: str
    pids: Collection[int] = ()
    """Of its control group."""
    is_main_reaped: bool = False
    """Then its pid may be somebody else's by now, and so may the session, if the somebody has begun one."""


class Census:
    """Processes at one moment, found by what they have in common."""

    def __init__(self, processes: Iterable[OsProcess]) -> None:
        self._by_pid = {process.pid: process for process in processes}
        self._children: dict[int, list[int]] = {}
        self._sessions: dict[int, list[int]] = {}
        self._marks: dict[str, list[int]] = {}
        for process in self._by_pid.values():
            self._children.setdefault(process.parent, []).append(process.pid)
            self._sessions.setdefault(process.session, []).append(process.pid)
            if process.mark:
                self._marks.setdefault(process.mark, []).append(process.pid)

    def __iter__(self) -> Iterator[OsProcess]:
        return iter(self._by_pid.values())

    def members(self, membership: Membership) -> list[OsProcess]:
        """The processes of one container."""
        found = {*membership.pids, *self._marks.get(membership.mark, ())}
        if not membership.is_main_reaped or membership.main_pid not in self._by_pid:
            found.update((membership.main_pid,), self._sessions.get(membership.main_pid, ()))
        return self._with_descendants(found)

    def strays(self, adopter: int, memberships: Iterable[Membership]) -> list[OsProcess]:
        """Orphans that the adopter has got and that belong to no container any more, with their descendants."""
        owned: set[int] = set()
        for membership in memberships:
            owned.update(process.pid for process in self.members(membership))
        return self._with_descendants({pid for pid in self._children.get(adopter, ()) if pid not in owned})

    def _with_descendants(self, pids: set[int]) -> list[OsProcess]:
        waiting = list(pids)
        while waiting:
            for child in self._children.get(waiting.pop(), ()):
                if child not in pids:
                    pids.add(child)
                    waiting.append(child)
        return [self._by_pid[pid] for pid in sorted(pids) if pid in self._by_pid]


def take_census(proc: Path = PROC) -> Census:
    """All live processes of this user; zombies are dead."""
    return Census(process for process in map(read_process, _pids(proc)) if process is not None)


def _pids(proc: Path) -> Iterator[int]:
    with os.scandir(proc) as entries:
        own = os.getuid()
        for entry in entries:
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if entry.stat().st_uid == own:
                        yield int(entry.name)


def read_process(pid: int) -> OsProcess | None:
    """None for a process that is gone, or a zombie."""
    try:
        name, fields = _stat(pid)
    except OSError:
        return None
    if fields[0] in ("Z", "X"):
        return None
    return OsProcess(
        pid=pid,
        parent=int(fields[1]),
        session=int(fields[3]),
        tasks=int(fields[17]),
        start_ticks=int(fields[19]),
        mark=_read_mark(pid),
        is_sandbox=name == "bwrap",
    )


def start_ticks(pid: int) -> int | None:
    try:
        return int(_stat(pid)[1][19])
    except OSError:
        return None


def _stat(pid: int) -> tuple[str, list[str]]:
    """A process chooses its name, so what is behind its last bracket counts."""
    text = _read(f"/proc/{pid}/stat").decode(errors="replace")
    head, _, tail = text.rpartition(")")
    return head.partition("(")[2], tail.split()


def _read_mark(pid: int) -> str:
    try:
        environment = _read(f"/proc/{pid}/environ")
    except OSError:
        return ""
    start = 0 if environment.startswith(_MARK) else environment.find(b"\0" + _MARK) + 1
    if start == 0 and not environment.startswith(_MARK):
        return ""
    return os.fsdecode(environment[start + len(_MARK) :].partition(b"\0")[0])


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        chunks = []
        size_bytes = 0
        while size_bytes < PROC_FILE_BYTES_MAX and (chunk := os.read(descriptor, 1 << 16)):
            chunks.append(chunk)
            size_bytes += len(chunk)
        return b"".join(chunks)
    finally:
        os.close(descriptor)


def send_signal(process: OsProcess, number: int) -> None:
    """To this very process: does nothing when it is gone, whoever has its pid now."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except OSError:
        return
    try:
        if start_ticks(process.pid) == process.start_ticks:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                signal.pidfd_send_signal(descriptor, number)
    finally:
        os.close(descriptor)


def anonymous_bytes(processes: Iterable[OsProcess]) -> int:
    """Memory that the processes take together and that nobody else could use. Cheap; pages shared after a fork count twice."""
    return sum(_anonymous_bytes(process.pid) for process in processes)


def _anonymous_bytes(pid: int) -> int:
    try:
        fields = _read(f"/proc/{pid}/statm").split()
        return (int(fields[1]) - int(fields[2])) * _PAGE_BYTES + _shared_memory_bytes(pid)
    except (OSError, IndexError, ValueError):
        return 0


def _shared_memory_bytes(pid: int) -> int:
    """Of tmpfs and anonymous shared mappings: no file stands behind them."""
    for line in _read(f"/proc/{pid}/status").splitlines():
        if line.startswith(b"RssShmem:"):
            return int(line.split()[1]) << 10
    return 0


def proportional_bytes(processes: Iterable[OsProcess]) -> int:
    """The same, exact and dear: a page that several processes share is divided among them."""
    return sum(_proportional_bytes(process.pid) for process in processes)


def _proportional_bytes(pid: int) -> int:
    wanted = (b"Pss_Anon:", b"Pss_Shmem:")
    try:
        lines = _read(f"/proc/{pid}/smaps_rollup").splitlines()
        return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(wanted))
    except (OSError, IndexError, ValueError):
        return _anonymous_bytes(pid)
