"""`/v1/types`: the catalogue of named types."""

from litestar import Controller, get

from pie_deploy.api.messages import Items, Ref
from pie_deploy.api.provided import Actor, Services
from pie_deploy.domain.role import Permission
from pie_deploy.services.views import TypeView


class TypeRoutes(Controller):
    path = "/v1/types"

    @get(permission=Permission.READ, sync_to_thread=True)
    def list(self, services: Services, actor: Actor) -> Items[TypeView]:
        """By name."""
        return Items([*services.types.list(actor)])

    @get("/{name:str}", permission=Permission.READ, sync_to_thread=True)
    def show(self, services: Services, actor: Actor, name: Ref) -> TypeView:
        """One type."""
        return services.types.show(actor, name)
