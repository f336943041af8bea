"""Random work and faults against the naive twin. See `sched_fakes.simulation`."""

import pytest

from sched_fakes.history import limits
from sched_fakes.simulation import Simulation

ROOMY = limits(pages_total=400)
TIGHT = limits()
TINY = limits(pages_total=8, context_max=32)
DEEP = limits(batches_in_flight_max=4, steps_max=3)
NARROW = limits(batches_in_flight_max=1, batch_requests_max=1, batch_tokens_max=16)

SEEDS = 3
"""How many of each kind; a failure prints its seed."""


def simulated(seed: int, driver_limits, **knobs) -> Simulation:
    simulation = Simulation(seed, driver_limits, **knobs)
    try:
        simulation.run(1500)
    except BaseException as error:
        error.add_note(f"seed {seed}")
        raise
    return simulation


@pytest.mark.parametrize("seed", range(SEEDS))
def test_with_room_for_all_every_work_gives_what_it_gives_alone(seed):
    assert simulated(seed, ROOMY).ended > 20


@pytest.mark.parametrize("seed", range(SEEDS))
def test_token_loops_find_passes_made_ahead_and_get_what_they_would_have_got(seed):
    assert simulated(seed, TIGHT, custom=0.0, faults=0.02, loops=0.8).claimed > 0


@pytest.mark.parametrize("seed", range(SEEDS))
def test_under_memory_pressure_every_work_ends_and_gives_what_it_gives_alone(seed):
    simulation = simulated(seed, TIGHT, custom=0.0)
    assert simulation.ended > 20 and simulation.core.statistics().kv.evictions > 0


@pytest.mark.parametrize("seed", range(SEEDS))
def test_with_next_to_no_memory_every_work_ends(seed):
    assert simulated(seed, TINY, custom=0.0).ended > 20


@pytest.mark.parametrize("seed", range(SEEDS))
def test_contexts_that_cannot_be_evicted_change_nothing(seed):
    assert simulated(seed, TIGHT, custom=0.3).ended > 20


@pytest.mark.parametrize("seed", range(SEEDS))
def test_failed_batches_and_lost_drivers_leave_everything_consistent(seed):
    assert simulated(seed, TIGHT, faults=0.08).core.statistics().failed_batches > 0


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_deep_pipeline_with_faults_is_consistent_too(seed):
    simulated(seed, DEEP, faults=0.03)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_one_request_at_a_time_is_enough(seed):
    simulated(seed, NARROW)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10_000, 10_020))
def test_many_more_seeds(seed):
    for driver_limits, knobs in (
        (TIGHT, {"custom": 0.0}),
        (TIGHT, {"faults": 0.08}),
        (DEEP, {"faults": 0.03}),
        (TINY, {"custom": 0.0}),
    ):
        simulated(seed, driver_limits, **knobs)
