"""Batches at the driver. Hands them over at once, and results on in the order in which batches were handed over."""

import asyncio
from collections import deque
from collections.abc import Callable

from pie.driver.messages import Batch, BatchResult
from pie.driver.port import Driver
from pie.sched.begun import Begun

Landed = tuple[int, BatchResult | BaseException]
"""A batch's id and what became of it."""


class Dispatch:
    """`on_landed` is called with whatever has come back, from a turn of the event loop of its own."""

    def __init__(self, driver: Driver, on_landed: Callable[[list[Landed]], None]) -> None:
        self._driver = driver
        self._on_landed = on_landed
        self._flights: deque[tuple[int, asyncio.Task[BatchResult]]] = deque()

    def send(self, batch: Batch) -> None:
        task = asyncio.get_running_loop().create_task(_result(Begun(self._driver.forward(batch))))
        self._flights.append((batch.id, task))
        task.add_done_callback(self._look)

    async def close(self) -> None:
        """Nothing is told any more about what is on its way."""
        tasks = [task for _, task in self._flights]
        self._flights.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _look(self, _: asyncio.Task[BatchResult]) -> None:
        landed: list[Landed] = []
        while self._flights and self._flights[0][1].done():
            batch_id, task = self._flights.popleft()
            landed.append((batch_id, _outcome(task)))
        if landed:
            self._on_landed(landed)


async def _result(begun: Begun[BatchResult]) -> BatchResult:
    return await begun


def _outcome(task: asyncio.Task[BatchResult]) -> BatchResult | BaseException:
    if task.cancelled():
        return asyncio.CancelledError()
    return task.exception() or task.result()
