"""`/v1/leases`: scopes over what is created in them."""

from typing import Annotated, Any

from litestar import Controller, get, post
from litestar.params import JSONBody, QueryParameter

from pie_deploy.api.messages import CreateLease, Items, PromoteFromLease, Ref
from pie_deploy.api.provided import Actor, Services
from pie_deploy.domain.records import Lease
from pie_deploy.domain.role import Permission
from pie_deploy.services.views import LeaseView

All = Annotated[bool, QueryParameter(name="all", description="Also those that are closed.")]


class LeaseRoutes(Controller):
    path = "/v1/leases"

    @get(permission=Permission.READ, sync_to_thread=True)
    def list(self, services: Services, actor: Actor, closed: All = False) -> Items[Lease]:
        """Newest first."""
        return Items([*services.leases.list(actor, closed=closed)])

    @post(permission=Permission.LEASE, sync_to_thread=True)
    def create(self, services: Services, actor: Actor, data: JSONBody[CreateLease]) -> Lease:
        """Open a lease."""
        return services.leases.create(actor, runtime=data.runtime, ttl=data.ttl, label=data.label)

    @get("/{lease_id:str}", permission=Permission.READ, sync_to_thread=True)
    def show(self, services: Services, actor: Actor, lease_id: Ref) -> LeaseView:
        """With everything that it owns."""
        return services.leases.show(actor, lease_id)

    @post("/{lease_id:str}/heartbeat", permission=Permission.LEASE, status_code=200, sync_to_thread=True)
    def heartbeat(self, services: Services, actor: Actor, lease_id: Ref) -> Lease:
        """Somebody still cares."""
        return services.leases.heartbeat(actor, lease_id)

    @post("/{lease_id:str}/promote", permission=Permission.KEEP, status_code=200, sync_to_thread=True)
    def promote(self, services: Services, actor: Actor, lease_id: Ref, data: JSONBody[PromoteFromLease]) -> LeaseView:
        """Move resources to the workspace, for good."""
        return services.leases.promote(actor, lease_id, data.resources, with_deps=data.with_deps)

    @post("/{lease_id:str}/commit", permission=Permission.KEEP, status_code=200, sync_to_thread=True)
    def commit(self, services: Services, actor: Actor, lease_id: Ref) -> Lease:
        """Keep everything but the deployment."""
        return services.leases.commit(actor, lease_id)

    @post("/{lease_id:str}/rollback", permission=Permission.LEASE, status_code=200, sync_to_thread=True)
    def rollback(self, services: Services, actor: Actor, lease_id: Ref) -> Lease:
        """Discard everything."""
        return services.leases.rollback(actor, lease_id)

    @post("/{lease_id:str}/result", permission=Permission.LEASE, status_code=200, sync_to_thread=True)
    def result(self, services: Services, actor: Actor, lease_id: Ref, data: JSONBody[dict[str, Any]]) -> Lease:
        """Attach a verdict."""
        return services.leases.set_result(actor, lease_id, data)
