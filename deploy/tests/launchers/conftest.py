"""A home in a short folder, and launchers whose programs are small scripts instead of components."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from launcher_worlds import ProcessWorld

from pie_deploy.config import Home
from pie_deploy.launchers.process.place import Place

RUNTIMES = ("r-test", "r-cgroups", "r-rlimits")


def _make_home() -> Home:
    return Home(Path(tempfile.mkdtemp(prefix="pie-", dir="/tmp")))  # a socket's path has at most 107 bytes


def _remove(home: Home) -> None:
    shutil.rmtree(home.root, ignore_errors=True)
    shutil.rmtree(home.run, ignore_errors=True)


@pytest.fixture
def home() -> Iterator[Home]:
    home = _make_home()
    yield home
    _remove(home)


@pytest.fixture(scope="module")
def shared_home() -> Iterator[Home]:
    """With supervisors that go on from test to test, as they do when a control plane is started again."""
    home = _make_home()
    yield home
    for runtime_id in RUNTIMES:
        if Place(home, runtime_id).lock.exists():
            asyncio.run(_end(ProcessWorld(home, runtime_id)))
    _remove(home)


async def _end(world: ProcessWorld) -> None:
    await world.launcher.open()
    await world.end()


@pytest.fixture
async def process_world(shared_home: Home) -> AsyncIterator[ProcessWorld]:
    async with ProcessWorld(shared_home).opened() as world:
        yield world
