"""The planner: from what is written down and what is seen, what to do now.

`plan` is pure, looks at one deployment at a time and is asked again and again: it is level-triggered, so nothing that it missed or
that was lost on the way matters. What it decides is one `Record`, which is written before anything that follows from it is done:
the effects of a new state come with the next plan, after the gateway knows of the state. So no container is stopped that callers
are still sent to, and a control plane that is killed between two actions finds everything it needs in the rows and in what runs.

- tearing_down: stop every container, save what it generated, remove it; then the deployment is gone.
- failed: stop every container; keep the rows, the logs and the folders.
- deploying: bring every container to standby; when all are there, let them go together; when all are ready, it is running.
- running: restart what crashes, push new configuration, renew the expiry. While it redeploys, bring the next generation to
standby beside
  the one that serves; when all of it is there, it is deploying: the old one goes, the new one gets its go at once.

A plan of a settled state is empty.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from msgspec.structs import replace

from pie_deploy.domain.actions import Action, Effect, Record, Remove, SaveGenerated, SendGo, Stop
from pie_deploy.domain.deployment import gone, is_current, serving_generation, transition, undeployed
from pie_deploy.domain.duration import format_duration
from pie_deploy.domain.expiry import is_expired, renewal_due_ns, renewed_ns
from pie_deploy.domain.observation import NOTHING, Seen
from pie_deploy.domain.placement import Amount, Request, place, reserved
from pie_deploy.domain.records import Container, ContainerState, Deployment, Runtime
from pie_deploy.domain.upkeep import (
    AT_LEAST_STANDBY,
    STARTED,
    Cause,
    Rules,
    Traits,
    Upkeep,
    begin_anew,
    crash,
    is_done,
    keep_up,
)
from pie_deploy.errors import PlacementError


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What is written down about one deployment."""

    deployment: Deployment
    containers: tuple[Container, ...]
    """Of all its generations."""
    runtime: Runtime
    traits: Mapping[str, Traits] = field(default_factory=dict)
    """By vertex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    containers: Mapping[str, Seen] = field(default_factory=dict)
    """By id; of these and others."""
    used: Mapping[str, Amount] = field(default_factory=dict)
    """What is reserved on each node of the runtime; asked only when one is lost."""

    def of(self, container: Container) -> Seen:
        return self.containers.get(container.id, NOTHING)


def plan(desired: Desired, observed: Observed, now_ns: int) -> list[Action]:
    """What to do now, in this order."""
    if desired.deployment.gone_at_ns is not None:
        return []
    return [
        action for action in _plan(desired, observed, now_ns) if isinstance(action, Record) or _may_act(observed, action, now_ns)
    ]


def _may_act(observed: Observed, effect: Effect, now_ns: int) -> bool:
    """One effect of a container at a time, and a while after one that failed."""
    seen = observed.containers.get(effect.container_id, NOTHING)
    return not _is_held_up(seen, effect) and now_ns >= seen.retry_at_ns


def _is_held_up(seen: Seen, effect: Effect) -> bool:
    return seen.busy and not (seen.preparing and isinstance(effect, Stop | SaveGenerated | Remove))


def _plan(desired: Desired, observed: Observed, now_ns: int) -> list[Action]:
    deployment = desired.deployment
    if deployment.status != "tearing_down" and is_expired(deployment, now_ns):
        return [Record(deployment, undeployed(deployment, "expired", "its time is over", now_ns))]
    if deployment.status == "tearing_down":
        return _tear_down(desired, observed, now_ns)
    if deployment.status == "failed":
        return _stay_failed(desired, observed, now_ns)
    return _keep_going(desired, observed, now_ns)


def due_ns(desired: Desired, observed: Observed, now_ns: int) -> int | None:
    """When, after now, time alone may change the plan; None: never."""
    deployment = desired.deployment
    moments = [deployment.expires_at_ns, renewal_due_ns(deployment)]
    for container in desired.containers:
        seen = observed.of(container)
        moments += [container.retry_at_ns, seen.retry_at_ns or None]
        if container.state == "starting" and container.started_at_ns is not None:
            moments.append(container.started_at_ns + deployment.startup_timeout_ns)
    if deployment.status == "deploying" or deployment.redeploying:
        moments.append(_startup_ends_ns(deployment, desired.containers))
    return min((moment for moment in moments if moment is not None and moment > now_ns), default=None)


# --- Going -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Leaving:
    """A container that goes."""

    row: Container
    effect: Effect | None = None
    is_over: bool = False


def _tear_down(desired: Desired, observed: Observed, now_ns: int) -> list[Action]:
    leaving = [_leave(container, observed.of(container)) for container in desired.containers]
    over = all(one.is_over for one in leaving)
    after = gone(desired.deployment, now_ns) if over else replace(desired.deployment, containers_ready=0)
    return _actions(desired, after, [one.row for one in leaving], [one.effect for one in leaving])


def _stay_failed(desired: Desired, observed: Observed, now_ns: int) -> list[Action]:
    rows, effects, deleted = [], [], []
    for container in desired.containers:
        seen = observed.of(container)
        if not is_current(desired.deployment, container):
            one = _leave(container, seen)
            deleted += [container.id] if one.is_over else []
        else:
            one = _rest(container, seen)
        rows.append(one.row)
        effects.append(one.effect)
    return _actions(desired, replace(desired.deployment, containers_ready=0), rows, effects, deleted)


def _leave(row: Container, seen: Seen) -> _Leaving:
    """Stop it, save what it generated, remove it."""
    rest = _rest(row, seen)
    if rest.effect is not None or (seen.busy and not seen.preparing):
        return rest
    if not seen.removed:
        return _Leaving(rest.row, Remove(row.id) if seen.saved else SaveGenerated(row.id))
    return _Leaving(rest.row, is_over=True)


def _rest(row: Container, seen: Seen) -> _Leaving:
    """Stop it and leave everything else."""
    if _runs(seen):
        return _Leaving(replace(row, state="stopping", ready_at_ns=None), Stop(row.id))
    if seen.busy and not seen.preparing:
        return _Leaving(row)  # maybe it is just being started: what comes of it will be seen
    exit_code = row.exit_code if seen.process is None else seen.process.exit_code
    return _Leaving(replace(row, state="exited", pid=None, ready_at_ns=None, retry_at_ns=None, exit_code=exit_code))


def _runs(seen: Seen) -> bool:
    return seen.process is not None and seen.process.running


# --- Coming and staying ----------------------------------------------------------------------------------------------


def _keep_going(desired: Desired, observed: Observed, now_ns: int) -> list[Action]:
    deployment = desired.deployment
    current = [container for container in desired.containers if is_current(deployment, container)]
    kept = _keep_up_all(desired, current, observed, now_ns)
    rows = [one.row for one in kept]
    cause = next((one.cause for one in kept if one.cause is not None), None) or _timeout(deployment, current, now_ns)
    if cause is not None:
        failed = transition(deployment, "failed", cause.reason, cause.message, now_ns)
        return _actions(desired, replace(failed, containers_ready=0), rows, [])
    leaving = [_leave(row, observed.of(row)) for row in desired.containers if not is_current(deployment, row)]
    effects = [one.effect for one in leaving] + [one.effect for one in kept] + _gos(desired, rows, observed)
    deleted = [one.row.id for one in leaving if one.is_over]
    after = _next(desired, rows, now_ns)
    return _actions(desired, after, rows + [one.row for one in leaving], effects, deleted)


def _keep_up_all(desired: Desired, current: list[Container], observed: Observed, now_ns: int) -> list[Upkeep]:
    deployment, runtime = desired.deployment, desired.runtime
    lost = {node.id for node in runtime.nodes if node.lost_since_ns is not None}
    used = dict(observed.used)
    rules_of = {
        generation: Rules(
            crash_budget=runtime.crash_budget,
            crash_window_ns=runtime.crash_window_ns,
            startup_timeout_ns=deployment.startup_timeout_ns,
            without_ports=_without_ports(desired, current, generation),
        )
        for generation in {row.generation for row in current}
    }
    kept = []
    for row in current:
        traits, rules = desired.traits.get(row.vertex, Traits()), rules_of[row.generation]
        if row.node_id in lost and not is_done(row, traits):
            kept.append(_move(row, runtime, used, rules, now_ns))
        else:
            kept.append(keep_up(row, traits, observed.of(row), rules, now_ns))
    given_up = {(row.generation, row.vertex) for row, one in zip(current, kept, strict=True) if row.ports and not one.row.ports}
    return [_follow_ports(one, given_up, desired, observed) for one in kept] if given_up else kept


def _without_ports(desired: Desired, current: list[Container], generation: int) -> frozenset[str]:
    traits = desired.traits
    rows = (row for row in current if row.generation == generation and row.vertex in traits)
    return frozenset(row.vertex for row in rows if not row.ports.keys() >= set(traits[row.vertex].ports))


def _follow_ports(kept: Upkeep, given_up: AbstractSet[tuple[int, str]], desired: Desired, observed: Observed) -> Upkeep:
    """A container that was, or is just being told ports that are given up: it waits for the new ones and begins anew."""
    row = kept.row
    traits = desired.traits.get(row.vertex, Traits())
    changed = sorted(vertex for vertex in traits.refers_to if (row.generation, vertex) in given_up)
    if not changed or is_done(row, traits):
        return kept
    if row.state in STARTED or observed.of(row).busy:
        row = begin_anew(row, f"the ports of {', '.join(changed)} have changed")
    return Upkeep(row, cause=kept.cause)


def _move(row: Container, runtime: Runtime, used: dict[str, Amount], rules: Rules, now_ns: int) -> Upkeep:
    """Onto another node of the runtime, once, if there is room; that counts as a restart."""
    message = f"vertex {row.vertex}: its node {row.node_id} is lost"
    if row.rescheduled:
        return Upkeep(row, cause=Cause("node_lost", f"{message}, after it had been moved once"))
    try:
        node_id = place([Request(row.vertex, reserved(row))], _open(runtime), used, now_ns).nodes[row.vertex]
    except PlacementError as refusal:
        return Upkeep(row, cause=Cause("node_lost", f"{message}, and {refusal.message}"))
    used[node_id] = used.get(node_id, Amount()) + reserved(row)
    return crash(replace(row, node_id=node_id, rescheduled=True, ports={}), None, "its node was lost", rules, now_ns)


def _open(runtime: Runtime) -> Runtime:
    """A lock keeps new deployments out, not the containers of one that is in."""
    return replace(runtime, locked=False, draining=False, expires_at_ns=None)


def _timeout(deployment: Deployment, current: list[Container], now_ns: int) -> Cause | None:
    if deployment.status != "deploying" and not deployment.redeploying:
        return None
    if now_ns < _startup_ends_ns(deployment, current):
        return None
    late = sorted(row.vertex for row in current if row.generation == deployment.generation and row.state not in AT_LEAST_STANDBY)
    limit = format_duration(deployment.startup_timeout_ns)
    return Cause("startup_timeout", f"not everything came up within {limit}; not yet: {', '.join(late[:10]) or 'ready'}")


def _startup_ends_ns(deployment: Deployment, containers: list[Container] | tuple[Container, ...]) -> int:
    begun_ns = deployment.status_since_ns
    if deployment.redeploying:
        created = (row.created_at_ns for row in containers if row.generation == deployment.generation)
        begun_ns = min(created, default=begun_ns)
    return begun_ns + deployment.startup_timeout_ns


def _gos(desired: Desired, rows: list[Container], observed: Observed) -> list[Effect | None]:
    """Containers of the generation that serves and stand by go, but the first time only all together."""
    deployment = desired.deployment
    serving = [row for row in rows if row.generation == serving_generation(deployment)]
    if deployment.status == "deploying" and not all(_is_up(desired, row, AT_LEAST_STANDBY) for row in serving):
        return []
    return [SendGo(row.id) for row in serving if _waits_for_go(observed.of(row))]


def _waits_for_go(seen: Seen) -> bool:
    return _runs(seen) and seen.link is not None and seen.link.step == "standby" and not seen.link.went


def _is_up(desired: Desired, row: Container, states: frozenset[ContainerState]) -> bool:
    return row.state in states or is_done(row, desired.traits.get(row.vertex, Traits()))


def _next(desired: Desired, rows: list[Container], now_ns: int) -> Deployment:
    """The deployment's row, given its containers' rows."""
    deployment = desired.deployment
    coming = [row for row in rows if row.generation == deployment.generation]
    if deployment.redeploying and all(_is_up(desired, row, AT_LEAST_STANDBY) for row in coming):
        return replace(transition(deployment, "deploying", "", "", now_ns), containers_ready=0)
    serving = [row for row in rows if row.generation == serving_generation(deployment)]
    down = [row for row in serving if not _is_up(desired, row, _READY)]
    if deployment.status == "deploying" and not down:
        deployment = transition(deployment, "running", "", "", now_ns)
    deployment = replace(deployment, containers_ready=len(serving) - len(down))
    if deployment.status != "running":
        return deployment
    if down:
        vertices = ", ".join(sorted(row.vertex for row in down)[:10])
        return replace(deployment, status_reason="container_restarting", status_message=f"restarting: {vertices}")
    deployment = replace(deployment, status_reason="", status_message="")
    return replace(deployment, expires_at_ns=renewed_ns(deployment, now_ns) or deployment.expires_at_ns)


_READY: frozenset[ContainerState] = frozenset({"ready"})


# --- What comes out --------------------------------------------------------------------------------------------------


def _actions(
    desired: Desired, after: Deployment, rows: list[Container], effects: list[Effect | None], deleted: list[str] | None = None
) -> list[Action]:
    before, over = {row.id: row for row in desired.containers}, frozenset(deleted or ())
    changed = tuple((before[row.id], row) for row in rows if row != before[row.id] and row.id not in over)
    record = Record(desired.deployment, after, changed, tuple(deleted or ()))
    is_needed = after != desired.deployment or changed or deleted
    records: list[Action] = [record] if is_needed else []
    return records + [effect for effect in effects if effect is not None]
