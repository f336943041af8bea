"""All containers of one supervisor: started, watched, stopped, remembered until they are forgotten."""

import asyncio
import errno
import logging
import os
import resource
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from pie_deploy.clock import Clock
from pie_deploy.launchers.process import bounds, brand
from pie_deploy.launchers.process.bounds import Machine
from pie_deploy.launchers.process.census import (
    Census,
    OsProcess,
    anonymous_bytes,
    proportional_bytes,
    send_signal,
    start_ticks,
    take_census,
)
from pie_deploy.launchers.process.cgroup import Cgroups, Group, GroupLimits
from pie_deploy.launchers.process.contained import Contained
from pie_deploy.launchers.process.container_record import Journal
from pie_deploy.launchers.process.log_pump import ContainerLog
from pie_deploy.launchers.process.log_ring import LogRing
from pie_deploy.launchers.process.messages import ContainerReport, Launch
from pie_deploy.launchers.process.spawn import Spawned, SpawnPlan, spawn
from pie_deploy.limits import CENSUS_SHARED_S, CONTAINER_OUT_OF_MEMORY_SCORE, DESCRIPTORS_RESERVED, KILL_ROUND_S

_logger = logging.getLogger(__name__)
_MESSAGE_BYTES_MAX = 4096
_DESCRIPTORS_PER_CONTAINER = 4
"""Two pipes, a log, and a verdict for a moment."""


class StartError(Exception):
    """The process cannot be started."""


class Containers:
    """`on_change` gets the id of each container whose report is another one now."""

    def __init__(
        self, *, journal: Journal, logs: Path, cgroups: Cgroups, clock: Clock, brand: int, on_change: Callable[[str], None]
    ) -> None:
        """`brand` is what all processes of the containers are marked with."""
        self._brand = brand
        self._journal = journal
        self._logs_folder = logs
        self._cgroups = cgroups
        self._clock = clock
        self._on_change = on_change
        self._contained: dict[str, Contained] = {}
        self._past: dict[str, ContainerReport] = {}
        """Of containers that an earlier supervisor had."""
        self._logs: dict[str, ContainerLog] = {}
        self._by_pid: dict[int, Contained] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._census: asyncio.Future[Census] | None = None
        self._emptied: dict[str, Group] = {}
        """Groups of containers that have ended, which the kernel did not let go of at once."""

    # --- What there is -----------------------------------------------------------------------------------------------

    def reports(self) -> tuple[ContainerReport, ...]:
        return (*self._past.values(), *(contained.report() for contained in self._contained.values()))

    @property
    def running(self) -> list[Contained]:
        return [contained for contained in self._contained.values() if contained.is_running]

    def remember(self, report: ContainerReport) -> None:
        """A container that an earlier supervisor had, and that does not run any more."""
        self._past[report.container_id] = report

    def _report(self, container_id: str) -> ContainerReport | None:
        contained = self._contained.get(container_id)
        return self._past.get(container_id) if contained is None else contained.report()

    def _log(self, launch: Launch) -> ContainerLog:
        log = self._logs.get(launch.container_id)
        if log is None:
            log = ContainerLog(LogRing(self._logs_folder / launch.container_id, launch.log_bytes_max), self._clock)
            self._logs[launch.container_id] = log
        return log

    # --- Start -------------------------------------------------------------------------------------------------------

    async def start(self, launch: Launch) -> None:
        """Returns when the program has begun. Does nothing for an incarnation that was started before. Raises StartError."""
        if self._was_started(launch):
            return
        before = self._report(launch.container_id)
        try:
            await self._start(launch)
        except StartError:
            self._forget(launch.container_id)
            if before is None:
                self._journal.delete(launch.container_id)
            else:
                self.remember(before)
                self._journal.write(before)
            raise

    async def _start(self, launch: Launch) -> None:
        log = self._log(launch)
        log.incarnation = launch.incarnation
        limits = GroupLimits(launch.cpu, launch.cpu_max, launch.memory_bytes, launch.processes_max)
        self._emptied.pop(launch.container_id, None)
        group = self._cgroups.create(launch.container_id, limits)
        spawned = self._spawn(launch, group)
        contained = Contained(launch, spawned, group=group, log=log, clock=self._clock, take_census=self._shared_census)
        self._contained[launch.container_id] = self._by_pid[spawned.pid] = contained
        self._past.pop(launch.container_id, None)
        self._cgroups.weigh(len(self._by_pid))
        running = self._task(self._run(contained))
        if reason := await _verdict(spawned.verdict):
            await running
            raise StartError(f"the program does not start: {reason}")
        log.say(f"started, process {spawned.pid}, incarnation {launch.incarnation}")
        if contained.is_running:
            self._journal.write(contained.report(), start_ticks(contained.pid))
        self._on_change(launch.container_id)

    def _was_started(self, launch: Launch) -> bool:
        before = self._report(launch.container_id)
        if before is None:
            return False
        if before.state == "running" and before.incarnation < launch.incarnation:
            raise StartError(f"incarnation {before.incarnation} still runs")
        return before.incarnation >= launch.incarnation

    def _spawn(self, launch: Launch, group: Group) -> Spawned:
        machine = Machine(os.sched_getaffinity(0), os.getuid() == 0, self._tasks_of_user(group))
        plan = SpawnPlan(
            argv=launch.argv,
            environment=launch.environment,
            folder=launch.folder,
            join=group.join,
            rlimits=bounds.rlimits(launch, group.controlled, machine) | brand.rlimits(self._brand),
            cores=bounds.cores(launch, group.controlled, machine),
            out_of_memory_score=CONTAINER_OUT_OF_MEMORY_SCORE,
            may_gain_privileges=launch.is_sandboxed,
        )
        self._announce(launch)
        try:
            if _DESCRIPTORS_PER_CONTAINER * len(self._contained) > _descriptors_max():
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            return spawn(plan)
        except OSError as error:
            raise StartError(f"the machine does not give a process: {error}") from error

    def _announce(self, launch: Launch) -> None:
        """Before there is a process, so that nobody takes it for a leftover."""
        report = ContainerReport(
            container_id=launch.container_id,
            deployment_id=launch.deployment_id,
            state="running",
            incarnation=launch.incarnation,
            pid=None,
            started_at_ns=self._clock.now_ns(),
        )
        self._journal.write(report)

    def _tasks_of_user(self, group: Group) -> int:
        if "pids" in group.controlled or os.getuid() == 0:
            return 0
        return sum(process.tasks for process in take_census())

    async def _run(self, contained: Contained) -> None:
        while contained.is_running:
            try:
                await contained.run()
            except OSError:
                _logger.exception("container %s: its end is not seen yet", contained.launch.container_id)
                await asyncio.sleep(KILL_ROUND_S)
        self._cgroups.weigh(len(self._by_pid))
        if not contained.group.remove():
            self._emptied[contained.launch.container_id] = contained.group
        if self._contained.get(contained.launch.container_id) is contained:
            self._journal.write(contained.report())
            self._on_change(contained.launch.container_id)

    # --- End ---------------------------------------------------------------------------------------------------------

    async def stop(self, container_id: str, grace_s: float) -> None:
        if (contained := self._contained.get(container_id)) is not None:
            await contained.stop(grace_s)

    async def stop_all(self, grace_s: float) -> None:
        await asyncio.gather(*(contained.stop(grace_s) for contained in self.running))

    async def forget(self, container_id: str) -> None:
        """Kills what still runs of it."""
        if (contained := self._contained.get(container_id)) is not None:
            await contained.kill()
        self._forget(container_id)
        self._journal.delete(container_id)
        self._on_change(container_id)

    def _forget(self, container_id: str) -> None:
        self._contained.pop(container_id, None)
        self._past.pop(container_id, None)
        if (log := self._logs.pop(container_id, None)) is not None:
            log.close()

    def reap(self) -> None:
        """Takes the exit status of every child that has one: main processes, and orphans that were adopted."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if (contained := self._by_pid.pop(pid, None)) is not None:
                contained.main_ended(status)

    # --- Watch -------------------------------------------------------------------------------------------------------

    async def watch(self) -> None:
        """One look at what no control group holds: memory, number of tasks, orphans without any mark."""
        self._emptied = {container_id: group for container_id, group in self._emptied.items() if not group.remove()}
        watched = [contained for contained in self.running if contained.is_to_be_watched]
        if not watched:
            return
        census = await self._shared_census()
        for contained in watched:
            self._check_bounds(contained, census.members(contained.membership))
        if not all(contained.group.is_exact for contained in self.running):
            for process in census.strays(os.getpid(), [contained.membership for contained in self.running]):
                send_signal(process, signal.SIGKILL)

    def _check_bounds(self, contained: Contained, processes: list[OsProcess]) -> None:
        launch = contained.launch
        memory_bytes = anonymous_bytes(processes)
        if memory_bytes > launch.memory_bytes:
            memory_bytes = proportional_bytes(processes)
        reason = bounds.excess(launch, contained.group.controlled, memory_bytes, sum(process.tasks for process in processes))
        if reason is not None:
            self._task(contained.kill(reason))

    def _shared_census(self) -> asyncio.Future[Census]:
        """A census that is taken after this call: all who ask within a moment share one."""
        if self._census is None:
            loop = asyncio.get_running_loop()
            self._census = loop.create_future()
            loop.call_later(CENSUS_SHARED_S, self._give_census)
        return asyncio.shield(self._census)

    def _give_census(self) -> None:
        assert self._census is not None
        waiting, self._census = self._census, None
        try:
            waiting.set_result(take_census())
        except OSError as error:
            waiting.set_exception(error)

    def _task(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _descriptors_max() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0] - DESCRIPTORS_RESERVED


async def _verdict(descriptor: int) -> str:
    """What the child says between fork and exec: nothing, when the program has begun."""
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()
    loop.add_reader(descriptor, _set, readable)
    try:
        await readable
        return os.read(descriptor, _MESSAGE_BYTES_MAX).decode(errors="replace")
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _set(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
