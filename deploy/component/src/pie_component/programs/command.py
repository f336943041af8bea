"""`language: command`: any program, as a child that serves HTTP on the ports it was given.

The child starts at once and the container stands by when all its ports accept: the ports are its own, so the old generation is not
disturbed. It belongs to the container's process group. A signal that the container gets from its supervisor has reached the child
too; one from anybody else is passed on. The child's end is the container's: with the same code, by the same signal.
"""

import os
import signal
import socket
import sys

from pie_component.container import EXIT_REFUSED, Container
from pie_component.errors import PreconditionError
from pie_component.limits import PORT_POLL_S
from pie_component.logs import log
from pie_flow.container import CommandProgram
from pie_flow.control import ConfigApplied

_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
_PASSED_ON = (*_ENDING, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT)
_WATCHED = frozenset((*_PASSED_ON, signal.SIGCHLD))
_LOOPBACK = "127.0.0.1"
_CONNECT_TIMEOUT_S = 1.0


def run_command(container: Container, program: CommandProgram) -> int:
    """Run the command to its end. Returns its exit code, or ends by its signal."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)  # first: the threads to come inherit it
    container.link.start()
    container.link.step("imported")
    try:
        child = _start(container, program)
    except OSError as error:
        container.refuse(PreconditionError(f"{program.argv[0] if program.argv else 'the command'}: {error}"))
        container.close()
        return EXIT_REFUSED
    container.link.step("configured")
    status = _accompany(container, child)
    container.close()
    if os.WIFSIGNALED(status):
        _end_by(os.WTERMSIG(status), before)
    return os.waitstatus_to_exitcode(status)


def _start(container: Container, program: CommandProgram) -> int:
    """Raises OSError."""
    if not program.argv:
        raise OSError("it is empty")
    if container.spec.component_folder is not None:
        os.chdir(container.spec.component_folder)
    sys.stdout.flush()
    environment = {**os.environ, **program.environment}
    return os.posix_spawnp(program.argv[0], program.argv, environment, setsigmask=(), setsigdef=_WATCHED)


def _accompany(container: Container, child: int) -> int:
    """Until the child ends. Returns its wait status."""
    waiting_for = set(container.spec.ports.values())
    is_standby = is_ready = False
    while True:
        event = signal.sigtimedwait(_WATCHED, 1.0 if is_ready else PORT_POLL_S)
        if event is not None and event.si_signo in _PASSED_ON and event.si_pid not in (0, os.getppid()):
            os.kill(child, event.si_signo)
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid == child:
            return status
        waiting_for = {port for port in waiting_for if not _accepts(port)}
        if not waiting_for and not is_standby:
            is_standby = True
            container.link.step("standby")
        if is_standby and not is_ready and container.link.may_go:
            is_ready = True
            container.link.step("connected")
            container.link.ready()
        _refuse_changes(container)


def _accepts(port: int) -> bool:
    try:
        socket.create_connection((_LOOPBACK, port), _CONNECT_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def _refuse_changes(container: Container) -> None:
    """A command has read its parameters when it started."""
    while container.link.changes:
        change = container.link.changes.popleft()
        log.warning("a command cannot take new values while it runs")
        names = [*change.parameters, *change.files]
        problem = "a command reads its values when it starts"
        container.link.config_applied(ConfigApplied(seq=change.seq, errors=dict.fromkeys(names, problem)))


def _end_by(number: int, mask: set[signal.Signals | int]) -> None:
    """End by the same signal, so that whoever waits sees what happened."""
    sys.stdout.flush()
    sys.stderr.flush()
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    os.kill(os.getpid(), number)
