"""A home in a short folder, and launchers whose programs are small scripts instead of components."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from launcher_worlds import ProcessWorld

from pie_deploy.config import Home


@pytest.fixture
def home() -> Iterator[Home]:
    root = Path(tempfile.mkdtemp(prefix="pie-", dir="/tmp"))  # a socket's path has at most 107 bytes
    home = Home(root)
    yield home
    shutil.rmtree(root, ignore_errors=True)
    shutil.rmtree(home.run, ignore_errors=True)


@pytest.fixture
async def process_world(home: Home) -> AsyncIterator[ProcessWorld]:
    world = ProcessWorld(home)
    await world.launcher.open()
    yield world
    await world.end()
