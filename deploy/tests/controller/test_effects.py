"""What the plan is told about effects."""

import asyncio

from pie_deploy.clock import ManualClock
from pie_deploy.controller.effects import Effects
from pie_deploy.domain.actions import Effect, Start

START = Start(container_id="c-1", incarnation=1)


async def test_a_container_is_busy_until_somebody_has_looked_after_its_effect() -> None:
    """A view from before a start, planned after it, would start once more, and forget the container that has said hello."""
    ended = asyncio.Event()

    async def perform(_: Effect) -> None: ...

    effects = Effects(perform, ManualClock(), ended.set)
    effects.begin(START)
    async with asyncio.timeout(30):
        await ended.wait()
    assert effects.under_way() == 0
    assert effects.seen("c-1", None, None).busy
    effects.looking()
    assert not effects.seen("c-1", None, None).busy
