"""From a plan to a running process: fork, become, exec.

`subprocess` cannot do what has to happen between fork and exec without running Python there anyway. That is safe here, because the
supervisor has one thread; and it must stay so: the death of the *thread* that forked is what kills the children of a killed
supervisor.
"""

import contextlib
import ctypes
import os
import resource
import signal
from dataclasses import dataclass, field
from typing import NoReturn

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38

_EXIT_NOT_STARTED = 127
_MESSAGE_BYTES_MAX = 4096
_HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGUSR1)

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class SpawnPlan:
    argv: tuple[str, ...]
    environment: dict[str, str]
    folder: str
    join: tuple[str, ...] = ()
    """Files to write `0` into, to become a member of control groups."""
    rlimits: dict[int, tuple[int, int]] = field(default_factory=dict)
    cores: frozenset[int] | None = None
    out_of_memory_score: int = 0
    """Above zero: the kernel would rather kill this than its supervisor."""
    may_gain_privileges: bool = False


@dataclass(frozen=True, slots=True)
class Spawned:
    pid: int
    stdout: int
    stderr: int
    verdict: int
    """Ends empty when the program has begun; else it gives the reason why it has not. The reader closes all three."""


def adopt_orphans() -> None:
    """From now on the orphans among this process's descendants become its children."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def spawn(plan: SpawnPlan) -> Spawned:
    """Does not wait for exec. Raises OSError when there are no processes or descriptors left."""
    pipes: list[int] = []
    try:
        for _ in range(3):
            pipes.extend(os.pipe2(os.O_CLOEXEC))
        pid = _fork(plan, pipes)
    except BaseException:
        for descriptor in pipes:
            os.close(descriptor)
        raise
    for descriptor in pipes[1::2]:
        os.close(descriptor)
    return Spawned(pid, *pipes[::2])


def _fork(plan: SpawnPlan, pipes: list[int]) -> int:
    # A signal between fork and exec would run the supervisor's handlers in the child, whose wake-up socket is the supervisor's.
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    supervisor = os.getpid()
    try:
        pid = os.fork()
        if pid == 0:
            _become(plan, supervisor, stdout=pipes[1], stderr=pipes[3], verdict=pipes[5])
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)
    return pid


def _become(plan: SpawnPlan, supervisor: int, *, stdout: int, stderr: int, verdict: int) -> NoReturn:
    try:
        _prepare(plan, supervisor, stdout, stderr)
        os.execve(plan.argv[0], plan.argv, plan.environment)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.write(verdict, str(error).encode(errors="replace")[:_MESSAGE_BYTES_MAX])
    os._exit(_EXIT_NOT_STARTED)


def _prepare(plan: SpawnPlan, supervisor: int, stdout: int, stderr: int) -> None:
    signal.set_wakeup_fd(-1)
    for number in _HANDLED:
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != supervisor:
        os._exit(_EXIT_NOT_STARTED)  # it died before it could be asked to take us along
    _limit(plan)
    if not plan.may_gain_privileges:
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    os.umask(0o077)
    os.chdir(plan.folder)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _limit(plan: SpawnPlan) -> None:
    for path in plan.join:
        _write(path, b"0")
    _write("/proc/self/oom_score_adj", str(plan.out_of_memory_score).encode())
    if plan.cores is not None:
        os.sched_setaffinity(0, plan.cores)
    for name, bounds in plan.rlimits.items():
        resource.setrlimit(name, bounds)


def _write(path: str, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
