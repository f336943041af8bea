"""Settings of all tests; loads the real `pie` package before pytest names the modules below `pie/tests` after their folders."""

import logging
import os
from pathlib import Path

import pytest
from hypothesis import settings

import pie

__all__ = ["pie"]

settings.register_profile("gate", derandomize=True, deadline=None)
settings.register_profile("fuzz", max_examples=2000, deadline=None)
# The gate tries the same examples every time, so that it says something about the change at hand; `make fuzz` looks for new ones.
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))


@pytest.fixture(scope="session")
def pie_cache(request: pytest.FixtureRequest) -> Path:
    """The `cache` of a Pie home that all tests share, and keep between runs: building a Python program takes 12 s of a core,
    compiling the first one 10. What lies there is named by content; a test whose subject is an empty cache has one of its own."""
    cache = request.config.cache.mkdir("pie-home") / "cache"
    cache.mkdir(exist_ok=True)
    return cache


# What one test leaves to the garbage collector must not turn up on the stderr that another one compares.
logging.getLogger("asyncio").addHandler(logging.NullHandler())
