"""The dummy driver's fault knobs. What it shares with real drivers is in test_contract."""

import asyncio

import pytest

from batches import batch, request, tokens_of
from pie.driver.dummy import DummyDriver, Faults
from pie.errors import DriverError, DriverLostError, ModelError

PROMPT = [1, 2, 3]


async def started(faults: Faults) -> DummyDriver:
    driver = DummyDriver(faults=faults)
    await driver.start()
    return driver


async def test_a_batch_told_to_fail_fails_alone() -> None:
    driver = await started(Faults(fail_batches=frozenset({1})))
    await driver.forward(batch(request(1, PROMPT)))
    with pytest.raises(DriverError, match="told to fail batch 1"):
        await driver.forward(batch(request(2, PROMPT)))
    assert len(tokens_of((await driver.forward(batch(request(1, cached=3)))).outputs[0])) == 1
    assert driver.generation == 1


async def test_a_lost_driver_fails_what_waits_and_forgets() -> None:
    driver = await started(Faults(lose_batches=frozenset({1}), latency_s=lambda _: 0.01))
    await driver.forward(batch(request(1, PROMPT)))
    waiting = [driver.forward(batch(request(1, cached=3))), driver.forward(batch(request(1, cached=4)))]
    errors = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(error) for error in errors] == [DriverLostError, DriverLostError]
    assert driver.generation == 2
    with pytest.raises(DriverError, match="no last token"):
        await driver.forward(batch(request(1, cached=3)))


async def test_latency_passes_through_the_injected_sleep() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    driver = DummyDriver(faults=Faults(latency_s=lambda one: 0.25 * len(one.requests)), sleep=sleep)
    await driver.start()
    result = await driver.forward(batch(request(1, PROMPT), request(2, PROMPT)))
    assert slept == [0.5]
    assert result.elapsed_s == 0.5


async def test_a_start_error_is_raised() -> None:
    with pytest.raises(ModelError, match="no such model"):
        await started(Faults(start_error=ModelError("no such model")))
