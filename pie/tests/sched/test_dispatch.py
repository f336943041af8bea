import asyncio

import pytest

from pie.driver.messages import Batch, BatchResult
from pie.errors import DriverError
from pie.sched.dispatch import Dispatch


class ManualDriver:
    """Ends batches when told to."""

    generation = 1

    def __init__(self) -> None:
        self.waiting: dict[int, asyncio.Future[BatchResult]] = {}

    async def forward(self, batch: Batch) -> BatchResult:
        self.waiting[batch.id] = asyncio.get_running_loop().create_future()
        return await self.waiting[batch.id]


@pytest.fixture
def driver() -> ManualDriver:
    return ManualDriver()


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_batch_is_with_the_driver_before_the_turn_ends(driver):
    dispatch = Dispatch(driver, lambda landed: None)
    dispatch.send(Batch(1, ()))
    assert list(driver.waiting) == [1]
    await dispatch.close()


async def test_results_come_in_the_order_of_the_batches(driver):
    landed = []
    dispatch = Dispatch(driver, landed.extend)
    dispatch.send(Batch(1, ()))
    dispatch.send(Batch(2, ()))
    driver.waiting[2].set_result(BatchResult(2, (), 0.0))
    await turns()
    assert landed == []
    driver.waiting[1].set_result(BatchResult(1, (), 0.0))
    await turns()
    assert [batch_id for batch_id, _ in landed] == [1, 2]


async def test_errors_are_outcomes_too(driver):
    landed = []
    dispatch = Dispatch(driver, landed.extend)
    dispatch.send(Batch(1, ()))
    driver.waiting[1].set_exception(DriverError("no"))
    await turns()
    assert isinstance(landed[0][1], DriverError)


async def test_after_closing_nothing_is_told(driver):
    landed = []
    dispatch = Dispatch(driver, landed.extend)
    dispatch.send(Batch(1, ()))
    await turns()
    await dispatch.close()
    await turns()
    assert landed == [] and driver.waiting[1].cancelled()
