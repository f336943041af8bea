"""A launcher and the specs of containers with known behaviour, for the contract suite and the tests of each launcher."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from launcher_programs import behaviour_command, behaviour_spec

from pie_deploy.clock import SystemClock
from pie_deploy.config import Home
from pie_deploy.domain.records import Node
from pie_deploy.launchers.fake import Behaviour, FakeLauncher
from pie_deploy.launchers.process import ProcessLauncher
from pie_deploy.launchers.process.brand import brand, branded
from pie_deploy.launchers.process.census import take_census
from pie_deploy.launchers.process.launcher import Isolation
from pie_deploy.ports.launcher import ContainerLimits, Launcher, LogLine, ObservedContainer
from pie_flow.container import ContainerSpec

LIMITS = ContainerLimits(cpu=0.5, memory_bytes=256 << 20)
PATIENCE_S = 60.0


class World(Protocol):
    @property
    def launcher(self) -> Launcher: ...

    def spec(self, container_id: str, behaviour: str) -> ContainerSpec:
        """Of a container that behaves like one of `launcher_programs.PROGRAMS`."""
        ...


class NoEnvironments:
    """The Python that runs the tests."""

    async def ensure(self, spec: ContainerSpec) -> Path:
        return Path(sys.prefix)


class ProcessWorld:
    def __init__(
        self,
        home: Home,
        runtime_id: str = "r-test",
        *,
        orphan_grace_s: float = 60,
        isolation: Isolation = "none",
        use_cgroups: bool = True,
    ) -> None:
        self.home = home
        self.runtime_id = runtime_id
        self.launcher = ProcessLauncher(
            home,
            runtime_id,
            orphan_grace_s=orphan_grace_s,
            isolation=isolation,
            use_cgroups=use_cgroups,
            command=behaviour_command,
            environments=NoEnvironments(),
        )

    def spec(self, container_id: str, behaviour: str) -> ContainerSpec:
        return behaviour_spec(self.home.root, container_id, behaviour)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["ProcessWorld"]:
        """Leaves the supervisor behind, without containers."""
        await self.launcher.open()
        try:
            yield self
        finally:
            for container in await self.launcher.observe():
                await self.launcher.remove(container.container_id)
            for folder in self.home.logs.glob("c-*"):
                shutil.rmtree(folder)
            await self.launcher.close(stop_all=False)

    async def end(self) -> None:
        """Leaves nothing behind."""
        await self.launcher.close(stop_all=True)

    def processes(self, container_id: str = "") -> list[int]:
        """Everything on this machine that carries the mark of a container of this home."""
        mark = f"{self.home.containers}/{container_id}"
        return [process.pid for process in take_census() if process.mark.startswith(mark)]

    def branded(self) -> set[int]:
        """Everything that descends from a container of this runtime, with a mark or without."""
        return branded(take_census(), brand(self.home.containers, self.runtime_id))


FAKE_BEHAVIOURS = {
    "idle": Behaviour(),
    "exits_3": Behaviour(output=(("stdout", "bye"),), exits_after_ns=0, exit_code=3),
    "prints": Behaviour(output=(("stdout", "one"), ("stderr", "two"), ("stdout", "three")), exits_after_ns=0, exit_code=0),
    "stubborn": Behaviour(output=(("stdout", "ready"),), ignores_term=True),
    "polite": Behaviour(output=(("stdout", "ready"),), last_words="asked", term_exit_code=0),
}


class FakeWorld:
    def __init__(self) -> None:
        node = Node(id="n-test", runtime_id="r-test", cpu=8.0, memory_bytes=1 << 34)
        self.launcher = FakeLauncher(SystemClock(), {"r-test": [node]}, lambda spec, _: FAKE_BEHAVIOURS[spec.vertex])

    def spec(self, container_id: str, behaviour: str) -> ContainerSpec:
        return behaviour_spec(Path("/nowhere"), container_id, behaviour)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["FakeWorld"]:
        await self.launcher.open()
        ticking = asyncio.create_task(self._tick())
        yield self
        ticking.cancel()
        await self.launcher.close(stop_all=True)

    async def _tick(self) -> None:
        while True:
            self.launcher.tick()
            await asyncio.sleep(0.01)


async def launch(
    world: World, container_id: str, behaviour: str, *, limits: ContainerLimits = LIMITS, incarnation: int = 1
) -> ContainerSpec:
    """Prepared and started."""
    spec = world.spec(container_id, behaviour)
    await world.launcher.prepare(spec)
    await world.launcher.start(spec, limits, incarnation)
    return spec


async def observed(launcher: Launcher, container_id: str) -> ObservedContainer | None:
    return next((container for container in await launcher.observe() if container.container_id == container_id), None)


async def observe_until(launcher: Launcher, container_id: str, holds: Callable[[ObservedContainer], bool]) -> ObservedContainer:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            container = await observed(launcher, container_id)
            if container is not None and holds(container):
                return container
            await asyncio.sleep(0.01)


async def exited(launcher: Launcher, container_id: str) -> ObservedContainer:
    return await observe_until(launcher, container_id, lambda container: container.state == "exited")


async def lines(launcher: Launcher, container_id: str) -> list[LogLine]:
    return [line async for line in launcher.logs(container_id)]


async def texts(launcher: Launcher, container_id: str, stream: str = "stdout") -> list[str]:
    return [line.text for line in await lines(launcher, container_id) if line.stream == stream]


async def logged(launcher: Launcher, container_id: str, text: str) -> None:
    """Returns when the container has written this line."""
    async with asyncio.timeout(PATIENCE_S):
        while text not in await texts(launcher, container_id):
            await asyncio.sleep(0.01)
