"""`/v1/components`: versions of components."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.params import QueryParameter, RawBody
from litestar.response import File as FileResponse

from pie_deploy.api.messages import Items, Ref
from pie_deploy.api.provided import Actor, Services
from pie_deploy.domain.records import ComponentVersion
from pie_deploy.domain.role import Permission
from pie_deploy.limits import ARCHIVE_BYTES_MAX

OfName = Annotated[str | None, QueryParameter(name="name", max_length=255, description="Only versions of this component.")]
OfLease = Annotated[str | None, QueryParameter(name="lease", max_length=64, description="The lease that shall own it.")]
ARCHIVE = "application/gzip"


class ComponentRoutes(Controller):
    path = "/v1/components"

    @get(permission=Permission.READ, sync_to_thread=True)
    def list(self, services: Services, actor: Actor, name: OfName = None) -> Items[ComponentVersion]:
        """All that you may see, newest version first."""
        return Items([*services.components.list(actor, name)])

    @post(permission=Permission.PUBLISH, request_max_body_size=ARCHIVE_BYTES_MAX, sync_to_thread=True)
    def publish(self, services: Services, actor: Actor, body: RawBody, lease: OfLease = None) -> ComponentVersion:
        """Make a prerelease of a component's folder: the body is its `.tar.gz`."""
        return services.components.publish(actor, body, lease)

    @get("/{ref:str}", permission=Permission.READ, sync_to_thread=True)
    def show(self, services: Services, actor: Actor, ref: Ref) -> ComponentVersion:
        """By id, `name@version`, or name."""
        return services.components.show(actor, ref)

    @post("/{ref:str}/promote", permission=Permission.RELEASE, status_code=200, sync_to_thread=True)
    def promote(self, services: Services, actor: Actor, ref: Ref) -> ComponentVersion:
        """Release it, for everybody."""
        return services.components.promote(actor, ref)

    @get("/{ref:str}/archive", permission=Permission.READ_CONTENTS, media_type=ARCHIVE, sync_to_thread=True)
    def archive(self, services: Services, actor: Actor, ref: Ref) -> FileResponse:
        """Its `.tar.gz`."""
        row = services.components.show(actor, ref)
        name = f"{row.name}-{row.version}.tar.gz"
        return FileResponse(services.components.archive(actor, row.id), filename=name, media_type=ARCHIVE)
