"""Leases: scopes over what is created in them. Committing keeps it, rolling back discards it; a lease that nobody keeps alive rolls
back by itself. Its deployment is reclaimed either way.
"""

from collections.abc import Mapping, Sequence

from pie_deploy.domain.records import Lease
from pie_deploy.services.actor import Actor
from pie_deploy.services.views import LeaseView


class Leases:
    """Only the lease's owner may use, prolong or close it."""

    def create(self, actor: Actor, *, runtime: str | None = None, ttl: str | None = None, label: str = "") -> Lease:
        """Open a lease. runtime: the only one that its deployment may land on. ttl: the longest time without a heartbeat, a Go
        duration.

        Raises InvalidArgumentError, NotFoundError.
        """
        raise NotImplementedError

    def show(self, actor: Actor, lease_id: str) -> LeaseView:
        """With everything that it owns. Raises NotFoundError."""
        raise NotImplementedError

    def list(self, actor: Actor, *, closed: bool = False) -> Sequence[Lease]:
        """Those that are not closed, newest first; with `closed` all."""
        raise NotImplementedError

    def heartbeat(self, actor: Actor, lease_id: str) -> Lease:
        """Somebody still cares. Raises LeaseClosedError."""
        raise NotImplementedError

    def promote(self, actor: Actor, lease_id: str, resources: Sequence[str], *, with_deps: bool = False) -> LeaseView:
        """Move resources (ids, or names of backends and files, `name@version`) to the workspace, for good.

        What a promoted backend refers to must come along: `with_deps` takes it, else LeaseOwnershipError lists it. A deployment
        cannot be promoted (LeaseOwnershipError). Raises LeaseClosedError, NotFoundError.
        """
        raise NotImplementedError

    def commit(self, actor: Actor, lease_id: str) -> Lease:
        """Keep everything but the deployment. Closed at once, or `committing` until the deployment is gone. The same close again is
        answered as it is; the opposite one raises LeaseClosedError.
        """
        raise NotImplementedError

    def rollback(self, actor: Actor, lease_id: str) -> Lease:
        """Discard everything: deployments, then backends, files, prereleases. Closed at once, or `rolling_back` until the
        deployment is gone. The same close again is answered as it is; the opposite one raises LeaseClosedError.
        """
        raise NotImplementedError

    def set_result(self, actor: Actor, lease_id: str, result: Mapping[str, object]) -> Lease:
        """Attach a verdict, also after the close."""
        raise NotImplementedError

    def settle(self) -> bool:
        """Roll back leases whose time is over and finish those whose deployments are gone; idempotent, to be called now and
        then and after a deployment has gone. Returns whether anything changed.
        """
        raise NotImplementedError
