"""`/v1/deployments`: what runs."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Annotated

from litestar import Controller, delete, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import HeaderParameter, JSONBody, QueryParameter
from litestar.response import Stream

from pie_deploy.api import streams
from pie_deploy.api.messages import Items, Redeploy, Ref, Seq, Status, WaitFor
from pie_deploy.api.provided import Actor, Routed, Services
from pie_deploy.domain.duration import parse_duration
from pie_deploy.domain.records import Container, Deployment, Event
from pie_deploy.domain.role import Permission
from pie_deploy.errors import InvalidArgumentError
from pie_deploy.limits import API_EVENTS_AT_ONCE, API_ROUTED_LOOK_S, API_ROUTED_S, API_SEQ_MAX, API_WAIT_MAX_S

LastEventId = Annotated[int | None, HeaderParameter(name="last-event-id", ge=0, le=API_SEQ_MAX, description="Goes on after it.")]
All = Annotated[bool, QueryParameter(name="all", description="Also those that are gone.")]

Within = Annotated[str, QueryParameter(name="timeout", max_length=64, description="How long to wait, such as 90s or 5m.")]


class DeploymentRoutes(Controller):
    path = "/v1/deployments"

    @get(permission=Permission.READ, sync_to_thread=True)
    def list(self, services: Services, actor: Actor, gone: All = False) -> Items[Deployment]:
        """Newest first."""
        return Items([*services.deployments.list(actor, gone=gone)])

    @get("/{ref:str}", permission=Permission.READ)
    async def show(self, services: Services, routed: Routed, actor: Actor, ref: Ref) -> Deployment:
        """By its id, or its backend's id or name."""
        row = await sync_to_thread(services.deployments.show, actor, ref)
        await _until_answering(routed, row)
        return row

    @post("/{ref:str}/redeploy", permission=Permission.DEPLOY, status_code=202, sync_to_thread=True)
    def redeploy(self, services: Services, actor: Actor, ref: Ref, data: JSONBody[Redeploy | None] = None) -> Deployment:
        """Fresh containers of the backend as it is now; id and URLs stay."""
        asked = data or Redeploy()
        return services.deployments.redeploy(actor, ref, runtime=asked.runtime, debug=asked.debug)

    @delete("/{ref:str}", permission=Permission.DEPLOY, status_code=202)
    async def undeploy(self, services: Services, routed: Routed, actor: Actor, ref: Ref) -> Deployment:
        """Begin to tear it down; when this is answered, its URLs are 404."""
        row = await sync_to_thread(services.deployments.undeploy, actor, ref)
        await _until_routed(lambda: routed.deployment_status(row.backend_id) != "running")
        return row

    @get("/{ref:str}/containers", permission=Permission.READ, sync_to_thread=True)
    def containers(self, services: Services, actor: Actor, ref: Ref) -> Items[Container]:
        """One per vertex."""
        return Items([*services.containers.list(actor, ref)])

    @get("/{ref:str}/events", permission=Permission.READ)
    async def events(self, services: Services, actor: Actor, ref: Ref, after: Seq = 0, last_event_id: LastEventId = None) -> Stream:
        """What happens to it, as server-sent events, until it is gone."""
        row = await sync_to_thread(services.deployments.show, actor, ref)
        return streams.server_sent(_events(services, actor, row.id, max(after, last_event_id or 0)))

    @get("/{ref:str}/wait", permission=Permission.READ)
    async def wait(
        self, services: Services, routed: Routed, actor: Actor, ref: Ref, status: WaitFor = "running", within: Within = "5m"
    ) -> Stream:
        """The row now and at every change, a line each, until it has the status, or can no longer get it, or time is over. Once it
        is told that it runs, its URLs answer.
        """
        timeout_s = parse_duration(within) / 1e9
        if not 0 <= timeout_s <= API_WAIT_MAX_S:
            raise InvalidArgumentError(f"timeout is at most {API_WAIT_MAX_S} s")
        row = await sync_to_thread(services.deployments.show, actor, ref)
        return streams.ndjson(_changes(services, routed, actor, row, status, timeout_s))


async def _events(services: Services, actor: Actor, deployment_id: str, after: int) -> AsyncIterator[bytes]:
    pinging = streams.Pinging(asyncio.get_running_loop().time)

    def look() -> tuple[bool, Sequence[Event]]:
        # In this order: what happened before it was gone is not missed.
        gone = services.deployments.show(actor, deployment_id).gone_at_ns is not None
        return gone, services.deployments.events(actor, deployment_id, after=after, limit=API_EVENTS_AT_ONCE)

    async for gone, found in streams.looking(services.wakeup, look):
        rows = found
        while rows:
            for row in rows:
                yield streams.event(row.seq, row.type, row)
                after = row.seq
            pinging.said()
            _, rows = await sync_to_thread(look)
        if gone:
            return
        if pinging.is_due:
            yield streams.PING
            pinging.said()


async def _until_routed(holds: Callable[[], bool]) -> None:
    """Wait, but not for long, until the gateway goes by what is recorded: the controller tells it a moment later."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + API_ROUTED_S
    while not holds() and loop.time() < until_s:  # noqa: ASYNC110 - the gateway tells nobody, it is only asked now
        await asyncio.sleep(API_ROUTED_LOOK_S)


async def _until_answering(routed: Routed, row: Deployment) -> None:
    """Nobody is told that it runs before its URLs answer."""
    if row.status == "running" and row.gone_at_ns is None:
        await _until_routed(lambda: routed.deployment_status(row.backend_id) == "running")


async def _changes(
    services: Services, routed: Routed, actor: Actor, deployment: Deployment, status: Status, timeout_s: float
) -> AsyncIterator[bytes]:
    said: Deployment | None = None
    until_s = asyncio.get_running_loop().time() + timeout_s

    def look() -> Deployment:
        return services.deployments.show(actor, deployment.id)

    async for row in streams.looking(services.wakeup, look, until_s=until_s):
        await _until_answering(routed, row)
        if row != said:
            yield streams.line(row)
            said = row
        if is_settled(row, status):
            return


def is_settled(row: Deployment, status: Status) -> bool:
    """Whether it has come to the status, or will not without somebody's doing."""
    if row.gone_at_ns is not None:
        return True
    if row.status == status:
        return not (status == "running" and row.redeploying)
    if status == "gone":
        return False
    return row.status in ("failed", "tearing_down")
