"""Settings of all tests; loads the real `pie` package before pytest names the modules below `pie/tests` after their folders."""

import logging
import os

from hypothesis import settings

import pie

__all__ = ["pie"]

settings.register_profile("gate", derandomize=True, deadline=None)
settings.register_profile("fuzz", max_examples=2000, deadline=None)
# The gate tries the same examples every time, so that it says something about the change at hand; `make fuzz` looks for new ones.
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))

# What one test leaves to the garbage collector must not turn up on the stderr that another one compares.
logging.getLogger("asyncio").addHandler(logging.NullHandler())
