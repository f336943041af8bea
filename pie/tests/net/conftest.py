"""A hub on an engine with the dummy driver, and programs that are Python functions."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from engine_fakes.dummy_engine import dummy_config, program
from net_fakes.client import FakeLibrary, fake_hub
from pie.auth.credentials import Credentials
from pie.config.config import Config, LimitsConfig
from pie.config.home import Home
from pie.engine.engine import Engine
from pie.host.guest import Guest
from pie.net.hub import Hub
from pie.processes.events import ProcessEvent


async def echo(guest: Guest) -> str:
    return guest.process.input


async def waits(_: Guest) -> str:
    await asyncio.sleep(3600)
    return "never"


async def fails(_: Guest) -> str:
    raise ValueError("a bug")


async def talks(guest: Guest) -> str:
    """Sends as many messages as its input says, then waits for a signal and returns that."""
    for number in range(json.loads(guest.process.input)):
        added = guest.outbox.send(ProcessEvent("message", str(number)))
        if added is not None:
            await added
    return str(await guest.inbox.receive())


PROGRAMS = {"test": echo, "echo": echo, "waits": waits, "fails": fails, "talks": talks}


@pytest.fixture
def limits() -> LimitsConfig:
    return LimitsConfig(processes_per_user=50, queued_events=16)


@pytest.fixture
def config(tmp_path: Path, limits: LimitsConfig) -> Config:
    config = dummy_config(tmp_path, limits)
    return msgspec.structs.replace(config, runtime=msgspec.structs.replace(config.runtime, max_upload_mb=1))


@pytest.fixture
async def engine(config: Config, tmp_path: Path) -> AsyncIterator[Engine]:
    engine = Engine(config, Home(tmp_path / "home"))
    await engine.start()
    yield engine
    await engine.close()


@pytest.fixture
def credentials(tmp_path: Path) -> Credentials:
    return Credentials(Home(tmp_path / "home"), enabled=False)


@pytest.fixture
def hub_and_library(engine: Engine, credentials: Credentials, config: Config) -> tuple[Hub, FakeLibrary]:
    hub, library = fake_hub(engine, credentials, config)
    library.programs = {name: program(body) for name, body in PROGRAMS.items()}
    return hub, library


@pytest.fixture
def hub(hub_and_library: tuple[Hub, FakeLibrary]) -> Hub:
    return hub_and_library[0]


@pytest.fixture
def library(hub_and_library: tuple[Hub, FakeLibrary]) -> FakeLibrary:
    return hub_and_library[1]
