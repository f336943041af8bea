"""`/v1/backends`: typed graphs and their logs."""

from typing import Annotated

from litestar import Controller, Response, delete, get, post
from litestar.exceptions import ValidationException
from litestar.params import HeaderParameter, JSONBody

from pie_deploy.api.messages import (
    AppendOperations,
    Apply,
    CreateBackend,
    Deploy,
    Fork,
    Items,
    LimitOrNone,
    NamedItems,
    OtherRef,
    Ref,
    RefOrNone,
    Seq,
    Undo,
)
from pie_deploy.api.provided import Actor, Services
from pie_deploy.domain.document import GraphDocument
from pie_deploy.domain.operations import Operation, OperationRecord
from pie_deploy.domain.records import Backend, Deployment
from pie_deploy.domain.role import Permission
from pie_deploy.limits import API_BODY_BYTES_MAX, API_SEQ_MAX
from pie_deploy.services.views import Appended, AppliedDocument, BackendView, EndpointView

IfMatch = Annotated[
    str | None, HeaderParameter(name="if-match", max_length=40, description="The log's head as the caller knows it: its last seq.")
]


class BackendRoutes(Controller):
    path = "/v1/backends"
    request_max_body_size = API_BODY_BYTES_MAX

    @post(permission=Permission.EDIT, sync_to_thread=True)
    def create(self, services: Services, actor: Actor, data: JSONBody[CreateBackend]) -> Backend:
        """Make a backend without vertices."""
        return services.backends.create(actor, data.name, data.lease)

    @get(permission=Permission.READ, sync_to_thread=True)
    def list(self, services: Services, actor: Actor) -> Items[Backend]:
        """All backends, by name."""
        return Items([*services.backends.list(actor)])

    @get("/{ref:str}", permission=Permission.READ, sync_to_thread=True)
    def show(self, services: Services, actor: Actor, ref: Ref) -> Response[BackendView]:
        """The graph, with resolved types and what it lacks for a deployment. `ETag` is what `If-Match` compares."""
        view = services.backends.show(actor, ref)
        return Response(view, headers={"etag": f'"{view.backend.head}"'})

    @delete("/{ref:str}", permission=Permission.EDIT, status_code=204, sync_to_thread=True)
    def delete(self, services: Services, actor: Actor, ref: Ref) -> None:
        """Retire its URLs and archive its log; refused while it is deployed."""
        services.backends.delete(actor, ref)

    @post("/{ref:str}/operations", permission=Permission.EDIT, sync_to_thread=True)
    def append(
        self, services: Services, actor: Actor, ref: Ref, data: JSONBody[AppendOperations], if_match: IfMatch = None
    ) -> Appended:
        """Change the graph: all operations land, or none."""
        return services.backends.append(actor, ref, data.operations, if_match=_seq(if_match), bridge=data.bridge)

    @get("/{ref:str}/operations", permission=Permission.READ, sync_to_thread=True)
    def operations(
        self, services: Services, actor: Actor, ref: Ref, after: Seq = 0, limit: LimitOrNone = None, vertex: RefOrNone = None
    ) -> NamedItems[OperationRecord]:
        """The log, oldest first."""
        records = services.backends.operations(actor, ref, after=after, limit=limit, vertex=vertex)
        return NamedItems([*records], services.backends.names(actor, (record.operation for record in records)))

    @post("/{ref:str}/undo", permission=Permission.EDIT, sync_to_thread=True)
    def undo(self, services: Services, actor: Actor, ref: Ref, data: JSONBody[Undo]) -> Appended:
        """Take back the last operations by appending their inverses."""
        return services.backends.undo(actor, ref, data.count)

    @post("/{ref:str}/compact", permission=Permission.EDIT, status_code=200, sync_to_thread=True)
    def compact(self, services: Services, actor: Actor, ref: Ref) -> Backend:
        """Rewrite the log to the shortest that gives the same graph."""
        return services.backends.compact(actor, ref)

    @post("/{ref:str}/fork", permission=Permission.EDIT, sync_to_thread=True)
    def fork(self, services: Services, actor: Actor, ref: Ref, data: JSONBody[Fork]) -> Backend:
        """Make a backend of its own that begins with this graph."""
        return services.backends.fork(actor, ref, data.name, at=data.at, lease=data.lease)

    @get("/{ref:str}/endpoints", permission=Permission.READ_URLS, sync_to_thread=True)
    def endpoints(self, services: Services, actor: Actor, ref: Ref) -> Items[EndpointView]:
        """The published endpoints and their URLs, by role."""
        return Items([*services.backends.endpoints(actor, ref)])

    @post("/{ref:str}/apply", permission=Permission.EDIT, status_code=200, sync_to_thread=True)
    def apply(self, services: Services, actor: Actor, ref: Ref, data: JSONBody[Apply]) -> AppliedDocument:
        """Make the graph what a document says; a backend that does not exist is made."""
        return services.backends.apply(actor, ref, data.document, dry_run=data.dry_run, lease=data.lease)

    @get("/{ref:str}/export", permission=Permission.READ, sync_to_thread=True)
    def export(self, services: Services, actor: Actor, ref: Ref) -> GraphDocument:
        """The graph as a document."""
        return services.backends.export(actor, ref)

    @get("/{ref:str}/diff", permission=Permission.READ, sync_to_thread=True)
    def diff(self, services: Services, actor: Actor, ref: Ref, other: OtherRef) -> NamedItems[Operation]:
        """What would make this graph that of another backend."""
        operations = services.backends.diff(actor, ref, other)
        return NamedItems([*operations], services.backends.names(actor, operations))

    @post("/{ref:str}/deployment", permission=Permission.DEPLOY, status_code=202, sync_to_thread=True)
    def deploy(self, services: Services, actor: Actor, ref: Ref, data: JSONBody[Deploy | None] = None) -> Deployment:
        """Deploy it, or say everything that is against it."""
        asked = data or Deploy()
        return services.deployments.deploy(
            actor,
            ref,
            runtime=asked.runtime,
            debug=asked.debug,
            fixed_duration=asked.fixed_duration,
            startup_timeout=asked.startup_timeout,
            lease=asked.lease,
        )


def _seq(if_match: str | None) -> int | None:
    """Of the header, with or without the quotes of an entity tag."""
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().strip('"')
    if not (text.isascii() and text.isdecimal()) or int(text) > API_SEQ_MAX:
        raise ValidationException("If-Match is the seq of the log's head")
    return int(text)
