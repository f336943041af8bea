"""Real components, loaded into a real sandbox once per module."""

from pathlib import Path

import pytest
import pytest_asyncio

from pie.sandbox.sandbox import Sandbox
from pie.wasi.interfaces import wasi_interfaces
from wasi.components import JAVASCRIPT_GUEST, Guest, python_guest


@pytest.fixture(scope="session")
def component_cache(request: pytest.FixtureRequest) -> Path:
    """Built ones: kept between test runs; what lies there is named by content."""
    return request.config.cache.mkdir("components")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox(pie_cache):
    opened = Sandbox(wasi_interfaces(), cache_folder=pie_cache / "compiled")
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def python(sandbox, component_cache):
    return Guest(await sandbox.load(python_guest(component_cache).read_bytes()))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def javascript(sandbox):
    return Guest(await sandbox.load(JAVASCRIPT_GUEST.read_bytes()))
