import asyncio

import pytest

from pie.server.readiness import Readiness


async def test_who_waits_is_let_go_when_the_models_are_loaded() -> None:
    readiness = Readiness()
    waiting = asyncio.create_task(readiness.loaded())
    await asyncio.sleep(0)
    assert not waiting.done()
    readiness.enter("ready")
    await waiting
    assert readiness.phase == "ready"


async def test_a_server_that_stops_while_it_loads_lets_them_go_too() -> None:
    readiness = Readiness()
    readiness.enter("stopping")
    await readiness.loaded()
    assert readiness.phase == "stopping"


def test_nothing_leads_back() -> None:
    readiness = Readiness()
    readiness.enter("stopping")
    readiness.enter("stopping")
    with pytest.raises(AssertionError):
        readiness.enter("ready")
