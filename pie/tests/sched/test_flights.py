import pytest

from pie.sched.batching import Plan
from pie.sched.flights import Flights
from sched_fakes.history import limits


@pytest.fixture
def flights() -> Flights:
    made = Flights()
    for _ in range(2):
        made.add(Plan(limits(), 0.0))
    return made


def test_batches_are_numbered_from_one(flights):
    assert [plan.id for plan in flights] == [1, 2] and flights.awaits(2) and not flights.awaits(3)


def test_batches_land_in_order(flights):
    assert flights.land(2) is None
    assert flights.land(1).id == 1 and flights.land(2).id == 2 and len(flights) == 0


def test_after_clearing_nothing_is_awaited_and_numbers_go_on(flights):
    assert [plan.id for plan in flights.clear()] == [1, 2]
    assert flights.land(1) is None
    flights.add(Plan(limits(), 0.0))
    assert flights.awaits(3)
