"""One incarnation of a container in the supervisor: a main process, what it has started, its pipes, its end.

    spawned ─▶ running ─▶ main process has ended ─▶ the rest is killed ─▶ pipes drained ─▶ exited

The main process ends by itself or is told to; either way nothing of the container is left when it is `exited`.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable

from pie_deploy.clock import Clock
from pie_deploy.launchers.process.census import Census, Membership, OsProcess, send_signal
from pie_deploy.launchers.process.cgroup import Group
from pie_deploy.launchers.process.log_pump import ContainerLog, Pump
from pie_deploy.launchers.process.messages import ContainerReport, Launch
from pie_deploy.launchers.process.spawn import Spawned
from pie_deploy.limits import ASK_ROUND_S_MAX, KILL_ROUND_S
from pie_flow.container import SPEC_VARIABLE

TakeCensus = Callable[[], Awaitable[Census]]

_SHELL_SIGNAL_BASE = 128
_SIGNAL_MAX = 64


class Contained:
    def __init__(
        self, launch: Launch, spawned: Spawned, *, group: Group, log: ContainerLog, clock: Clock, take_census: TakeCensus
    ) -> None:
        loop = asyncio.get_running_loop()
        self.launch = launch
        self.pid = spawned.pid
        self.group = group
        self._log = log
        self._clock = clock
        self._take_census = take_census
        self._pumps: tuple[Pump, ...] = (log.pump(spawned.stdout, "stdout"), log.pump(spawned.stderr, "stderr"))
        self._status: asyncio.Future[int] = loop.create_future()
        self._ended = asyncio.Event()
        self._patience_until_s = 0.0
        """Until then whatever outlives the main process may end by itself."""
        self._is_told_to_end = False
        self._kill_reason = ""
        self.started_at_ns = clock.now_ns()
        self.exit_code: int | None = None
        self.exited_at_ns: int | None = None
        self.reason = ""

    # --- What it is --------------------------------------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        return self.exited_at_ns is None

    @property
    def is_to_be_watched(self) -> bool:
        """Whether no control group holds its memory, or the number of its tasks; and it is not being killed already."""
        return self.is_running and not self._kill_reason and not {"memory", "pids"} <= self.group.controlled

    @property
    def membership(self) -> Membership:
        mark = self.launch.environment.get(SPEC_VARIABLE, "")
        return Membership(self.pid, mark, self.group.pids(), is_main_reaped=self._status.done())

    def report(self) -> ContainerReport:
        return ContainerReport(
            container_id=self.launch.container_id,
            deployment_id=self.launch.deployment_id,
            state="running" if self.is_running else "exited",
            incarnation=self.launch.incarnation,
            pid=self.pid if self.is_running else None,
            started_at_ns=self.started_at_ns,
            exit_code=self.exit_code,
            exited_at_ns=self.exited_at_ns,
            reason=self.reason,
        )

    # --- Its end -----------------------------------------------------------------------------------------------------

    def main_ended(self, status: int) -> None:
        """The main process was reaped."""
        self._status.set_result(status)

    async def run(self) -> None:
        """Returns when nothing of the container is left."""
        status = await asyncio.shield(self._status)
        await self._end_the_rest()
        for pump in self._pumps:
            pump.drain()
        self._settle(status)

    async def _end_the_rest(self) -> None:
        loop = asyncio.get_running_loop()
        while rest := (await self._take_census()).members(self.membership):
            if loop.time() >= self._patience_until_s:
                self._kill(rest)
            await asyncio.sleep(KILL_ROUND_S)

    def _settle(self, status: int) -> None:
        self.exit_code = _exit_code(status, is_sandboxed=self.launch.is_sandboxed)
        self.reason = self._reason()
        self.exited_at_ns = self._clock.now_ns()
        self._log.say(_farewell(self.exit_code, self.reason))
        self._ended.set()

    def _reason(self) -> str:
        if self._kill_reason:
            return self._kill_reason
        is_killed = self.exit_code == -signal.SIGKILL and not self._is_told_to_end
        return "out of memory" if is_killed and self.group.out_of_memory_kills() else ""

    # --- Being told to end -------------------------------------------------------------------------------------------

    async def stop(self, grace_s: float) -> None:
        """SIGTERM to all, SIGKILL to whoever is left after the grace. Returns when nothing is left."""
        if grace_s > 0 and self.is_running:
            until_s = asyncio.get_running_loop().time() + grace_s
            self._patience_until_s = max(self._patience_until_s, until_s)
            await self._ask_until(until_s)
        await self.kill()

    async def _ask_until(self, until_s: float) -> None:
        """Each process once, also those that begin while it ends."""
        loop = asyncio.get_running_loop()
        asked: set[tuple[int, int]] = set()
        pause_s = KILL_ROUND_S
        if not self._status.done() and not self.launch.is_sandboxed:
            os.kill(self.pid, signal.SIGTERM)  # at once: the pid is ours until we reap it
        while self.is_running and loop.time() < until_s:
            for process in (await self._take_census()).members(self.membership):
                if (process.pid, process.start_ticks) not in asked and not process.is_sandbox:
                    asked.add((process.pid, process.start_ticks))
                    if process.pid != self.pid:
                        send_signal(process, signal.SIGTERM)
            await self._ended_within(min(pause_s, max(0.0, until_s - loop.time())))
            pause_s = min(2 * pause_s, ASK_ROUND_S_MAX)

    async def kill(self, reason: str = "") -> None:
        """Returns when nothing is left."""
        if self.is_running:
            self._is_told_to_end, self._patience_until_s = True, 0.0
            self._kill_reason = self._kill_reason or reason
        while self.is_running:
            if not self._status.done():
                self._kill((await self._take_census()).members(self.membership))
            await self._ended_within(KILL_ROUND_S)

    async def _ended_within(self, timeout_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), timeout_s)

    def _kill(self, processes: list[OsProcess]) -> None:
        self.group.refuse_new_tasks()
        self.group.kill()
        for process in processes:
            send_signal(process, signal.SIGKILL)

    def close(self) -> None:
        for pump in self._pumps:
            pump.close()


def _exit_code(status: int, *, is_sandboxed: bool) -> int:
    """Negative: killed by that signal."""
    code = os.waitstatus_to_exitcode(status)
    if is_sandboxed and _SHELL_SIGNAL_BASE < code <= _SHELL_SIGNAL_BASE + _SIGNAL_MAX:
        return _SHELL_SIGNAL_BASE - code
    return code


def _farewell(exit_code: int, reason: str) -> str:
    end = f"ended with exit code {exit_code}" if exit_code >= 0 else f"was ended by {_signal_name(-exit_code)}"
    return f"{end}: {reason}" if reason else end


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
