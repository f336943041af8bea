"""One container that is wanted: what its row says next, and the one thing to do for it now.

    pending ──▶ starting ──▶ standby ──▶ ready          by what the process and the container itself say
       ▲           │ crash      │           │
       │           ▼            ▼           ▼
       └─────── backoff ◀───────┴───────────┤
                                            └─▶ exited        a finite one, with code 0

The row is what the observation says; what is remembered beyond that is what no observation tells: how often it crashed, and when
it may start again. A crash is counted once because the count says which incarnation is to run: only the end of that one is a crash.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from pie_deploy.domain.actions import AssignPorts, Effect, Kill, Prepare, PushConfig, Start, Stop
from pie_deploy.domain.crash_budget import crashed
from pie_deploy.domain.observation import Link, LinkStep, Process, Seen
from pie_deploy.domain.records import Container, ContainerState, StatusReason
from pie_deploy.limits import PORTS_TRUSTED_AFTER_NS

STARTED: Final[frozenset[ContainerState]] = frozenset({"starting", "standby", "ready"})
"""States of a container whose process was seen alive."""
AT_LEAST_STANDBY: Final[frozenset[ContainerState]] = frozenset({"standby", "ready"})

_STATES: Final[Mapping[LinkStep, ContainerState]] = {
    "started": "starting",
    "imported": "starting",
    "configured": "starting",
    "standby": "standby",
    "connected": "standby",
    "ready": "ready",
}


@dataclass(frozen=True, slots=True)
class Traits:
    """What the graph says about a vertex's container."""

    finite: bool = False
    ports: tuple[str, ...] = ()
    """Endpoints of a command: each needs a port."""
    refers_to: frozenset[str] = frozenset()
    """Vertices whose ports its values name: it is told them when it starts."""
    config_seq: int = 0
    """The newest operation on its mutable values."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the deployment and its runtime say about all their containers."""

    crash_budget: int
    crash_window_ns: int
    startup_timeout_ns: int
    without_ports: frozenset[str] = frozenset()
    """Vertices of the generation whose ports are not assigned: what refers to them cannot be started."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why the deployment fails."""

    reason: StatusReason
    message: str


@dataclass(frozen=True, slots=True)
class Upkeep:
    row: Container
    effect: Effect | None = None
    cause: Cause | None = None


def begin_anew(row: Container, why: str) -> Container:
    """What it was told at its start is not so any more: it is stopped and started again, which is no crash."""
    return replace(row, state="pending", restarts=row.restarts + 1, last_error=why, pid=None, ready_at_ns=None, retry_at_ns=None)


def is_done(row: Container, traits: Traits) -> bool:
    """A finite container that has ended well: as good as ready."""
    return traits.finite and row.state == "exited" and row.exit_code == 0


def keep_up(row: Container, traits: Traits, seen: Seen, rules: Rules, now_ns: int) -> Upkeep:
    """The next row and what to do."""
    if is_done(row, traits):
        return Upkeep(row)
    row = replace(row, config_seq_wanted=max(row.config_seq_wanted, traits.config_seq))
    process = seen.process
    if process is not None and process.incarnation == row.restarts + 1:
        return _alive(row, process, seen, rules, now_ns) if process.running else _ended(row, traits, process, seen, rules, now_ns)
    if row.state in STARTED and not seen.busy:
        return crash(row, None, "its process has vanished", rules, now_ns)
    if process is not None and process.running:
        return Upkeep(row, Stop(row.id))  # an incarnation that was given up, on a node that came back
    return _begin(row, traits, seen, rules, now_ns)


def crash(row: Container, exit_code: int | None, why: str, rules: Rules, now_ns: int) -> Upkeep:
    """Its incarnation is over: the next one after a while, or none when the budget is spent.

    One that was not ready for long may have found its port taken: it gets others.
    """
    restart = crashed(row.recent_restarts_ns, now_ns, budget=rules.crash_budget, window_ns=rules.crash_window_ns)
    ports = row.ports if _holds_its_ports(row, now_ns) else {}
    over = replace(row, ports=ports, pid=None, ready_at_ns=None, exit_code=exit_code, last_error=why)
    over = replace(over, recent_restarts_ns=restart.recent_ns)
    if restart.retry_at_ns is None:
        spent = f"container {row.id} of vertex {row.vertex} crashed {len(restart.recent_ns)} times, more than its budget: {why}"
        return Upkeep(replace(over, state="exited", retry_at_ns=None), cause=Cause("crashloop", spent))
    return Upkeep(replace(over, state="backoff", restarts=row.restarts + 1, retry_at_ns=restart.retry_at_ns))


def _holds_its_ports(row: Container, now_ns: int) -> bool:
    """For a moment whoever took its port looks like the container itself."""
    return row.ready_at_ns is not None and now_ns >= row.ready_at_ns + PORTS_TRUSTED_AFTER_NS


def _begin(row: Container, traits: Traits, seen: Seen, rules: Rules, now_ns: int) -> Upkeep:
    failure = seen.failure
    if failure is not None and failure.incarnation == row.restarts + 1 and failure.action == "prepare":
        return Upkeep(row, cause=Cause("precondition", f"vertex {row.vertex} cannot be prepared: {failure.message}"))
    if failure is not None and failure.incarnation == row.restarts + 1 and failure.action == "start":
        return crash(row, None, failure.message, rules, now_ns)
    if now_ns < (row.retry_at_ns or 0):
        return Upkeep(row)
    return Upkeep(row, _next_beginning(row, traits, seen, rules))


def _next_beginning(row: Container, traits: Traits, seen: Seen, rules: Rules) -> Effect | None:
    if not row.ports.keys() >= set(traits.ports):
        return AssignPorts(row.id, traits.ports)
    if traits.refers_to & rules.without_ports:
        return None
    incarnation = row.restarts + 1
    return Start(row.id, incarnation) if seen.prepared else Prepare(row.id, incarnation)


def _alive(row: Container, process: Process, seen: Seen, rules: Rules, now_ns: int) -> Upkeep:
    link = seen.link
    if link is not None and link.refusal is not None:
        return _refused(row, link)
    state = _state(row, link)
    ready_at_ns = (row.ready_at_ns or now_ns) if state == "ready" else None
    row = replace(row, state=state, pid=process.pid, started_at_ns=process.started_at_ns, ready_at_ns=ready_at_ns, retry_at_ns=None)
    if link is not None:
        row = replace(row, config_seq_applied=max(row.config_seq_applied, link.config_seq), config_error=link.config_errors)
    hangs = state == "starting" and now_ns - process.started_at_ns >= rules.startup_timeout_ns
    if hangs:
        return Upkeep(row, Kill(row.id))
    return Upkeep(row, _push(row, link, state))


def _state(row: Container, link: Link | None) -> ContainerState:
    if link is not None:
        return _STATES[link.step]
    # It lives, and has not said hello to this control plane yet: it is what it was, and will say otherwise.
    return row.state if row.state in STARTED else "starting"


def _push(row: Container, link: Link | None, state: ContainerState) -> Effect | None:
    if link is None or state not in AT_LEAST_STANDBY or max(link.config_seq, link.pushed_seq) >= row.config_seq_wanted:
        return None
    return PushConfig(row.id, row.config_seq_wanted)


def _ended(row: Container, traits: Traits, process: Process, seen: Seen, rules: Rules, now_ns: int) -> Upkeep:
    if seen.link is not None and seen.link.refusal is not None:
        return _refused(row, seen.link)
    if traits.finite and process.exit_code == 0:
        return Upkeep(replace(row, state="exited", exit_code=0, pid=None, ready_at_ns=None, retry_at_ns=None))
    return crash(row, process.exit_code, process.reason or describe_exit(process.exit_code), rules, now_ns)


def _refused(row: Container, link: Link) -> Upkeep:
    assert link.refusal is not None
    return Upkeep(row, cause=Cause(link.refusal.reason, f"vertex {row.vertex}: {link.refusal.message}"))


def describe_exit(exit_code: int | None) -> str:
    if exit_code is None:
        return "it ended, nobody saw how"
    return f"killed by signal {-exit_code}" if exit_code < 0 else f"exited with code {exit_code}"
