from collections.abc import AsyncIterator

import pytest
from gateway_serving import Serving, serving


@pytest.fixture
async def served() -> AsyncIterator[Serving]:
    async with serving() as found:
        yield found
