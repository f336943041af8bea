from collections.abc import AsyncIterator, Iterator

import pytest
from platform_fakes import config_for_tests, short_home

from pie_deploy.app import Platform
from pie_deploy.config import Home


@pytest.fixture
def home() -> Iterator[Home]:
    with short_home() as home:
        yield home


@pytest.fixture
async def platform(home: Home) -> AsyncIterator[Platform]:
    """With a launcher whose containers are none."""
    async with Platform(home, config_for_tests()) as platform:
        yield platform
