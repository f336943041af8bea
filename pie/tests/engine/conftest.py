"""An engine on the dummy driver."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine_fakes.dummy_engine import dummy_config
from pie.clock import ManualClock
from pie.config.home import Home
from pie.engine.engine import Engine


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def engine(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Engine]:
    """Two processes and 600 tokens a minute for each user, by a clock that stands still."""
    engine = Engine(dummy_config(tmp_path), Home(tmp_path / "home"), clock=clock)
    await engine.start()
    yield engine
    engine.model().scheduler.check()
    await engine.close()
