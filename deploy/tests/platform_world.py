"""A whole platform for tests: real store, services and controller, the fake launcher, a virtual clock.

Nothing in it waits for real time. `World.settle` lets the controller work until it has nothing to do at this moment of the clock.
"""

import asyncio
import io
import itertools
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from pie_deploy.clock import ManualClock
from pie_deploy.config import Home
from pie_deploy.controller import Controller
from pie_deploy.domain.actions import Action, Record
from pie_deploy.domain.operations import AddVertex, ChangeEndpointAlias, Connect, Input, Operation, Output
from pie_deploy.domain.records import Container, Deployment, Runtime
from pie_deploy.launchers.fake import FakeLauncher
from pie_deploy.ports.control import Deliver
from pie_deploy.ports.routes import BackendRoutes, Route
from pie_deploy.services import assemble
from pie_deploy.services.actor import Actor
from pie_deploy.services.views import NodeRequest
from pie_deploy.store import open_store

ALICE = Actor("alice", "test")
MAC_KEY = b"k" * 32
SECOND_NS = 10**9
START_NS = 1_800_000_000 * SECOND_NS

WORKER = """
name: {name}
language: py
worker:
  input_types: [String]
  output_types: [String]
  config_schema:
    greeting: {{type: String, default: '"hello"', mutable: true}}
  file_schema:
    words: {{type: text, required: false, mutable: true}}
  generated_file_schema:
    report: {{type: text}}
  resources: {{cpu: 0.5, memory: 64MiB}}
http:
  ask: {{direction: ingress, transports: [http], type: String, into: 0, respond: tell}}
  tell: {{direction: egress, transports: [http], type: String, of: 0}}
"""
FINITE = """
name: {name}
language: py
worker: {{output_types: [String], finite: true, resources: {{cpu: 0.5, memory: 64MiB}}}}
"""
COMMAND = """
name: {name}
language: command
worker:
  argv: [serve, "--port", "{{port:web}}"]
  resources: {{cpu: 0.5, memory: 64MiB}}
http:
  web: {{direction: ingress, transports: [http]}}
"""


class NoWire:
    """`ports.control.ControlWire` that nobody connects to: the fake launcher speaks for its containers itself."""

    address: str | None = None

    async def open(self, deliver: Deliver) -> None: ...

    async def close(self) -> None: ...


class RecordedRoutes:
    """`ports.routes.Routes` that remembers."""

    def __init__(self) -> None:
        self.now: dict[str, BackendRoutes] = {}
        self.history: list[BackendRoutes] = []

    def publish(self, routes: BackendRoutes) -> None:
        self.now[routes.backend_id] = routes
        self.history.append(routes)

    def withdraw(self, backend_id: str) -> None:
        self.now.pop(backend_id, None)

    def only(self, backend_id: str) -> Route:
        (route,) = self.now[backend_id].routes.values()
        return route


class EndOfTheWorld(BaseException):
    """The control plane is killed here."""


class World:
    """Use it as a context manager; `controller` is a new one after each `restart`."""

    def __init__(self, *, nodes: Sequence[NodeRequest] = (NodeRequest(cpu=8, memory_bytes=8 << 30),)) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pie-", dir="/tmp"))
        self.home = Home(self.folder)
        self.home.create()
        self.clock = ManualClock(START_NS)
        self.store = open_store(f"sqlite:///{self.folder / 'platform.db'}", self.clock)
        counter = itertools.count(1)
        self.services = assemble(
            self.store,
            self.home,
            self.clock,
            mac_key=MAC_KEY,
            gateway_url=lambda: "http://127.0.0.1:1",
            new_id=lambda prefix: f"{prefix}-{next(counter):012d}",
        )
        self.runtime = self.services.runtimes.create(ALICE, "local", launcher="fake", nodes=nodes)
        self.launcher = FakeLauncher(self.clock, {self.runtime.id: self.runtime.nodes})
        self.routes = RecordedRoutes()
        self.on_action: Callable[[Action], None] | None = None
        """Told of each action of the controller that was done."""
        self.is_killed = False
        self.controller = self._new_controller()
        self._components: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.controller.close()
        self.store.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.home.run, ignore_errors=True)

    # --- The control plane ---

    def _new_controller(self) -> Controller:
        controller = Controller(
            self.store,
            {"fake": self.launcher},
            self.routes,
            self.home,
            self.services.wakeup,
            self.clock,
            lambda version: self.home.components / version.content_hash,
            self.services.blobs,
            mac_key=MAC_KEY,
            settle_leases=self.services.leases.settle,
            prune_records=self.services.pruning.turn,
            wire=NoWire(),
        )
        controller.effects.on_done = self._done
        controller.on_record = self._done
        return controller

    def _done(self, action: Action) -> None:
        if self.on_action is not None:
            self.on_action(action)
        if self.is_killed and isinstance(action, Record):
            raise EndOfTheWorld  # before what follows from the record

    def kill(self) -> None:
        """End the control plane at this action: nothing more is begun, and what is under way is cut off by `restart`."""
        self.is_killed = True

    async def _open(self) -> None:
        await self.controller.open()

    async def restart(self) -> None:
        """Kill the control plane where it stands; a new one comes up, and knows only what is written down and what runs."""
        await self.controller.effects.close()
        self.is_killed = False
        self.routes.now.clear()
        self.controller = self._new_controller()
        await self._open()

    async def settle(self, steps_max: int = 200) -> None:
        """Until there is nothing to do at this moment. Raises EndOfTheWorld when the control plane was killed meanwhile."""
        for _ in range(steps_max):
            self.launcher.tick()
            under_way = self.controller.effects.under_way()
            actions = await self.controller.step()
            await self.finish_effects()
            if actions == 0 and self.controller.effects.under_way() == under_way:
                return
        raise AssertionError("the controller does not settle")

    async def finish_effects(self) -> None:
        """Let every effect end that does not wait for the clock."""
        while self._works() and not self.is_killed:
            await asyncio.sleep(0)
        if self.is_killed:
            raise EndOfTheWorld

    def _works(self) -> bool:
        effects = self.controller.effects.statistics()
        return effects.under_way - effects.queued > self.launcher.statistics().parked

    async def advance(self, ns: int, *, stride_ns: int = 0) -> None:
        """Let time pass, in strides, and the controller work after each."""
        stride_ns = stride_ns or ns
        while ns > 0:
            self.clock.advance(min(stride_ns, ns))
            ns -= stride_ns
            await self.settle()

    # --- What people do ---

    def component(self, name: str = "worker", manifest: str = WORKER) -> str:
        """Publish a component once; its version id."""
        if name not in self._components:
            archive = component_archive(manifest.format(name=name))
            self._components[name] = self.services.components.publish(ALICE, archive).id
        return self._components[name]

    def backend(self, name: str = "words", vertices: Sequence[str] = ("a", "b", "c")) -> str:
        """A chain of workers; the first one has the alias `ask`."""
        backend = self.services.backends.create(ALICE, name)
        version = self.component()
        operations: list[Operation] = [AddVertex(vertex=vertex, component=version) for vertex in vertices]
        operations += [Connect(output=Output(one), input=Input(other)) for one, other in itertools.pairwise(vertices)]
        operations.append(ChangeEndpointAlias(vertex=vertices[0], endpoint="ask", role="ask"))
        self.edit(backend.id, *operations)
        return backend.id

    def edit(self, backend: str, *operations: Operation) -> None:
        self.services.backends.append(ALICE, backend, operations)

    async def deployed(self, backend: str | None = None, **options: str | bool) -> Deployment:
        """Deploy and let it come up."""
        deployment = self.services.deployments.deploy(ALICE, backend or self.backend(), **options)  # type: ignore[arg-type]
        await self.settle()
        return self.show(deployment.id)

    # --- Looking ---

    def show(self, deployment_id: str) -> Deployment:
        return self.services.deployments.show(ALICE, deployment_id)

    def containers(self, deployment_id: str) -> dict[str, Container]:
        """By vertex; the newest generation."""
        with self.store.reading() as reading:
            rows = reading.containers(deployment_id)
        return {row.vertex: row for row in sorted(rows, key=lambda row: row.generation)}

    def runtime_row(self) -> Runtime:
        return self.services.runtimes.show(ALICE, "local")

    def statuses(self, deployment_id: str) -> list[str]:
        """The states it went through, by its events."""
        with self.store.reading() as reading:
            events = reading.events(deployment_id=deployment_id)
        states: list[str] = []
        for event in events:
            kind = event.type.removeprefix("deployment.")
            if kind == "redeploying" and states[-1] == "failed":
                kind = "deploying"
            if kind in ("deploying", "running", "failed", "tearing_down", "gone"):
                states.append(kind)
        return states


def component_archive(manifest: str, files: Mapping[str, bytes] | None = None) -> bytes:
    """A component's folder as `.tar.gz`."""
    buffer = io.BytesIO()
    contents = {"component.yml": manifest.encode(), "src/main.py": b"", **(files or {})}
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
