"""Which forwarding token leads where, right now. Pure.

A token is a secret: it is looked up by its hash, so that neither the time that takes nor a log line tells anything about tokens
that exist.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from pie_deploy.ports.routes import BackendRoutes, Link, Port, Route

FINGERPRINT_LENGTH = 12


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What a token stands for."""

    fingerprint: str
    """Of the token: what logs may say."""
    backend_id: str
    deployment_status: str | None
    route: Route

    @property
    def is_running(self) -> bool:
        return self.route.state == "running" and self.route.upstream is not None


@dataclass(frozen=True, slots=True)
class Change:
    """What a publication means for who is connected."""

    gone: frozenset[bytes]
    """Digests of tokens that led to a container and no longer lead to that one."""
    links: frozenset[Link]
    """All that the backend has now."""


_NO_LINKS: frozenset[Link] = frozenset()


class RoutingTable:
    def __init__(self) -> None:
        self._targets: dict[bytes, Target] = {}
        self._digests: dict[str, frozenset[bytes]] = {}
        """Of each backend's tokens."""
        self._statuses: dict[str, str | None] = {}

    def __len__(self) -> int:
        return len(self._targets)

    def find(self, digest: bytes) -> Target | None:
        return self._targets.get(digest)

    def deployment_status(self, backend_id: str) -> str | None:
        """What was published last; None: no deployment."""
        return self._statuses.get(backend_id)

    def publish(self, routes: BackendRoutes) -> Change:
        """Replace what is known of a backend."""
        self._statuses[routes.backend_id] = routes.deployment_status
        targets = {digest(token): _target(token, route, routes) for token, route in routes.routes.items()}
        gone = self._replace(routes.backend_id, targets)
        in_routes = {route.upstream for route in routes.routes.values() if isinstance(route.upstream, Link)}
        return Change(gone, frozenset(routes.links) | in_routes)

    def withdraw(self, backend_id: str) -> Change:
        gone = self._replace(backend_id, {})
        del self._digests[backend_id]
        self._statuses.pop(backend_id, None)
        return Change(gone, _NO_LINKS)

    def _replace(self, backend_id: str, targets: Mapping[bytes, Target]) -> frozenset[bytes]:
        before = {key: self._targets.pop(key) for key in self._digests.get(backend_id, frozenset())}
        self._targets.update(targets)
        self._digests[backend_id] = frozenset(targets)
        return frozenset(key for key, target in before.items() if _upstream(target) not in (None, _upstream(targets.get(key))))


def digest(token: str | bytes) -> bytes:
    return hashlib.sha256(token.encode() if isinstance(token, str) else token).digest()


def fingerprint(digest_: bytes) -> str:
    return digest_.hex()[:FINGERPRINT_LENGTH]


def _target(token: str, route: Route, routes: BackendRoutes) -> Target:
    return Target(fingerprint(digest(token)), routes.backend_id, routes.deployment_status, route)


def _upstream(target: Target | None) -> Link | Port | None:
    return target.route.upstream if target is not None and target.is_running else None
