"""A random life of the whole platform, from one seed: what people do, what breaks, and time.

After every step the checker must find nothing that may never be; whenever the platform has come to rest, nothing at all. In the end
everything that was broken is whole again, and everything can be torn down to nothing.
"""

import contextlib
import itertools
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from platform_world import ALICE, COMMAND, SECOND_NS, EndOfTheWorld, World

from pie_deploy.domain.actions import Action
from pie_deploy.domain.deployment import TRANSITIONS
from pie_deploy.domain.operations import AddVertex, ChangeEndpointAlias, ChangeParameter, Connect, DeleteVertex, Input, Output
from pie_deploy.domain.records import Deployment
from pie_deploy.errors import DeployError
from pie_deploy.launchers.fake import Behaviour
from pie_deploy.services.views import NodeRequest
from pie_flow.container import ContainerSpec

NODES = (NodeRequest(cpu=4, memory_bytes=2 << 30), NodeRequest(cpu=4, memory_bytes=2 << 30))
BACKENDS_MAX = 4
REFERENCE = '"vertex://web/web"'


@dataclass(slots=True)
class Simulation:
    world: World
    chance: random.Random
    faults: float = 0.15
    """How probable it is that a start goes wrong."""
    backends: list[str] = field(default_factory=list)
    leases: list[str] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    done: list[str] = field(default_factory=list)
    """What was done, for whoever looks at a failure."""

    async def run(self, steps: int) -> None:
        self.world.launcher.script = self._behave
        for _ in range(steps):
            await self._step()
        await self._end()

    # --- One step ---

    async def _step(self) -> None:
        verbs: list[tuple[int, Callable[[], Awaitable[object] | None]]] = [
            (2, self._create),
            (6, self._deploy),
            (3, self._undeploy),
            (4, self._redeploy),
            (5, self._change_value),
            (2, self._change_graph),
            (5, self._crash),
            (2, self._vanish),
            (3, self._kill_control_plane),
            (1, self._lose_node),
            (2, self._restore_node),
            (2, self._open_lease),
            (2, self._close_lease),
            (1, self._break_launcher),
            (1, self.world.controller.pruner.turn),
            (8, self._pass_time),
        ]
        (_, verb) = self.chance.choices(verbs, weights=[weight for weight, _ in verbs])[0]
        self.done.append(verb.__name__)
        try:
            waiting = verb()
            if waiting is not None:
                await waiting
        except DeployError as refusal:
            self.done[-1] += f": {refusal.code}"
        await self._settle()

    async def _settle(self) -> None:
        """Let the controller work, or only a little: people do not wait until it is done."""
        with contextlib.suppress(DeployError):
            if self.chance.random() < 0.3:
                await self.world.controller.step()
                await self.world.finish_effects()
                await self._check(at_rest=False)
            else:
                await self.world.settle()
                await self._check(at_rest=not self.world.launcher.failing and self._is_quiet())

    def _is_quiet(self) -> bool:
        """Nothing waits for time to pass."""
        return self.world.launcher.statistics().parked == 0 and self.world.controller.effects.next_retry_ns() is None

    async def _check(self, *, at_rest: bool) -> None:
        found = await self.world.controller.problems(at_rest=at_rest)
        assert not found, "\n".join([*(problem.message for problem in found), f"after {self.done}"])
        for deployment in self._deployments(gone=True):
            self._check_history(deployment)
        if at_rest:
            self._check_ports()

    def _check_ports(self) -> None:
        """Whoever is ready and was told a port was told the one that there is now."""
        for deployment in self._deployments():
            rows = self.world.containers(deployment.id)
            for row in rows.values():
                spec = self.world.launcher.spec(row.id) if row.state == "ready" else None
                told = None if spec is None or "greeting" not in spec.parameters else spec.parameters["greeting"].value
                if told is not None and told.startswith('"http:'):
                    assert told == f'"http://127.0.0.1:{rows["web"].ports["web"]}"', f"{row.id}, after {self.done}"

    def _check_history(self, deployment: Deployment) -> None:
        """R10: the states follow the table, whatever happened."""
        states = self.world.statuses(deployment.id)
        for before, after in itertools.pairwise(states):
            allowed = {*TRANSITIONS.get(before, {}), *(("gone",) if before == "tearing_down" else ())}
            assert after in allowed, f"{deployment.id} went {states}, after {self.done}"

    # --- What people do ---

    def _create(self) -> None:
        if len(self.backends) < BACKENDS_MAX:
            vertices = tuple("abcd"[: self.chance.randint(1, 4)])
            self.backends.append(self.world.backend(f"b{len(self.backends)}", vertices))
            if self.chance.random() < 0.5:
                self._add_site(self.backends[-1])

    def _add_site(self, backend: str) -> None:
        """A command, and a worker that is told where it answers."""
        self.world.edit(
            backend,
            AddVertex(vertex="web", component=self.world.component("web", COMMAND)),
            ChangeEndpointAlias(vertex="web", endpoint="web", role="web"),
            ChangeParameter(vertex="a", name="greeting", value=REFERENCE),
        )

    def _deploy(self) -> None:
        lease = self.chance.choice(self.leases) if self.leases and self.chance.random() < 0.3 else None
        duration = f"{self.chance.randint(60, 6000)}s" if self.chance.random() < 0.2 else None
        services = self.world.services.deployments
        services.deploy(ALICE, self._backend(), lease=lease, fixed_duration=duration, debug=self.chance.random() < 0.2)

    def _undeploy(self) -> None:
        self.world.services.deployments.undeploy(ALICE, self._backend())

    def _redeploy(self) -> None:
        self.world.services.deployments.redeploy(ALICE, self._backend())

    def _change_value(self) -> None:
        text = REFERENCE if self.chance.random() < 0.2 else f'"{self.chance.randint(0, 999)}"'
        self.world.edit(self._backend(), ChangeParameter(vertex=self.chance.choice("abcd"), name="greeting", value=text))

    def _change_graph(self) -> None:
        if self.chance.random() < 0.5:
            self.world.edit(self._backend(), DeleteVertex(vertex="d"))
            return
        vertex = AddVertex(vertex="d", component=self.world.component())
        self.world.edit(self._backend(), vertex, Connect(output=Output("a"), input=Input("d")))

    def _open_lease(self) -> None:
        self.leases.append(self.world.services.leases.create(ALICE, ttl="30m").id)

    def _close_lease(self) -> None:
        if self.leases:
            leases = self.world.services.leases
            self.chance.choice([leases.commit, leases.rollback])(ALICE, self.leases.pop())

    async def _pass_time(self) -> None:
        strides = self.chance.choice([(1, 1), (5, 1), (60, 10), (600, 100), (3600, 3600)])
        for _ in range(0, strides[0], strides[1]):
            self.world.clock.advance(strides[1] * SECOND_NS)
            await self._settle()

    # --- What breaks ---

    def _behave(self, spec: ContainerSpec, incarnation: int) -> Behaviour:
        """The same for the same start, whoever asks and how often."""
        chance = random.Random(f"{spec.container_id}/{incarnation}/{self.faults}")
        usual = Behaviour(step_ns=chance.choice([0, 0, SECOND_NS]), prepare_ns=chance.choice([0, 0, 0, SECOND_NS]))
        if chance.random() >= self.faults:
            return usual
        return chance.choice(
            [
                Behaviour(exits_after_ns=chance.choice([0, SECOND_NS, 30 * SECOND_NS]), exit_code=chance.choice([0, 1, -11])),
                Behaviour(stalls_at=chance.choice(["imported", "standby", "ready"])),
                Behaviour(refuses="no weights"),
                Behaviour(start_error="no more processes"),
                Behaviour(prepare_error="no such package"),
                Behaviour(ignores_term=True),
                Behaviour(config_error="too rude"),
            ]
        )

    def _crash(self) -> None:
        if running := self.world.launcher.running():
            self.world.launcher.crash(self.chance.choice(running), exit_code=self.chance.choice([0, 1, -9]))

    def _vanish(self) -> None:
        if running := self.world.launcher.running():
            self.world.launcher.vanish(self.chance.choice(running))

    def _lose_node(self) -> None:
        node = self.chance.choice(self.world.runtime.nodes).id
        with self.world.store.reading() as reading:
            there = [row.id for row in reading.containers() if row.node_id == node]
        self.lost.add(node)
        self.world.launcher.lose_node(node, there)

    def _restore_node(self) -> None:
        for node in self.lost:
            self.world.launcher.restore_node(node)
        self.lost.clear()

    def _break_launcher(self) -> None:
        failing = self.world.launcher.failing
        if failing:
            failing.clear()
        else:
            failing[self.chance.choice(["start", "stop", "remove", "observe", "nodes"])] = "out of order"

    async def _kill_control_plane(self) -> None:
        """After some action from now on, or now if that does not come."""
        left = self.chance.randint(1, 6)

        def count(_: Action) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                self.world.kill()

        self.world.on_action = count
        with contextlib.suppress(EndOfTheWorld, DeployError):
            await self.world.settle()
        self.world.on_action = None
        await self.world.restart()

    # --- The end ---

    async def _end(self) -> None:
        """All is whole, all goes, nothing is left."""
        self.faults = 0.0
        self.world.launcher.failing.clear()
        self._restore_node()
        await self.world.advance(60 * SECOND_NS, stride_ns=SECOND_NS)
        await self._check(at_rest=True)
        for deployment in self._deployments():
            self.world.services.deployments.undeploy(ALICE, deployment.id)
        await self.world.advance(40 * SECOND_NS, stride_ns=SECOND_NS)
        await self._check(at_rest=True)
        assert self._deployments() == [], f"after {self.done}"
        assert self.world.launcher.known() == [], f"after {self.done}"
        assert all(route.state == "not_running" for one in self.world.routes.now.values() for route in one.routes.values())

    def _deployments(self, *, gone: bool = False) -> list[Deployment]:
        return list(self.world.services.deployments.list(ALICE, gone=gone))

    def _backend(self) -> str:
        if not self.backends:
            self._create()
        return self.chance.choice(self.backends)


async def simulate(seed: int, steps: int) -> None:
    """One life. A failure says its seed."""
    async with World(nodes=NODES) as world:
        try:
            await Simulation(world, random.Random(seed)).run(steps)
        except BaseException as error:
            error.add_note(f"seed {seed}, {steps} steps: simulate({seed}, {steps})")
            raise
