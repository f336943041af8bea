"""Tells the gateway what has changed about where tokens lead, and nothing twice."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pie_deploy.controller.facts import Facts
from pie_deploy.controller.routing import routes_of
from pie_deploy.controller.snapshot import Snapshot
from pie_deploy.domain.plan import Desired
from pie_deploy.ports.routes import BackendRoutes, Routes


@dataclass(frozen=True, slots=True)
class _Published:
    facts: Facts
    desired: Desired | None
    routes: BackendRoutes


class Publisher:
    def __init__(self, routes: Routes, run: Path) -> None:
        """run: folder of the sockets."""
        self._routes = routes
        self._run = run
        self._published: dict[str, _Published] = {}

    def publish(self, snapshot: Snapshot) -> None:
        for backend_id, facts in snapshot.facts.items():
            self._publish(facts, snapshot.by_backend.get(backend_id))
        for backend_id in [known for known in self._published if known not in snapshot.backends]:
            del self._published[backend_id]
            self._routes.withdraw(backend_id)

    def now(self) -> Iterable[BackendRoutes]:
        """What the gateway knows."""
        return [published.routes for published in self._published.values()]

    def _publish(self, facts: Facts, desired: Desired | None) -> None:
        last = self._published.get(facts.backend_id)
        if last is not None and last.facts is facts and last.desired is desired:
            return
        deployment, containers = (None, ()) if desired is None else (desired.deployment, desired.containers)
        routes = routes_of(facts, deployment, containers, self._run)
        if last is None or last.routes != routes:
            self._routes.publish(routes)
        self._published[facts.backend_id] = _Published(facts, desired, routes)
