"""Requests that are in the middle of a graph when its containers are told to end, with real processes."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from launcher_worlds import PATIENCE_S, NoEnvironments
from platform_fakes import config_for_tests
from platform_world import component_archive

from pie_deploy.app import Platform
from pie_deploy.config import Home
from pie_deploy.domain.operations import AddVertex, ChangeEndpointAlias, Connect, Input, Output
from pie_deploy.launchers.process import ProcessLauncher
from pie_deploy.services.actor import PLATFORM

pytestmark = pytest.mark.slow

SLOW = """
name: slow
language: py
worker: {input_types: [String], output_types: [String], resources: {cpu: 0.1, memory: 128MiB}}
http:
  ask: {direction: ingress, transports: [http], type: String, into: 0, respond: tell}
"""
SLOW_CODE = b"""
import time
from pie_component import run
def slow(text):
    time.sleep(0.4)
    return text
run(slow)
"""
LOUD = """
name: loud
language: py
worker: {input_types: [String], output_types: [String], resources: {cpu: 0.1, memory: 128MiB}}
http:
  tell: {direction: egress, transports: [http], type: String, of: 0}
"""
LOUD_CODE = b"from pie_component import run\nrun(str.upper)\n"
REQUESTS = 6
"""Together they take less than a container has for its end."""


@pytest.fixture
async def platform(home: Home) -> AsyncIterator[Platform]:
    launcher = ProcessLauncher(home, "local", isolation="none", environments=NoEnvironments())
    async with Platform(home, config_for_tests("process"), launchers={"process": launcher}) as platform:
        yield platform


def deploy(platform: Platform) -> str:
    """The URL of the graph slow -> loud."""
    services = platform.services
    versions = [
        services.components.publish(PLATFORM, component_archive(manifest, {"src/main.py": code})).id
        for manifest, code in ((SLOW, SLOW_CODE), (LOUD, LOUD_CODE))
    ]
    backend = services.backends.create(PLATFORM, "loudly").id
    operations = [
        AddVertex(vertex="slow", component=versions[0]),
        AddVertex(vertex="loud", component=versions[1]),
        Connect(output=Output("slow"), input=Input("loud")),
        ChangeEndpointAlias(vertex="slow", endpoint="ask", role="ask"),
        ChangeEndpointAlias(vertex="loud", endpoint="tell", role="tell"),
    ]
    services.backends.append(PLATFORM, backend, operations)
    services.deployments.deploy(PLATFORM, backend)
    return next(endpoint.url for endpoint in services.backends.endpoints(PLATFORM, backend) if endpoint.role == "ask")


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await asyncio.to_thread(holds):
            await asyncio.sleep(0.01)


async def test_what_was_accepted_is_answered_although_the_deployment_goes(platform: Platform) -> None:
    services = platform.services
    url = await asyncio.to_thread(deploy, platform)
    await until(lambda: services.deployments.list(PLATFORM)[0].status == "running")
    slow = next(row.id for row in services.containers.list(PLATFORM, "loudly") if row.vertex == "slow")

    def are_accepted() -> bool:
        pulse = platform.controller.pulse(slow)
        return pulse is not None and pulse.inputs[0].messages >= 1 + REQUESTS

    async with httpx.AsyncClient(timeout=PATIENCE_S) as http, asyncio.TaskGroup() as tasks:
        while (await http.post(url, content="first")).status_code != 200:
            await asyncio.sleep(0.1)
        asked = [tasks.create_task(http.post(url, content=f"text {number}")) for number in range(REQUESTS)]
        await until(are_accepted)
        await asyncio.to_thread(services.deployments.undeploy, PLATFORM, "loudly")
        assert not all(one.done() for one in asked)
    answers = [one.result() for one in asked]
    assert [(answer.status_code, answer.text) for answer in answers] == [(200, f"TEXT {number}") for number in range(REQUESTS)]
