"""The controller: makes what runs match what is written down.

    ┌─▶ observe    launchers: which processes; containers: how far they have come; store: what is written down (read in a thread)
    │   publish    tell the gateway where each token leads now
    │   plan       `pie_deploy.domain.plan`, for each deployment about which something is new
    │   record     what was decided, in one transaction (in a thread)
    └── execute    effects, as tasks

Publishing comes before recording and executing: a state that serves no longer is known to the gateway before a container is stopped
because of it. A step costs what has changed: a deployment whose rows and observations are the same and whose time has not come
is not looked at again.

The controller keeps nothing that it could not find out again, so it may be killed at any moment; the next one asks the launchers
what runs, hears from the containers how they are, and goes on.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

from pie_deploy.clock import Clock
from pie_deploy.config import Home
from pie_deploy.controller.addresses import control_address, control_folder
from pie_deploy.controller.effects import Effects, EffectStatistics
from pie_deploy.controller.inventory import inventory_of
from pie_deploy.controller.links import Links, LinkStatistics
from pie_deploy.controller.lookout import Lookout
from pie_deploy.controller.planning import Planning
from pie_deploy.controller.pruner import Pruner, PruneRecords
from pie_deploy.controller.publisher import Publisher
from pie_deploy.controller.recorder import put_to_rest, write
from pie_deploy.controller.sites import Sites
from pie_deploy.controller.snapshot import Snapshot, Snapshots
from pie_deploy.controller.worker import Worker
from pie_deploy.controller.zmtp_wire import ZmtpWire
from pie_deploy.domain.actions import Action, Effect, Record
from pie_deploy.domain.checker import problems
from pie_deploy.domain.lease import is_expired
from pie_deploy.domain.records import ComponentVersion, Lease, Runtime
from pie_deploy.errors import DeployError, Detail, NotFoundError
from pie_deploy.limits import LOOK_INTERVAL_NS, NODES_INTERVAL_NS
from pie_deploy.ports.control import ControlWire, DirectLauncher, Peer
from pie_deploy.ports.launcher import Launcher, LogLine
from pie_deploy.ports.routes import Routes
from pie_deploy.ports.store import Store
from pie_deploy.services.blobs import Blobs
from pie_flow.control import FromContainer, Pulse

_log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class Wakeup(Protocol):
    """`pie_deploy.services.wakeup`: that something was recorded."""

    @property
    def count(self) -> int: ...

    def notify(self) -> None: ...

    async def wait(self, after: int) -> int: ...


@dataclass(frozen=True, slots=True)
class ControllerStatistics:
    steps: int
    planned: int
    """Deployments that were planned, over all steps."""
    last_step_s: float
    longest_step_s: float
    backends: int
    deployments: int
    containers: int
    effects: EffectStatistics
    links: LinkStatistics


class Controller:
    def __init__(
        self,
        store: Store,
        launchers: Mapping[str, Launcher],
        routes: Routes,
        home: Home,
        wakeup: Wakeup,
        clock: Clock,
        components_folder: Callable[[ComponentVersion], Path],
        blobs: Blobs,
        *,
        mac_key: bytes,
        settle_leases: Callable[[], bool] | None = None,
        prune_records: PruneRecords | None = None,
        wire: ControlWire | None = None,
    ) -> None:
        """launchers: by runtime id, or by launcher name for all its runtimes. components_folder, blobs: where content lies.

        mac_key: of the forwarding tokens. settle_leases: takes the next step of leases that are to be closed and says whether there
        was one (`services.lease`). prune_records: `services.pruning`. wire: None is ZeroMQ in the home's folder.
        """
        self._store = store
        self._home = home
        self._wakeup = wakeup
        self._clock = clock
        self._settle_leases = settle_leases
        self._wire: ControlWire = wire or ZmtpWire(control_address(home.run))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="controller")
        self._nudged = asyncio.Event()
        self._links = Links()
        self._lookout = Lookout(launchers)
        self._publisher = Publisher(routes, home.run)
        self._sites = Sites(store, home, components_folder, blobs, self._wire.address)
        self._snapshots = Snapshots(store, self._sites.graphs, self._sites.manifest, mac_key)
        worker = Worker(self._sites, self._links, self._lookout, clock, wakeup.notify)
        self.pruner = Pruner(store, self._lookout, prune_records, clock)
        self.effects = Effects(worker.perform, clock, self._nudged.set)
        self._planning = Planning(self._lookout, self._links, self.effects)
        self.on_record: Callable[[Record], None] | None = None
        """Told of each record that was written: for tests that end the world there."""
        self._snapshot = Snapshot()
        self._read_count = -1
        self._read_at_ns = 0
        self._nodes_at_ns = 0
        self._steps = 0
        self._last_step_s = self._longest_step_s = 0.0
        self._is_open = False

    # --- Life ---

    async def open(self) -> None:
        """Get in touch with what runs. Raises LauncherError, StorageError."""
        for launcher in self._lookout.launchers:
            await launcher.open()
        await self._refresh(self._clock.now_ns())
        control_folder(self._home.run).mkdir(mode=0o700, parents=True, exist_ok=True)
        await self._wire.open(self._hear)
        for launcher in self._lookout.launchers:
            if isinstance(launcher, DirectLauncher):
                launcher.connect(self._hear)
        self._is_open = True

    async def close(self, *, stop_all: bool = False) -> None:
        """End. With `stop_all` everything is stopped first, and comes up again with the next control plane; without, it runs on."""
        await self.effects.close()
        await self._wire.close()
        for launcher in self._lookout.launchers:
            try:
                await launcher.close(stop_all=stop_all)
            except DeployError as error:
                _log.warning("closing a launcher: %s", error)
        if stop_all:
            await self._call(put_to_rest, self._store)
        self._thread.shutdown(wait=False)
        self._is_open = False

    async def run(self) -> None:
        """Open, if that has not been done, and step until cancelled. `close` is the caller's."""
        if not self._is_open:
            await self.open()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_wakeup(), name="controller: store")
            for launcher in self._lookout.launchers:
                tasks.create_task(self._follow(launcher), name="controller: launcher")
            tasks.create_task(self.pruner.run(), name="controller: pruning")
            await self._loop()

    async def step(self) -> int:
        """Observe, publish, plan, record, execute; once. Returns how many actions came of it.

        Effects run on as tasks. Raises what the store or a launcher's `observe` raises.
        """
        begun_s = time.monotonic()
        now_ns = self._clock.now_ns()
        self.effects.looking()
        vanished = await self._lookout.observe()
        await self._watch_nodes(now_ns, soon=vanished)
        await self._refresh(now_ns)
        self._publisher.publish(self._snapshot)
        actions = self._planning.plan(self._snapshot, now_ns)
        await self._execute(actions, now_ns)
        closed = await self._close_leases(now_ns)
        self._last_step_s = time.monotonic() - begun_s
        self._longest_step_s = max(self._longest_step_s, self._last_step_s)
        self._steps += 1
        return len(actions) + closed

    # --- For the API ---

    async def logs(
        self, container_id: str, *, follow: bool = False, since_ns: int = 0, tail: int | None = None
    ) -> AsyncIterator[LogLine]:
        """A container's log lines, also of one that is gone. Raises NotFoundError."""
        launcher = await asyncio.to_thread(self._launcher_by_row, container_id)
        async for line in launcher.logs(container_id, follow=follow, since_ns=since_ns, tail=tail):
            yield line

    def pulse(self, container_id: str) -> Pulse | None:
        """What a container last said about its work: invocations, and counters of its edges."""
        return self._links.pulse(container_id)

    async def problems(self, *, at_rest: bool = False) -> list[Detail]:
        """Everything that does not hold, of what is written down and seen now (`pie_deploy.domain.checker`)."""
        await self._lookout.observe()
        snapshot = await self._call(self._sites.with_graphs, self._snapshots.read)
        inventory = inventory_of(snapshot, self._lookout.processes, self._publisher.now())
        return problems(inventory, self._clock.now_ns(), at_rest=at_rest)

    def statistics(self) -> ControllerStatistics:
        return ControllerStatistics(
            steps=self._steps,
            planned=self._planning.planned,
            last_step_s=self._last_step_s,
            longest_step_s=self._longest_step_s,
            backends=len(self._snapshot.backends),
            deployments=len(self._snapshot.desired),
            containers=len(self._snapshot.containers),
            effects=self.effects.statistics(),
            links=self._links.statistics(),
        )

    # --- Observe ---

    async def _refresh(self, now_ns: int) -> None:
        """Read what is written down if it may have changed."""
        count = self._wakeup.count
        if count == self._read_count and now_ns < self._read_at_ns + LOOK_INTERVAL_NS:
            return
        self._snapshot = await self._call(self._sites.with_graphs, self._snapshots.read)
        self._read_count, self._read_at_ns = count, now_ns
        containers = self._snapshot.containers
        self._sites.use(self._snapshot)
        self._links.admit({container.id: container.secret for container in containers.values()})
        self.effects.keep_only(containers.keys() | self._lookout.processes.keys())

    async def _watch_nodes(self, now_ns: int, *, soon: bool) -> None:
        if now_ns < self._nodes_at_ns + NODES_INTERVAL_NS and not soon:
            return
        self._nodes_at_ns = now_ns
        for runtime in self._snapshot.runtimes.values():
            watched = await self._lookout.watched(runtime, now_ns)
            if watched != runtime:
                await self._call(_put_nodes, self._store, runtime, watched)
                self._wakeup.notify()

    # --- Execute ---

    async def _execute(self, actions: Sequence[Action], now_ns: int) -> None:
        records = [action for action in actions if isinstance(action, Record)]
        overtaken: set[str] = set()
        if records:
            written = await self._call(write, self._store, records, now_ns)
            overtaken = {record.before.id for record in records} - {record.before.id for record in written}
            self._wakeup.notify()
            for record in written:
                if self.on_record is not None:
                    self.on_record(record)
        for action in actions:
            if not isinstance(action, Record) and self._deployment_of(action) not in overtaken:
                self.effects.begin(action)

    def _deployment_of(self, effect: Effect) -> str | None:
        container = self._snapshot.containers.get(effect.container_id)
        return None if container is None else container.deployment_id

    async def _close_leases(self, now_ns: int) -> bool:
        """Whether one has come nearer to its end."""
        if self._settle_leases is None or not any(self._is_due(lease, now_ns) for lease in self._snapshot.leases):
            return False
        return await self._call(self._settle_leases)

    def _is_due(self, lease: Lease, now_ns: int) -> bool:
        if lease.state == "open":
            return is_expired(lease, now_ns)
        held = (desired.deployment for desired in self._snapshot.desired.values() if desired.deployment.lease_id == lease.id)
        return all(deployment.status != "tearing_down" for deployment in held)

    # --- Waiting ---

    async def _loop(self) -> None:
        while True:
            self._nudged.clear()
            try:
                busy = await self.step()
            except Exception:  # the store is full, a launcher is out of order: said once a second until it is better
                _log.exception("a step of the controller failed")
                await asyncio.sleep(1)
                continue
            if not busy:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._idle_s()):
                        await self._nudged.wait()

    def _idle_s(self) -> float:
        """How long nothing happens unless something changes."""
        now_ns = self._clock.now_ns()
        moments = [*self._planning.due_ns()]
        moments += [lease.heartbeat_at_ns + lease.ttl_ns for lease in self._snapshot.leases if lease.state == "open"]
        return max(0.01, min([LOOK_INTERVAL_NS, *(moment - now_ns for moment in moments)]) / 1e9)

    async def _follow_wakeup(self) -> None:
        count = self._wakeup.count
        while True:
            count = await self._wakeup.wait(count)
            self._nudged.set()

    async def _follow(self, launcher: Launcher) -> None:
        while True:
            try:
                async for _ in launcher.changes():
                    self._nudged.set()
            except Exception as error:  # only hints are missed: the loop looks at everything now and then anyway
                _log.warning("a launcher reports no changes: %s", error)
            await asyncio.sleep(1)

    def _hear(self, peer: Peer, message: FromContainer) -> None:
        if self._links.heard(peer, message) is not None:
            self._nudged.set()

    async def _call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """In a thread of its own: a step does not wait behind environments that are built and files that are saved."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(function, *args, **kwargs))

    def _launcher_by_row(self, container_id: str) -> Launcher:
        with self._store.reading() as reading:
            container = reading.find_container(container_id)
            runtimes = Snapshot(runtimes={runtime.id: runtime for runtime in reading.runtimes()})
        runtime = None if container is None else runtimes.runtime_of(container)
        launcher = None if runtime is None else self._lookout.launcher_of(runtime)
        if launcher is None:
            raise NotFoundError(f"there is no container {container_id[:80]!r}")
        return launcher


def _put_nodes(store: Store, before: Runtime, after: Runtime) -> None:
    with store.transaction() as transaction:
        if transaction.find_runtime(before.id) == before:
            transaction.put_runtime(after)
