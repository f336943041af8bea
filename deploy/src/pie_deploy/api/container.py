"""`/v1/containers`: one per vertex of a deployment, and their logs."""

from collections.abc import AsyncIterator
from typing import Annotated

from litestar import Controller, get
from litestar.concurrency import sync_to_thread
from litestar.params import QueryParameter
from litestar.response import Stream

from pie_deploy.api import streams
from pie_deploy.api.messages import Items, LimitOrNone, Ref
from pie_deploy.api.provided import Actor, Living, Services
from pie_deploy.domain.records import Container
from pie_deploy.domain.role import Permission
from pie_deploy.errors import NotFoundError
from pie_deploy.limits import API_LOG_LINES_MAX, API_REF_LENGTH_MAX, CONTAINERS_LISTED_MAX
from pie_deploy.ports.launcher import LogLine
from pie_flow.control import Pulse

Since = Annotated[
    int, QueryParameter(ge=0, le=(1 << 63) - 1, description="Only what was written after this time: nanoseconds since 1970.")
]
After = Annotated[str, QueryParameter(max_length=API_REF_LENGTH_MAX, description="Only those that come after this id.")]
Tail = Annotated[int | None, QueryParameter(ge=0, le=API_LOG_LINES_MAX, description="Only the last so many lines.")]
Follow = Annotated[bool, QueryParameter(description="Go on as long as the container lives.")]


class ContainerRoutes(Controller):
    path = "/v1/containers"

    @get(permission=Permission.READ, sync_to_thread=True)
    def list(self, services: Services, actor: Actor, after: After = "", limit: LimitOrNone = None) -> Items[Container]:
        """Of all deployments that are not gone, by id."""
        return Items([*services.containers.page(actor, after=after, limit=CONTAINERS_LISTED_MAX if limit is None else limit)])

    @get("/{container_id:str}", permission=Permission.READ, sync_to_thread=True)
    def show(self, services: Services, actor: Actor, container_id: Ref) -> Container:
        """State, restarts, exit code."""
        return services.containers.show(actor, container_id)

    @get("/{container_id:str}/pulse", permission=Permission.READ)
    async def pulse(self, services: Services, living: Living, actor: Actor, container_id: Ref) -> Pulse:
        """Its invocations so far, and the counters of its edges; a running container says them every second."""
        await sync_to_thread(services.containers.show, actor, container_id)
        pulse = living.pulse(container_id)
        if pulse is None:
            raise NotFoundError(f"container {container_id} has not said anything about its work yet")
        return pulse

    @get("/{container_id:str}/logs", permission=Permission.READ_LOGS)
    async def logs(
        self,
        services: Services,
        living: Living,
        actor: Actor,
        container_id: Ref,
        follow: Follow = False,
        since: Since = 0,
        tail: Tail = None,
    ) -> Stream:
        """What the container has written, a line each."""
        await sync_to_thread(services.containers.show, actor, container_id, Permission.READ_LOGS)
        lines = _lines(living.logs(container_id, follow=follow, since_ns=since, tail=tail))
        return streams.ndjson(lines if follow else await streams.first(lines))


async def _lines(found: AsyncIterator[LogLine]) -> AsyncIterator[bytes]:
    async for written in found:
        yield streams.line(written)
