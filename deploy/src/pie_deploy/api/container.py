"""`/v1/containers`: one per vertex of a deployment, and their logs."""

from collections.abc import AsyncIterator
from typing import Annotated

from litestar import Controller, get
from litestar.concurrency import sync_to_thread
from litestar.params import QueryParameter
from litestar.response import Stream

from pie_deploy.api import streams
from pie_deploy.api.messages import Ref
from pie_deploy.api.provided import Actor, Living, Services
from pie_deploy.domain.records import Container
from pie_deploy.errors import NotFoundError
from pie_deploy.limits import API_LOG_LINES_MAX
from pie_deploy.ports.launcher import LogLine
from pie_flow.control import Pulse

Since = Annotated[
    int, QueryParameter(ge=0, le=(1 << 63) - 1, description="Only what was written after this time: nanoseconds since 1970.")
]
Tail = Annotated[int | None, QueryParameter(ge=0, le=API_LOG_LINES_MAX, description="Only the last so many lines.")]
Follow = Annotated[bool, QueryParameter(description="Go on as long as the container lives.")]


class ContainerRoutes(Controller):
    path = "/v1/containers"

    @get("/{container_id:str}", sync_to_thread=True)
    def show(self, services: Services, actor: Actor, container_id: Ref) -> Container:
        """State, restarts, exit code."""
        return services.containers.show(actor, container_id)

    @get("/{container_id:str}/pulse")
    async def pulse(self, services: Services, living: Living, actor: Actor, container_id: Ref) -> Pulse:
        """Its invocations so far, and the counters of its edges; a running container says them every second."""
        await sync_to_thread(services.containers.show, actor, container_id)
        pulse = living.pulse(container_id)
        if pulse is None:
            raise NotFoundError(f"container {container_id} has not said anything about its work yet")
        return pulse

    @get("/{container_id:str}/logs")
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
        await sync_to_thread(services.containers.show, actor, container_id)
        lines = _lines(living.logs(container_id, follow=follow, since_ns=since, tail=tail))
        return streams.ndjson(lines if follow else await streams.first(lines))


async def _lines(found: AsyncIterator[LogLine]) -> AsyncIterator[bytes]:
    async for written in found:
        yield streams.line(written)
