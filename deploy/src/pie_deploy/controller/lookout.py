"""What the launchers say runs, and on which machines."""

import logging
from collections.abc import Container, Iterable, Iterator, Mapping

from pie_deploy.controller.nodes import watched_nodes
from pie_deploy.domain.observation import Process
from pie_deploy.domain.records import Runtime
from pie_deploy.errors import DeployError
from pie_deploy.ports.launcher import Launcher, ObservedContainer

_log = logging.getLogger(__name__)


class Lookout:
    """Nothing is concluded from the silence of a launcher: what is not seen need not be gone, what was seen need not be there."""

    def __init__(self, launchers: Mapping[str, Launcher]) -> None:
        """By runtime id, runtime name, or launcher name."""
        self._by_name = launchers
        self.launchers: list[Launcher] = list({id(launcher): launcher for launcher in launchers.values()}.values())
        self.processes: dict[str, Process] = {}
        """By container id."""
        self._found_at: dict[str, Launcher] = {}
        self._silent: set[int] = {id(launcher) for launcher in self.launchers}
        self._nodes_known: set[str] = set()

    def launcher_of(self, runtime: Runtime) -> Launcher | None:
        by_name = self._by_name
        return by_name.get(runtime.id) or by_name.get(runtime.name) or by_name.get(runtime.launcher)

    def where(self, container_id: str) -> Launcher | None:
        """Who has the container."""
        return self._found_at.get(container_id)

    async def observe(self) -> bool:
        """Look again. Returns whether processes are gone of which nobody saw an end: maybe a machine is."""
        found: dict[str, Process] = {}
        found_at: dict[str, Launcher] = {}
        for launcher in self.launchers:
            for container_id, process in (await self._processes_of(launcher)).items():
                found[container_id] = process
                found_at[container_id] = launcher
        vanished = any(process.running and container_id not in found for container_id, process in self.processes.items())
        self.processes, self._found_at = found, found_at
        return vanished

    def is_blind_to(self, runtimes: Iterable[Runtime]) -> bool:
        """Whether one of them does not say what runs there."""
        return bool(self._silent) and any(self._is_silent(self.launcher_of(runtime)) for runtime in runtimes)

    def strays(self, known: Container[str]) -> Iterator[tuple[str, Process]]:
        """Processes that are there for sure, of containers that are not known."""
        for container_id, process in self.processes.items():
            if container_id not in known and not self._is_silent(self._found_at[container_id]):
                yield container_id, process

    async def watched(self, runtime: Runtime, now_ns: int) -> Runtime:
        """The runtime with its nodes as they are now."""
        launcher = self.launcher_of(runtime)
        if launcher is None:
            return runtime
        try:
            present = {node.id for node in await launcher.nodes(runtime.id)}
        except DeployError as error:
            _log.warning("runtime %s does not say what machines it has: %s", runtime.name, error)
            return runtime
        watched = watched_nodes(runtime, present, self._nodes_known, now_ns)
        self._nodes_known |= present
        return watched

    async def _processes_of(self, launcher: Launcher) -> dict[str, Process]:
        last = {key: process for key, process in self.processes.items() if self._found_at[key] is launcher}
        try:
            found = {one.container_id: _process(one, last.get(one.container_id)) for one in await launcher.observe()}
        except DeployError as error:
            if not self._is_silent(launcher):
                _log.warning("a launcher does not say what runs: %s", error)
            self._silent.add(id(launcher))
            return last
        self._silent.discard(id(launcher))
        return found

    def _is_silent(self, launcher: Launcher | None) -> bool:
        return launcher is not None and id(launcher) in self._silent


def _process(one: ObservedContainer, last: Process | None) -> Process:
    """The same object as long as nothing has changed."""
    now = Process(
        incarnation=one.incarnation,
        running=one.state == "running",
        pid=one.pid,
        started_at_ns=one.started_at_ns,
        exit_code=one.exit_code,
        reason=one.reason,
    )
    return last if last is not None and last == now else now
