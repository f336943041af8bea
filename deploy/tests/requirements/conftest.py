"""The requirements of the platform's specification, R01 to R27, each with a test named after it, on a whole platform: real store,
services, controller and gateway, the fake launcher, a virtual clock. `deploy/tests/e2e` proves what needs real processes.
"""

from collections.abc import AsyncIterator

import pytest
from platform_world import World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        yield world
