"""Asks the planner about every deployment of which something is new, and remembers which are settled."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pie_deploy.controller.effects import Effects
from pie_deploy.controller.links import Links
from pie_deploy.controller.lookout import Lookout
from pie_deploy.controller.snapshot import Snapshot
from pie_deploy.domain.actions import Action, Effect, Record, Remove, Stop
from pie_deploy.domain.observation import Seen
from pie_deploy.domain.placement import Amount, in_use, reserved
from pie_deploy.domain.plan import Desired, Observed, due_ns, plan
from pie_deploy.domain.records import Runtime


@dataclass(frozen=True, slots=True)
class _Settled:
    """A deployment's last look: nothing to do until something of it changes or the time comes."""

    desired: Desired
    seen: tuple[Seen, ...]
    due_ns: int | None


class Planning:
    def __init__(self, lookout: Lookout, links: Links, effects: Effects) -> None:
        self._lookout = lookout
        self._links = links
        self._effects = effects
        self._settled: dict[str, _Settled] = {}
        self.planned = 0
        """Plans that were asked for so far."""

    def plan(self, snapshot: Snapshot, now_ns: int) -> list[Action]:
        """What to do now about all deployments, and about what belongs to none."""
        self._settled = {key: settled for key, settled in self._settled.items() if key in snapshot.desired}
        actions: list[Action] = []
        used: dict[str, Amount] | None = None
        for desired in snapshot.desired.values():
            seen = tuple(self._seen(container.id) for container in desired.containers)
            if self._is_settled(desired, seen, now_ns) or self._is_blind(snapshot, desired):
                continue
            if used is None and _has_lost_node(desired.runtime):
                used = in_use(snapshot.containers.values())
            planned = self._plan(desired, seen, used or {}, now_ns)
            if used is not None:
                _add_moves(used, planned)
            actions += planned
        return [*actions, *self._strays(snapshot, now_ns)]

    def due_ns(self) -> Iterable[int]:
        """When time alone may give something to do."""
        return [settled.due_ns for settled in self._settled.values() if settled.due_ns is not None]

    def _plan(self, desired: Desired, seen: tuple[Seen, ...], used: dict[str, Amount], now_ns: int) -> list[Action]:
        by_id = {container.id: one for container, one in zip(desired.containers, seen, strict=True)}
        observed = Observed(containers=by_id, used=used)
        planned = plan(desired, observed, now_ns)
        self.planned += 1
        if not planned:
            self._settled[desired.deployment.id] = _Settled(desired, seen, due_ns(desired, observed, now_ns))
        return planned

    def _seen(self, container_id: str) -> Seen:
        return self._effects.seen(container_id, self._lookout.processes.get(container_id), self._links.of(container_id))

    def _is_settled(self, desired: Desired, seen: tuple[Seen, ...], now_ns: int) -> bool:
        last = self._settled.get(desired.deployment.id)
        if last is None or last.desired is not desired or (last.due_ns is not None and now_ns >= last.due_ns):
            return False
        return last.seen == seen

    def _is_blind(self, snapshot: Snapshot, desired: Desired) -> bool:
        found = (snapshot.runtime_of(container) for container in desired.containers)
        return self._lookout.is_blind_to(runtime for runtime in (desired.runtime, *found) if runtime is not None)

    def _strays(self, snapshot: Snapshot, now_ns: int) -> Iterator[Effect]:
        """What runs and belongs to nothing that is written down."""
        for container_id, process in self._lookout.strays(snapshot.containers):
            seen = self._seen(container_id)
            if not seen.busy and now_ns >= seen.retry_at_ns:
                yield Stop(container_id) if process.running else Remove(container_id)


def _has_lost_node(runtime: Runtime) -> bool:
    return any(node.lost_since_ns is not None for node in runtime.nodes)


def _add_moves(used: dict[str, Amount], actions: Sequence[Action]) -> None:
    """Containers that a plan puts onto other nodes: the next plan of this step must not give the same room away again."""
    for action in actions:
        if isinstance(action, Record):
            for before, after in action.containers:
                if before.node_id != after.node_id:
                    used[after.node_id] = used.get(after.node_id, Amount()) + reserved(after)
