"""`/v1/runtimes`: pools of machines."""

from litestar import Controller, get, post
from litestar.params import JSONBody

from pie_deploy.api.messages import CreateRuntime, Items, Ref
from pie_deploy.api.provided import Actor, Services
from pie_deploy.domain.records import Runtime
from pie_deploy.domain.role import Permission
from pie_deploy.services.views import NodeLoad


class RuntimeRoutes(Controller):
    path = "/v1/runtimes"

    @get(permission=Permission.READ, sync_to_thread=True)
    def list(self, services: Services, actor: Actor) -> Items[Runtime]:
        """By name."""
        return Items([*services.runtimes.list(actor)])

    @post(permission=Permission.CREATE_RUNTIMES, sync_to_thread=True)
    def create(self, services: Services, actor: Actor, data: JSONBody[CreateRuntime]) -> Runtime:
        """Make a runtime of machines."""
        return services.runtimes.create(
            actor,
            data.name,
            launcher=data.launcher,
            labels=data.labels,
            nodes=data.nodes,
            ceiling=data.ceiling,
            expires=data.expires,
            crash_budget=data.crash_budget,
            crash_window=data.crash_window,
        )

    @get("/{ref:str}", permission=Permission.READ, sync_to_thread=True)
    def show(self, services: Services, actor: Actor, ref: Ref) -> Runtime:
        """One runtime."""
        return services.runtimes.show(actor, ref)

    @get("/{ref:str}/load", permission=Permission.READ, sync_to_thread=True)
    def load(self, services: Services, actor: Actor, ref: Ref) -> Items[NodeLoad]:
        """What its nodes have, and what is reserved on them."""
        return Items([*services.runtimes.load(actor, ref)])

    @post("/{ref:str}/lock", permission=Permission.OPERATE, status_code=200, sync_to_thread=True)
    def lock(self, services: Services, actor: Actor, ref: Ref) -> Runtime:
        """No new deployments; those that run go on."""
        return services.runtimes.lock(actor, ref)

    @post("/{ref:str}/unlock", permission=Permission.OPERATE, status_code=200, sync_to_thread=True)
    def unlock(self, services: Services, actor: Actor, ref: Ref) -> Runtime:
        """Takes new deployments again."""
        return services.runtimes.unlock(actor, ref)

    @post("/{ref:str}/drain", permission=Permission.OPERATE, status_code=200, sync_to_thread=True)
    def drain(self, services: Services, actor: Actor, ref: Ref) -> Runtime:
        """No new deployments, and those that run are torn down."""
        return services.runtimes.drain(actor, ref)

    @post("/{ref:str}/undrain", permission=Permission.OPERATE, status_code=200, sync_to_thread=True)
    def undrain(self, services: Services, actor: Actor, ref: Ref) -> Runtime:
        """Takes new deployments again; what was torn down stays down."""
        return services.runtimes.undrain(actor, ref)
