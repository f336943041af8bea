"""A command whose port another process takes between its assignment and its use, with real processes."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest
from launcher_worlds import PATIENCE_S, NoEnvironments
from platform_fakes import config_for_tests
from platform_world import component_archive

from pie_deploy.app import Platform
from pie_deploy.config import Home
from pie_deploy.domain.operations import AddVertex, ChangeEndpointAlias
from pie_deploy.domain.records import Container
from pie_deploy.launchers.process import ProcessLauncher
from pie_deploy.services.actor import PLATFORM

pytestmark = pytest.mark.slow

PATIENT = """
name: patient
language: command
worker:
  argv: [sh, -c, "until [ -e {cache}/go ]; do sleep 0.02; done; exec python3 -m http.server --bind 127.0.0.1 {port:web}"]
  resources: {cpu: 0.1, memory: 128MiB}
http:
  web: {direction: ingress, transports: [http]}
"""
HOLDER = """
import socket, sys, time
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("here", flush=True)
time.sleep(600)
"""


@pytest.fixture
async def platform(home: Home) -> AsyncIterator[Platform]:
    launcher = ProcessLauncher(home, "local", isolation="none", environments=NoEnvironments())
    async with Platform(home, config_for_tests("process"), launchers={"process": launcher}) as platform:
        yield platform


def deploy(platform: Platform) -> str:
    """The URL of the command's endpoint."""
    services = platform.services
    version = services.components.publish(PLATFORM, component_archive(PATIENT))
    backend = services.backends.create(PLATFORM, "site").id
    alias = ChangeEndpointAlias(vertex="web", endpoint="web", role="web")
    services.backends.append(PLATFORM, backend, [AddVertex(vertex="web", component=version.id), alias])
    services.deployments.deploy(PLATFORM, backend)
    (endpoint,) = services.backends.endpoints(PLATFORM, backend)
    return endpoint.url


async def seen(platform: Platform, holds: Callable[[Container], bool]) -> Container:
    """The container, as soon as it is so."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            (deployment,) = await asyncio.to_thread(platform.services.deployments.list, PLATFORM)
            (row,) = await asyncio.to_thread(platform.services.containers.list, PLATFORM, deployment.id)
            if holds(row):
                return row
            await asyncio.sleep(0.01)


@contextlib.contextmanager
def held(port: int) -> Iterator[None]:
    """Another process listens there."""
    with subprocess.Popen([sys.executable, "-S", "-c", HOLDER, str(port)], stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"here\n"
            yield
        finally:
            holder.kill()


async def test_a_command_moves_to_another_port_when_its_own_was_taken_while_it_started(platform: Platform) -> None:
    url = await asyncio.to_thread(deploy, platform)
    first = await seen(platform, lambda row: row.pid is not None)
    with held(first.ports["web"]):
        await seen(platform, lambda row: row.state == "ready")  # so it looks from outside
        (cache,) = platform.home.caches.iterdir()
        (cache / "go").touch()
        moved = await seen(platform, lambda row: row.state == "ready" and row.restarts > 0)
        assert moved.ports != first.ports
        assert moved.restarts == 1
        async with httpx.AsyncClient() as http, asyncio.timeout(PATIENCE_S):
            while (await http.get(url)).status_code != 200:
                await asyncio.sleep(0.05)
