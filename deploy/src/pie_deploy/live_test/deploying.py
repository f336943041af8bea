"""A test's deployment, from the wish to `running`, and its end."""

import asyncio
import time
from collections.abc import AsyncIterator

from pie_deploy.domain.duration import parse_duration
from pie_deploy.domain.records import Container, Deployment, File
from pie_deploy.errors import DeadlineError, DeployError, DeploymentFailedError, Detail
from pie_deploy.live_test.api import at
from pie_deploy.live_test.events import Event, EventLog
from pie_deploy.live_test.site import Site
from pie_deploy.services.views import EndpointView

LOOK_S = 0.2
"""Between two looks at the deployment."""
END_WAIT_S = 60.0
"""For a deployment to go: containers have a grace of seconds."""


async def deploy(site: Site, runtime: str | None, log: EventLog) -> AsyncIterator[Event]:
    """Until it runs, or has failed: `site.deployment` says which. Raises DeployError when it is rejected, DeadlineError."""
    wanted = site.test.deploy
    body = {"debug": wanted.debug, "lease": site.lease.id, "startup_timeout": wanted.timeout}
    if runtime is not None:
        body["runtime"] = runtime
    try:
        row = await asyncio.to_thread(site.api.post, at("backends", site.backend_id, "deployment"), Deployment, body)
    except DeployError as error:
        reasons = [{"code": one.code, "message": one.message, "subject": one.subject} for one in error.details]
        yield log.event("deploy.rejected", code=error.code, message=error.message, details=reasons)
        raise
    yield log.event("deploy.started", deployment=row.id, runtime=row.runtime_id, containers=row.containers)
    until_s = time.monotonic() + parse_duration(wanted.timeout) / 1e9 + END_WAIT_S  # the platform's own timeout comes first
    while True:
        row, changed = await asyncio.to_thread(_look, site, row.id)
        site.deployment = row
        for container in changed:
            yield _container_event(container, log)
        if row.status != "deploying" or row.gone_at_ns is not None:
            break
        if time.monotonic() > until_s:
            raise DeadlineError(f"{row.id} is still {row.status}")
        await asyncio.sleep(LOOK_S)
    yield await asyncio.to_thread(_outcome, site, row, log)


def _look(site: Site, deployment_id: str) -> tuple[Deployment, list[Container]]:
    """The deployment now, and the containers that have got further."""
    row = site.api.get(at("deployments", deployment_id), Deployment)
    changed = []
    for container in site.api.items(at("deployments", deployment_id, "containers"), Container):
        known = site.containers.get(container.vertex)
        if known is None or (known.state, known.restarts) != (container.state, container.restarts):
            changed.append(container)
        site.containers[container.vertex] = container
    return row, changed


def _container_event(container: Container, log: EventLog) -> Event:
    fields = {"container": container.id, "vertex": container.vertex, "state": container.state, "restarts": container.restarts}
    ending = {} if container.exit_code is None else {"exit_code": container.exit_code, "error": container.last_error}
    return log.event("deploy.container", **fields, **ending)


def _outcome(site: Site, row: Deployment, log: EventLog) -> Event:
    if row.status == "running":
        endpoints = site.api.items(at("backends", site.backend_id, "endpoints"), EndpointView)
        site.endpoints = {endpoint.role: endpoint for endpoint in endpoints}
        urls = {endpoint.role: endpoint.url for endpoint in endpoints}
        return log.event("deploy.running", deployment=row.id, endpoints=urls)
    return log.event("deploy.failed", deployment=row.id, status=row.status, reason=row.status_reason, message=row.status_message)


def failure(site: Site) -> DeploymentFailedError:
    """Of a deployment that does not run."""
    row = site.deployment
    assert row is not None, "it was waited for"
    reason = f" ({row.status_reason})" if row.status_reason else ""
    ended = [one for one in site.containers.values() if one.last_error]
    details = [Detail(code="container", message=f"{one.vertex}: {one.last_error}", subject=one.vertex) for one in ended]
    return DeploymentFailedError(f"{row.id} is {row.status}{reason}: {row.status_message}", details)


async def end(site: Site) -> None:
    """Undeploy, so that generated files are saved, and learn which there are. Raises DeployError."""
    assert site.deployment is not None, "there is nothing to end before it has run"
    deployment_id = site.deployment.id
    for stream in site.streams.values():
        await stream.close()
    row = await asyncio.to_thread(site.api.delete, at("deployments", deployment_id), Deployment)
    until_s = time.monotonic() + END_WAIT_S
    while row.gone_at_ns is None:
        if time.monotonic() > until_s:
            raise DeadlineError(f"{deployment_id} does not go within {END_WAIT_S:g} s")
        await asyncio.sleep(LOOK_S)
        row = await asyncio.to_thread(site.api.get, at("deployments", deployment_id), Deployment)
    site.is_over = True
    for file in await asyncio.to_thread(site.api.items, at("files"), File):
        origin, _, slot = (file.generated_by or "").rpartition("/")
        if origin.startswith(f"{deployment_id}/"):
            site.generated.setdefault((origin.removeprefix(f"{deployment_id}/"), slot), file)
