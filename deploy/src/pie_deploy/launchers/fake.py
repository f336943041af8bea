"""A launcher without processes: containers are rows in a table that behave as they are told, on a clock that may be virtual.

For tests and demonstrations. Each start of a container asks a script for its `Behaviour`; by default a container comes up at
once and stays. Containers speak to the control plane directly, without sockets. Time passes in `tick`, which has to be called
after a virtual clock was moved; nodes, processes and calls can be made to fail by hand.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from pie_deploy.clock import Clock, SystemClock
from pie_deploy.domain.records import Node
from pie_deploy.errors import LauncherError, NotFoundError
from pie_deploy.ports.control import Deliver, Peer
from pie_deploy.ports.launcher import ContainerLimits, LogLine, ObservedContainer
from pie_flow.container import ContainerSpec
from pie_flow.control import ConfigApplied, FromContainer, Go, Hello, Ready, Refused, SetConfig, StartStep, Step, ToContainer

LOG_LINES_MAX = 200
_FOLLOW_S = 0.05
_STEPS: tuple[StartStep, ...] = ("imported", "configured", "standby")


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What one start of a container does."""

    prepare_ns: int = 0
    """How long its environment takes; only the first time."""
    prepare_error: str | None = None
    start_error: str | None = None
    step_ns: int = 0
    """Between two steps of its start."""
    stalls_at: StartStep | Literal["ready"] | None = None
    """It never comes to that step."""
    exits_after_ns: int | None = None
    """It ends by itself, counted from its start."""
    exit_code: int = 1
    refuses: str | None = None
    """It refuses to start, for that reason (a precondition)."""
    ignores_term: bool = False
    term_exit_code: int = -15
    """Of a process that is asked to end; negative: it does not care, the signal ends it."""
    output: tuple[tuple[Literal["stdout", "stderr"], str], ...] = ()
    """Lines that it writes when it starts."""
    last_words: str | None = None
    """A line that it writes when it is asked to end."""
    config_error: str | None = None
    """What its hook raises for new configuration."""


Script = Callable[[ContainerSpec, int], Behaviour]
"""Asked at each start: the spec and the incarnation."""


@dataclass(slots=True)
class _Container:
    spec: ContainerSpec
    limits: ContainerLimits
    incarnation: int
    behaviour: Behaviour
    node_id: str
    pid: int
    started_at_ns: int
    step: StartStep | Literal["started", "ready"] = "started"
    config_seq: int = 0
    went: bool = False
    exit_code: int | None = None
    exited_at_ns: int | None = None
    reason: str = ""
    log: list[LogLine] = field(default_factory=list)

    @property
    def runs(self) -> bool:
        return self.exited_at_ns is None


@dataclass(frozen=True, slots=True)
class FakeStatistics:
    starts: int
    running: int
    running_max: int
    parked: int
    """Calls that wait for the clock."""


class FakeLauncher:
    """`ports.launcher.Launcher` and `ports.control.DirectLauncher`."""

    def __init__(
        self, clock: Clock | None = None, nodes: Mapping[str, Sequence[Node]] | None = None, script: Script | None = None
    ) -> None:
        """nodes: by runtime id; of runtimes that are not named, nothing is said."""
        self._clock: Clock = clock or SystemClock()
        self._nodes = {runtime_id: list(found) for runtime_id, found in (nodes or {}).items()}
        self._lost: set[str] = set()
        self.script: Script = script or (lambda _spec, _incarnation: Behaviour())
        self._containers: dict[str, _Container] = {}
        self._prepared: set[str] = set()
        self._old_logs: dict[str, list[LogLine]] = {}
        self._deliver: Deliver | None = None
        self._changed: set[str] = set()
        self._has_changed = asyncio.Event()
        self._parked: list[tuple[int, asyncio.Future[None]]] = []
        self._starts = 0
        self._running_max = 0
        self.failing: dict[str, str] = {}
        """Method → message: that method raises LauncherError."""

    # --- ports.launcher.Launcher ---

    async def open(self) -> None:
        self._check("open")

    async def close(self, *, stop_all: bool) -> None:
        if stop_all:
            for container_id in list(self._containers):
                self._end(container_id, -15)
        self._deliver = None

    async def nodes(self, runtime_id: str) -> Sequence[Node]:
        self._check("nodes")
        return [node for node in self._nodes.get(runtime_id, ()) if node.id not in self._lost]

    async def prepare(self, spec: ContainerSpec) -> None:
        self._check("prepare")
        behaviour = self.script(spec, 1)
        if behaviour.prepare_error is not None:
            raise LauncherError(behaviour.prepare_error)
        if behaviour.prepare_ns and spec.container_id not in self._prepared:
            await self._park(behaviour.prepare_ns)
        self._prepared.add(spec.container_id)

    async def start(self, spec: ContainerSpec, limits: ContainerLimits, incarnation: int) -> None:
        self._check("start")
        known = self._containers.get(spec.container_id)
        if known is not None and known.incarnation >= incarnation:
            return
        assert known is None or not known.runs, f"{spec.container_id} is started while it runs"
        assert spec.container_id in self._prepared, f"{spec.container_id} is started before it is prepared"
        behaviour = self.script(spec, incarnation)
        if behaviour.start_error is not None:
            raise LauncherError(behaviour.start_error)
        self._starts += 1
        container = _Container(
            spec=spec,
            limits=limits,
            incarnation=incarnation,
            behaviour=behaviour,
            node_id="",
            pid=100_000 + self._starts,
            started_at_ns=self._clock.now_ns(),
            config_seq=spec.config_seq,
            log=[] if known is None else known.log,
        )
        self._containers[spec.container_id] = container
        self._running_max = max(self._running_max, sum(one.runs for one in self._containers.values()))
        self._say(container, f"started, incarnation {incarnation}")
        for stream, text in behaviour.output:
            self._say(container, text, stream)
        self._hello(container)
        self._go_on(container)
        self._note(spec.container_id)

    async def stop(self, container_id: str, grace_s: float) -> None:
        self._check("stop")
        container = self._containers.get(container_id)
        if container is None or not container.runs:
            return
        if container.behaviour.ignores_term:
            await self._park(int(grace_s * 1e9))
            self._end(container_id, -9)
        elif container.behaviour.last_words is not None:
            self._say(container, container.behaviour.last_words, "stdout")
        self._end(container_id, container.behaviour.term_exit_code)

    async def kill(self, container_id: str) -> None:
        self._check("kill")
        self._end(container_id, -9)

    async def remove(self, container_id: str) -> None:
        self._check("remove")
        container = self._containers.get(container_id)
        assert container is None or not container.runs, f"{container_id} is removed while it runs"
        if container is not None:
            del self._containers[container_id]
            self._old_logs[container_id] = container.log
            while len(self._old_logs) > LOG_LINES_MAX:
                del self._old_logs[next(iter(self._old_logs))]
        self._prepared.discard(container_id)

    async def prune(self, containers: AbstractSet[str], now_ns: int) -> bool:
        self._check("prune")
        return False

    async def observe(self) -> Sequence[ObservedContainer]:
        self._check("observe")
        return [_observed(container) for container in self._containers.values()]

    async def changes(self) -> AsyncIterator[str]:
        while True:
            await self._has_changed.wait()
            self._has_changed.clear()
            changed, self._changed = self._changed, set()
            for container_id in changed:
                yield container_id

    async def logs(
        self, container_id: str, *, follow: bool = False, since_ns: int = 0, tail: int | None = None
    ) -> AsyncIterator[LogLine]:
        container = self._containers.get(container_id)
        lines = self._old_logs.get(container_id) if container is None else container.log
        if lines is None:
            raise NotFoundError(f"there is no log of container {container_id}")
        chosen = [line for line in lines if line.at_ns >= since_ns]
        for line in chosen if tail is None else chosen[max(0, len(chosen) - tail) :]:
            yield line
        seen = len(lines)
        while follow and container is not None and container.runs:
            await asyncio.sleep(_FOLLOW_S)
            for line in lines[seen:]:
                yield line
            seen = len(lines)

    # --- ports.control.DirectLauncher ---

    def connect(self, deliver: Deliver) -> None:
        self._deliver = deliver
        for container in list(self._containers.values()):
            if container.runs:
                self._hello(container)

    # --- Knobs ---

    def tick(self) -> None:
        """Let happen what is due by the clock."""
        now_ns = self._clock.now_ns()
        for container in list(self._containers.values()):
            if container.runs:
                self._go_on(container)
        due = [future for at_ns, future in self._parked if at_ns <= now_ns]
        self._parked = [(at_ns, future) for at_ns, future in self._parked if at_ns > now_ns and not future.done()]
        for future in due:
            if not future.done():
                future.set_result(None)

    def crash(self, container_id: str, exit_code: int = 1, reason: str = "") -> None:
        """End a container's process."""
        self._end(container_id, exit_code, reason)

    def vanish(self, container_id: str) -> None:
        """A container's process and all trace of it are gone."""
        self._containers.pop(container_id, None)
        self._note(container_id)

    def lose_node(self, node_id: str, container_ids: Sequence[str]) -> None:
        """A machine is gone, and what ran there."""
        self._lost.add(node_id)
        for container_id in container_ids:
            self.vanish(container_id)

    def restore_node(self, node_id: str) -> None:
        self._lost.discard(node_id)

    def running(self) -> list[str]:
        return sorted(container_id for container_id, container in self._containers.items() if container.runs)

    def known(self) -> list[str]:
        """Also stopped ones that were not removed."""
        return sorted(self._containers)

    def spec(self, container_id: str) -> ContainerSpec:
        return self._containers[container_id].spec

    def config_seq(self, container_id: str) -> int:
        return self._containers[container_id].config_seq

    def statistics(self) -> FakeStatistics:
        parked = sum(not future.done() for _, future in self._parked)
        return FakeStatistics(starts=self._starts, running=len(self.running()), running_max=self._running_max, parked=parked)

    # --- What a container does ---

    def _go_on(self, container: _Container) -> None:
        """Take the steps that are due; end if that is due."""
        now_ns, behaviour = self._clock.now_ns(), container.behaviour
        age_ns = now_ns - container.started_at_ns
        if behaviour.refuses is not None:
            self._tell(container, Refused(reason="precondition", message=behaviour.refuses))
            self._end(container.spec.container_id, 1)
            return
        while (step := _next_step(container)) is not None and age_ns >= behaviour.step_ns * (_STEPS.index(step) + 1):
            container.step = step
            self._tell(container, Step(step=step))
        if container.went and container.step == "standby" and behaviour.stalls_at not in ("connected", "ready"):
            container.step = "ready"
            self._tell(container, Step(step="connected"))
            self._tell(container, Ready())
        if behaviour.exits_after_ns is not None and age_ns >= behaviour.exits_after_ns:
            self._end(container.spec.container_id, behaviour.exit_code)

    def _hear(self, container_id: str, incarnation: int, message: ToContainer) -> None:
        container = self._containers.get(container_id)
        if container is None or not container.runs or container.incarnation != incarnation:
            return
        if isinstance(message, Go):
            assert container.step in ("standby", "connected", "ready"), "nobody goes before it stands by"
            container.went = True
            self._go_on(container)
        elif isinstance(message, SetConfig):
            container.config_seq = max(container.config_seq, message.seq)
            error = container.behaviour.config_error
            self._tell(container, ConfigApplied(seq=message.seq, errors={} if error is None else {"value": error}))

    def _hello(self, container: _Container) -> None:
        spec = container.spec
        hello = Hello(
            container_id=spec.container_id,
            incarnation=str(container.incarnation),
            secret=spec.secret,
            pid=container.pid,
            step=container.step,
            config_seq=container.config_seq,
        )
        self._tell(container, hello)

    def _tell(self, container: _Container, message: FromContainer) -> None:
        if self._deliver is None:
            return
        container_id, incarnation = container.spec.container_id, container.incarnation
        peer = Peer(f"{container_id}/{incarnation}".encode(), partial(self._hear, container_id, incarnation))
        self._deliver(peer, message)

    def _end(self, container_id: str, exit_code: int, reason: str = "") -> None:
        container = self._containers.get(container_id)
        if container is None or not container.runs:
            return
        container.exit_code, container.exited_at_ns, container.reason = exit_code, self._clock.now_ns(), reason
        self._say(container, f"ended with {exit_code}")
        self._note(container_id)

    def _say(self, container: _Container, text: str, stream: Literal["stdout", "stderr", "platform"] = "platform") -> None:
        container.log.append(LogLine(at_ns=self._clock.now_ns(), stream=stream, text=text, incarnation=container.incarnation))
        del container.log[:-LOG_LINES_MAX]

    def _note(self, container_id: str) -> None:
        self._changed.add(container_id)
        self._has_changed.set()

    def _check(self, method: str) -> None:
        if method in self.failing:
            raise LauncherError(self.failing[method])

    async def _park(self, ns: int) -> None:
        """Wait until the clock has gone that far, as `tick` sees it."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._parked.append((self._clock.now_ns() + ns, future))
        await future


def _next_step(container: _Container) -> StartStep | None:
    done = -1 if container.step == "started" else _STEPS.index(container.step) if container.step in _STEPS else len(_STEPS)
    if done + 1 >= len(_STEPS) or container.behaviour.stalls_at == _STEPS[done + 1]:
        return None
    return _STEPS[done + 1]


def _observed(container: _Container) -> ObservedContainer:
    return ObservedContainer(
        container_id=container.spec.container_id,
        deployment_id=container.spec.deployment_id,
        state="running" if container.runs else "exited",
        incarnation=container.incarnation,
        pid=container.pid if container.runs else None,
        started_at_ns=container.started_at_ns,
        exit_code=container.exit_code,
        exited_at_ns=container.exited_at_ns,
        reason=container.reason,
    )
