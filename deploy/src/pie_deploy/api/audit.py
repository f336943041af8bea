"""`/v1/audit`: what happened, and who did it."""

from litestar import Controller, get

from pie_deploy.api.messages import Items, Limit, RefOrNone, Seq
from pie_deploy.api.provided import Actor, Services
from pie_deploy.domain.records import Event
from pie_deploy.domain.role import Permission


class AuditRoutes(Controller):
    path = "/v1/audit"

    @get(permission=Permission.READ_AUDIT, sync_to_thread=True)
    def list(
        self,
        services: Services,
        actor: Actor,
        after: Seq = 0,
        backend: RefOrNone = None,
        deployment: RefOrNone = None,
        lease: RefOrNone = None,
        limit: Limit = 1000,
    ) -> Items[Event]:
        """Oldest first."""
        found = services.audit.list(actor, after=after, backend=backend, deployment=deployment, lease=lease, limit=limit)
        return Items([*found])
