"""The whole platform under random use and random faults."""

import pytest
from platform_simulation import simulate


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_happens_nothing_is_lost_doubled_or_left_behind(seed: int) -> None:
    await simulate(seed, steps=40)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 112))
async def test_whatever_happens_for_long(seed: int) -> None:
    await simulate(seed, steps=120)
