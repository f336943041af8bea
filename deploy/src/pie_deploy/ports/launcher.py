"""What starts containers. One contract suite (`deploy/tests/launchers/test_contract.py`) that every launcher passes.

A launcher executes; it decides nothing: restarts, backoff and budgets are the planner's. All methods are idempotent by container id
and generation of the process (`incarnation`), so that a controller that died between acting and recording may simply act again.
"""

from collections.abc import AsyncIterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal, Protocol

from pie_deploy.domain.records import Node
from pie_flow.container import ContainerSpec

DAY_NS = 24 * 3600 * 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerLimits:
    cpu: float
    """Cores that it gets when all want some; idle ones are for whoever wants them."""
    cpu_max: float | None = None
    """Cores that it never exceeds; None: no ceiling."""
    memory_bytes: int
    gpu: int = 0
    processes_max: int = 256
    log_bytes_max: int = 10 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedContainer:
    """What a launcher knows of a container that runs or has run and was not removed."""

    container_id: str
    deployment_id: str
    state: Literal["running", "exited"]
    incarnation: int
    """How often it has been started, 1 for the first."""
    pid: int | None
    started_at_ns: int
    exit_code: int | None = None
    """Negative: killed by that signal."""
    exited_at_ns: int | None = None
    reason: str = ""
    """Of an end that is not the program's own doing: `out of memory`, `supervisor lost`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    at_ns: int
    stream: Literal["stdout", "stderr", "platform"]
    text: str
    incarnation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long a machine keeps what nobody needs."""

    environments_ns: int = 30 * DAY_NS
    caches_ns: int = 30 * DAY_NS
    logs_ns: int = 7 * DAY_NS


class Launcher(Protocol):
    async def open(self) -> None:
        """Get in touch with what runs already (re-adopts it) or start what is needed. Raises LauncherError."""
        ...

    async def close(self, *, stop_all: bool) -> None:
        """End. With `stop_all` every container is stopped first; without, they run on for the next control plane to adopt."""
        ...

    async def nodes(self, runtime_id: str) -> Sequence[Node]:
        """The machines and what they have."""
        ...

    async def prepare(self, spec: ContainerSpec) -> None:
        """Make the environment (requirements once per content hash) and the folders. May take minutes. Raises LauncherError."""
        ...

    async def start(self, spec: ContainerSpec, limits: ContainerLimits, incarnation: int) -> None:
        """Start the process; does nothing when this incarnation was already started. Raises LauncherError."""
        ...

    async def stop(self, container_id: str, grace_s: float) -> None:
        """SIGTERM to all its processes, SIGKILL after the grace; returns when none is left. Unknown ids are fine."""
        ...

    async def kill(self, container_id: str) -> None: ...

    async def remove(self, container_id: str) -> None:
        """Forget a stopped container: its folders go, its log stays for the retention time."""
        ...

    async def prune(self, containers: AbstractSet[str], now_ns: int) -> bool:
        """Let go of some of what nobody needs any more; whether there is more of that. containers: ids of all that there are,
        whatever their state. What one that is not among them has begun to need just now stays as well.
        """
        ...

    async def observe(self) -> Sequence[ObservedContainer]: ...

    def changes(self) -> AsyncIterator[str]:
        """Container ids whose observation has changed, as it happens. A hint: `observe` is the truth."""
        ...

    def logs(
        self, container_id: str, *, follow: bool = False, since_ns: int = 0, tail: int | None = None
    ) -> AsyncIterator[LogLine]:
        """With `follow` also what comes, until the container is removed or has ended for good. Raises NotFoundError for an id it
        never had.
        """
        ...
