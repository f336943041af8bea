"""What several tests of the client need."""

from collections.abc import AsyncIterator

import pytest

from fake_engine import FakeEngine
from pie_client import PieClient, Reconnect


@pytest.fixture
async def engine() -> AsyncIterator[FakeEngine]:
    async with FakeEngine() as engine:
        yield engine


@pytest.fixture
async def client(engine: FakeEngine) -> AsyncIterator[PieClient]:
    """Logged in; patient and quick at reconnecting."""
    async with PieClient(engine.uri, reconnect=Reconnect(attempts_max=1000, first_s=0.01, longest_s=0.05)) as client:
        await client.authenticate("alice")
        yield client
