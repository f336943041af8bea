"""200 deployments of 3 vertices on the fake launcher: what a step of the controller costs, and whether memory stays flat.

Real services, a real SQLite store, the real loop of the controller; only the containers are fake. *deploying*: steps while all
deployments come up at once. *busy*: steps after a change of one deployment (a mutable value that is pushed and applied). *idle*:
steps that look at everything and find nothing to do. The targets are for the median: a single step may wait for the disk. Memory
is the growth of the resident set per round of redeploying everything, after the first rounds have filled the caches.
"""

import asyncio
import gc
import io
import itertools
import shutil
import statistics
import tarfile
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benches.report import Figure, report
from pie_deploy.clock import SystemClock
from pie_deploy.config import Home
from pie_deploy.controller import Controller
from pie_deploy.domain.operations import AddVertex, ChangeEndpointAlias, ChangeParameter, Connect, Input, Operation, Output
from pie_deploy.launchers.fake import FakeLauncher
from pie_deploy.ports.routes import BackendRoutes
from pie_deploy.services import Services, assemble
from pie_deploy.services.actor import Actor
from pie_deploy.services.views import NodeRequest
from pie_deploy.store import open_store

DEPLOYMENTS = 200
VERTICES = ("a", "b", "c")
EDITS = 100
IDLE_STEPS = 100
WARM_ROUNDS = 2
ROUNDS = 4
BENCH = Actor("bench", "bench")
MANIFEST = """
name: worker
worker:
  input_types: [String]
  output_types: [String]
  config_schema: {greeting: {type: String, default: '"hello"', mutable: true}}
  resources: {cpu: 0.1, memory: 64MiB}
http:
  ask: {direction: ingress, type: String, into: 0}
"""


class Nowhere:
    """`ports.routes.Routes`."""

    def publish(self, routes: BackendRoutes) -> None: ...

    def withdraw(self, backend_id: str) -> None: ...


@dataclass(slots=True)
class Platform:
    services: Services
    controller: Controller

    async def settle(self) -> list[float]:
        """Step until there is nothing to do; how long each step took, in seconds."""
        took_s: list[float] = []
        while True:
            begun_s = time.perf_counter()
            actions = await self.controller.step()
            took_s.append(time.perf_counter() - begun_s)
            while self.controller.effects.under_way():  # noqa: ASYNC110 - some of them are threads that nobody announces
                await asyncio.sleep(0)
            if actions == 0:
                return took_s


@asynccontextmanager
async def platform() -> AsyncIterator[Platform]:
    home = Home(Path(tempfile.mkdtemp(prefix="pie-bench-")))
    home.create()
    clock = SystemClock()
    store = open_store(f"sqlite:///{home.database}", clock)
    services = assemble(store, home, clock, mac_key=bytes(32), gateway_url=lambda: "http://127.0.0.1:1")
    node = NodeRequest(cpu=1000, memory_bytes=1 << 43)
    runtime = services.runtimes.create(BENCH, "fake", launcher="fake", nodes=[node])
    controller = Controller(
        store,
        {"fake": FakeLauncher(clock, {runtime.id: runtime.nodes})},
        Nowhere(),
        home,
        services.wakeup,
        clock,
        services.components.folder,
        services.blobs,
        mac_key=bytes(32),
        settle_leases=services.leases.settle,
    )
    await controller.open()
    try:
        yield Platform(services, controller)
    finally:
        await controller.close()
        store.close()
        shutil.rmtree(home.root, ignore_errors=True)
        shutil.rmtree(home.run, ignore_errors=True)


def make_backend(services: Services, name: str, version: str) -> str:
    backend = services.backends.create(BENCH, name).id
    operations: list[Operation] = [AddVertex(vertex=vertex, component=version) for vertex in VERTICES]
    operations += [Connect(output=Output(one), input=Input(other)) for one, other in itertools.pairwise(VERTICES)]
    operations.append(ChangeEndpointAlias(vertex=VERTICES[0], endpoint="ask", role="ask"))
    services.backends.append(BENCH, backend, operations)
    return backend


def component_archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in {"component.yml": MANIFEST.encode(), "src/main.py": b""}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


async def measure() -> list[Figure]:
    async with platform() as world:
        version = world.services.components.publish(BENCH, component_archive()).id
        backends = [make_backend(world.services, f"graph-{number}", version) for number in range(DEPLOYMENTS)]
        for backend in backends:
            world.services.deployments.deploy(BENCH, backend)
        deploying_s = await world.settle()
        assert all(row.status == "running" for row in world.services.deployments.list(BENCH))
        busy_s = await edit(world, backends)
        idle_s = [took_s for _ in range(IDLE_STEPS) for took_s in await look(world)]
        growth = await redeploy_rounds(world, backends)
    return [
        Figure("step_idle_s", statistics.median(idle_s), "s", "<= 0.05"),
        Figure("step_idle_p99_s", _p99(idle_s), "s"),
        Figure("step_busy_s", statistics.median(busy_s), "s", "<= 0.05"),
        Figure("step_busy_p99_s", _p99(busy_s), "s"),
        Figure("step_deploying_all_longest_s", max(deploying_s), "s"),
        Figure("deploying_all_s", sum(deploying_s), "s"),
        Figure("memory_growth_per_round", growth, "part", "<= 0.01"),
    ]


async def edit(world: Platform, backends: Sequence[str]) -> list[float]:
    took_s: list[float] = []
    for number in range(EDITS):
        change = ChangeParameter(vertex="b", name="greeting", value=f'"{number}"')
        world.services.backends.append(BENCH, backends[number % len(backends)], [change])
        took_s += await world.settle()
    return took_s


async def look(world: Platform) -> list[float]:
    world.services.wakeup.notify()
    return await world.settle()


async def redeploy_rounds(world: Platform, backends: Sequence[str]) -> float:
    """How much of its memory the process gains per round, once it is warm."""
    sizes: list[int] = []
    for _ in range(WARM_ROUNDS + ROUNDS):
        for backend in backends:
            world.services.deployments.redeploy(BENCH, backend)
        await world.settle()
        gc.collect()
        sizes.append(psutil.Process().memory_info().rss)
    return (sizes[-1] - sizes[WARM_ROUNDS - 1]) / sizes[WARM_ROUNDS - 1] / ROUNDS


def _p99(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


def main() -> None:
    report("scale", asyncio.run(measure()))


if __name__ == "__main__":
    main()
