import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pie_deploy.clock import ManualClock
from pie_deploy.launchers.process.census import Census, OsProcess, start_ticks
from pie_deploy.launchers.process.cgroup import Cgroups, Hierarchy
from pie_deploy.launchers.process.container_record import (
    ContainerRecord,
    delete_record,
    read_record,
    read_records,
    write_record,
)
from pie_deploy.launchers.process.messages import ContainerReport
from pie_deploy.launchers.process.sweep import SUPERVISOR_LOST, leftovers, sweep

NO_CGROUPS = Cgroups((), "pie-r")
CLOCK = ManualClock(99)


@pytest.fixture
def containers(tmp_path: Path) -> Path:
    for name in ("c-a", "c-b"):
        (tmp_path / name).mkdir()
    return tmp_path


def record(container_id: str, *, runtime_id: str = "r-a", pid: int | None = None, ticks: int | None = None) -> ContainerRecord:
    report = ContainerReport(
        container_id=container_id, deployment_id="d-a", state="running", incarnation=2, pid=pid, started_at_ns=5
    )
    return ContainerRecord(runtime_id=runtime_id, report=report, start_ticks=ticks)


# --- Records ---------------------------------------------------------------------------------------------------------


def test_a_record_is_read_as_it_was_written(containers: Path) -> None:
    write_record(containers, record("c-a"))
    write_record(containers, record("c-a", pid=7))
    assert list(read_records(containers)) == [record("c-a", pid=7)]


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"runtime_id": 1}'], ids=["empty", "torn", "other", "wrong"])
def test_a_record_that_cannot_be_read_is_none(containers: Path, data: bytes) -> None:
    (containers / "c-a" / "process.json").write_bytes(data)
    assert read_record(containers, "c-a") is None
    assert list(read_records(containers)) == []


def test_what_a_container_has_put_in_a_record_s_place_is_none(containers: Path) -> None:
    write_record(containers, record("c-a"))
    (containers / "c-b" / "process.json").symlink_to(containers / "c-a" / "process.json")
    (containers / "c-a" / "process.json").rename(containers / "elsewhere.json")
    os.mkfifo(containers / "c-a" / "process.json")  # opened as files usually are, it would be waited for
    assert [read_record(containers, name) for name in ("c-a", "c-b")] == [None, None]


def test_a_record_in_another_s_folder_does_not_count(containers: Path) -> None:
    write_record(containers, record("c-a"))
    (containers / "c-a" / "process.json").rename(containers / "c-b" / "process.json")
    assert list(read_records(containers)) == []


def test_a_deleted_record_is_gone(containers: Path) -> None:
    write_record(containers, record("c-a"))
    for _ in range(2):
        delete_record(containers, "c-a")
    assert read_record(containers, "c-a") is None


# --- Leftovers -------------------------------------------------------------------------------------------------------


def process(pid: int, mark: str = "", ticks: int = 1) -> OsProcess:
    return OsProcess(pid=pid, parent=1, session=pid, start_ticks=ticks, tasks=1, mark=mark)


def test_marked_processes_are_left_over_unless_another_runtime_has_them() -> None:
    folder = Path("/home/containers")
    census = Census(
        [
            process(1001, f"{folder}/c-a/spec.json"),
            process(1002, f"{folder}/c-foreign/spec.json"),
            process(1003, f"{folder}/c-nobody/spec.json"),
            process(1004, "/other/containers/c-a/spec.json"),
            process(1005),
        ]
    )
    assert [left.pid for left in leftovers(census, folder, [record("c-a")], {"c-foreign"})] == [1001, 1003]


def test_a_main_process_on_record_is_left_over_if_it_is_the_same() -> None:
    own = [record("c-a", pid=1001, ticks=7)]
    assert [left.pid for left in leftovers(Census([process(1001, ticks=7)]), Path("/c"), own, ())] == [1001]
    assert leftovers(Census([process(1001, ticks=8)]), Path("/c"), own, ()) == []


def test_the_one_who_sweeps_is_never_left_over() -> None:
    assert leftovers(Census([replace(process(1), pid=os.getpid(), mark="/c/c-a/spec.json")]), Path("/c"), [], ()) == []


def test_who_has_the_brand_is_a_leftover_without_any_mark() -> None:
    assert [left.pid for left in leftovers(Census([process(1001), process(1002)]), Path("/c"), [], (), {1002})] == [1002]


@pytest.fixture
def left(containers: Path) -> Iterator["subprocess.Popen[bytes]"]:
    argv = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
    with subprocess.Popen(argv, env={"PIE_CONTAINER": f"{containers}/c-a/spec.json"}) as process:
        yield process
        process.kill()


def test_what_is_left_is_killed_and_its_containers_have_exited(containers: Path, left: "subprocess.Popen[bytes]") -> None:
    write_record(containers, record("c-a", pid=left.pid, ticks=start_ticks(left.pid)))
    (report,) = sweep(containers, "r-a", NO_CGROUPS, CLOCK)
    assert left.wait() == -signal.SIGKILL
    assert (report.state, report.reason, report.exit_code, report.incarnation) == ("exited", SUPERVISOR_LOST, -9, 2)
    assert report.exited_at_ns == 99
    assert sweep(containers, "r-a", NO_CGROUPS, ManualClock(1000)) == [report]


def test_what_belongs_to_another_runtime_is_left_alone(containers: Path, left: "subprocess.Popen[bytes]") -> None:
    write_record(containers, record("c-a", runtime_id="r-b", pid=left.pid))
    assert sweep(containers, "r-a", NO_CGROUPS, CLOCK) == []
    assert left.poll() is None


def test_empty_groups_are_removed(containers: Path, tmp_path: Path) -> None:
    base = tmp_path / "groups"
    (base / "pie-r" / "c-old").mkdir(parents=True)
    sweep(containers, "r-a", Cgroups([Hierarchy(2, frozenset(), base)], "pie-r"), CLOCK)
    assert list((base / "pie-r").iterdir()) == []


def test_where_there_are_no_containers_nothing_is_done(tmp_path: Path) -> None:
    assert sweep(tmp_path / "none", "r-a", NO_CGROUPS, CLOCK) == []
