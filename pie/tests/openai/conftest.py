"""A server on the dummy driver for what needs no sense in the answers, and one on pie-tiny for what does."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from openai_fakes.serving import Served, configuration, serving


@pytest.fixture
async def dummy(tmp_path: Path) -> AsyncIterator[Served]:
    """Its answers are nonsense of 3,072 different tokens."""
    async with serving(tmp_path, configuration()) as served:
        yield served
        await served.until_idle()
        for model in served.engine.models.values():
            model.scheduler.check()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tiny(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """The model that comes with Pie."""
    async with serving(tmp_path_factory.mktemp("home"), configuration("torch")) as served:
        yield served
        await served.until_idle()
