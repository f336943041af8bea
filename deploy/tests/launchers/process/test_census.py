import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from pie_deploy.launchers.process.census import (
    Census,
    Membership,
    OsProcess,
    anonymous_bytes,
    proportional_bytes,
    read_process,
    send_signal,
    start_ticks,
    take_census,
)

SUPERVISOR = 100


def row(pid: int, parent: int, session: int | None = None, mark: str = "") -> OsProcess:
    return OsProcess(pid=pid, parent=parent, session=pid if session is None else session, start_ticks=1, tasks=1, mark=mark)


def pids(processes: list[OsProcess]) -> list[int]:
    return [process.pid for process in processes]


MINE = Membership(main_pid=200, mark="/c-a/spec.json")


def test_the_main_process_its_session_and_its_descendants_belong() -> None:
    census = Census([row(200, SUPERVISOR), row(201, 1, session=200), row(202, 200), row(203, 202), row(300, SUPERVISOR)])
    assert pids(census.members(MINE)) == [200, 201, 202, 203]


def test_who_has_the_pid_of_a_main_process_that_is_no_more_does_not_belong() -> None:
    reaped = replace(MINE, is_main_reaped=True)
    assert pids(Census([row(201, 1, session=200), row(202, 201)]).members(reaped)) == [201, 202]
    assert pids(Census([row(200, 1), row(201, 200, session=200)]).members(reaped)) == []
    assert pids(Census([row(200, 1), row(400, 1, mark=MINE.mark)]).members(reaped)) == [400]


def test_who_carries_the_mark_belongs_wherever_he_is() -> None:
    census = Census([row(200, SUPERVISOR), row(400, 1, mark="/c-a/spec.json"), row(401, 400), row(500, 1, mark="/c-b/spec.json")])
    assert pids(census.members(MINE)) == [200, 400, 401]


def test_who_is_in_the_control_group_belongs_without_a_mark() -> None:
    census = Census([row(200, SUPERVISOR), row(600, 1)])
    assert pids(census.members(replace(MINE, pids={600}))) == [200, 600]


def test_processes_without_a_mark_do_not_belong_to_a_container_without_one() -> None:
    assert pids(Census([row(200, SUPERVISOR), row(700, 1)]).members(Membership(200, ""))) == [200]


def test_orphans_of_nobody_are_strays_and_so_are_their_children() -> None:
    census = Census([row(200, SUPERVISOR), row(201, 200), row(800, SUPERVISOR), row(801, 800), row(900, 1)])
    assert pids(census.strays(SUPERVISOR, [MINE])) == [800, 801]


@pytest.fixture
def child() -> Iterator["subprocess.Popen[bytes]"]:
    code = "import time; kept = bytearray(b'x') * (20 << 20); print(flush=True); time.sleep(600)"
    environment = {"PIE_CONTAINER": "/some/spec.json", "X_PIE_CONTAINER": "no"}
    with subprocess.Popen([sys.executable, "-S", "-c", code], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def process_of(child: "subprocess.Popen[bytes]") -> OsProcess:
    return next(process for process in take_census() if process.pid == child.pid)


def test_a_real_process_is_read(child: "subprocess.Popen[bytes]") -> None:
    process = process_of(child)
    assert (process.parent, process.mark, process.tasks, process.is_sandbox) == (os.getpid(), "/some/spec.json", 1, False)
    assert process.start_ticks == start_ticks(child.pid)


def test_its_memory_is_measured(child: "subprocess.Popen[bytes]") -> None:
    process = process_of(child)
    assert 20 << 20 < anonymous_bytes([process]) < 60 << 20
    assert 20 << 20 < proportional_bytes([process]) < 60 << 20


def test_a_signal_reaches_the_very_process(child: "subprocess.Popen[bytes]") -> None:
    process = process_of(child)
    send_signal(replace(process, start_ticks=process.start_ticks + 1), signal.SIGKILL)
    assert child.poll() is None
    send_signal(process, signal.SIGTERM)
    assert child.wait() == -signal.SIGTERM


def test_a_process_that_is_gone_is_none(child: "subprocess.Popen[bytes]") -> None:
    process = process_of(child)
    child.kill()
    child.wait()
    assert read_process(child.pid) is None
    assert start_ticks(child.pid) is None
    send_signal(process, signal.SIGKILL)
    assert (anonymous_bytes([process]), proportional_bytes([process])) == (0, 0)


def test_a_zombie_is_gone(child: "subprocess.Popen[bytes]") -> None:
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert read_process(child.pid) is None
