"""What an earlier supervisor, killed or gone with its machine, has left behind: processes, control groups, records of what ran."""

import contextlib
import os
import signal
import time
from collections.abc import Collection
from pathlib import Path

import msgspec

from pie_deploy.clock import Clock
from pie_deploy.launchers.process.brand import brand, branded
from pie_deploy.launchers.process.census import Census, OsProcess, send_signal, take_census
from pie_deploy.launchers.process.cgroup import Cgroups
from pie_deploy.launchers.process.container_record import ContainerRecord, read_records, write_record
from pie_deploy.launchers.process.messages import ContainerReport
from pie_deploy.limits import KILL_ROUND_S, SWEEP_ROUNDS_MAX

SUPERVISOR_LOST = "supervisor lost"


def sweep(containers: Path, runtime_id: str, cgroups: Cgroups, clock: Clock) -> list[ContainerReport]:
    """Kills every process of this runtime's containers, and gives what is known of those containers: none of them runs."""
    records = list(read_records(containers))
    own = [record for record in records if record.runtime_id == runtime_id]
    foreign = {record.report.container_id for record in records if record.runtime_id != runtime_id}
    for _ in range(SWEEP_ROUNDS_MAX):
        census = take_census()
        left = leftovers(census, containers, own, foreign, branded(census, brand(containers, runtime_id)))
        groups = [group for group in cgroups.leftovers() if not group.remove()]
        if not left and not groups:
            break
        for group in groups:
            group.kill()
        for process in left:
            send_signal(process, signal.SIGKILL)
        time.sleep(KILL_ROUND_S)
    return [_close(containers, record, clock) for record in own]


def leftovers(
    census: Census,
    containers: Path,
    own: Collection[ContainerRecord],
    foreign: Collection[str],
    marked: Collection[int] = (),
) -> list[OsProcess]:
    """Processes whose mark names a container in this folder, unless it is one of another runtime; those `marked` otherwise;
    and main processes on record.
    """
    folder = f"{containers}/"
    mains = {(record.report.pid, record.start_ticks) for record in own}
    return [
        process
        for process in census
        if process.pid != os.getpid()
        and (
            process.pid in marked
            or (process.pid, process.start_ticks) in mains
            or (process.mark.startswith(folder) and process.mark.removeprefix(folder).partition("/")[0] not in foreign)
        )
    ]


def _close(containers: Path, record: ContainerRecord, clock: Clock) -> ContainerReport:
    """The report of a container that may have run when its supervisor was lost."""
    report = record.report
    if report.state == "exited":
        return report
    report = msgspec.structs.replace(
        report, state="exited", pid=None, exit_code=-signal.SIGKILL, exited_at_ns=clock.now_ns(), reason=SUPERVISOR_LOST
    )
    with contextlib.suppress(OSError):
        write_record(containers, ContainerRecord(runtime_id=record.runtime_id, report=report))
    return report
