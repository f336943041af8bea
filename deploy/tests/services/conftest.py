from collections.abc import Iterator
from pathlib import Path

import pytest
from service_platform import ServicePlatform, service_platform


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[ServicePlatform]:
    platform = service_platform(tmp_path)
    yield platform
    platform.close()
