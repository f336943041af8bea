"""The policy, on counts and times handed in."""

import pytest

from pie.sched.gathering import Gathering


class Programs:
    """`count` programs that come back with a pass after each answer."""

    def __init__(self, count: int) -> None:
        self.gathering = Gathering()
        self.contexts = [object() for _ in range(count)]
        for context in self.contexts:
            self.gathering.submitted(context)

    def answer(self, contexts: list[object], now: float) -> None:
        self.gathering.settled(len(contexts), now)
        for context in contexts:
            self.gathering.ended(context, now, answered=True, handed_out=True)

    def come(self, contexts: list[object]) -> None:
        for context in contexts:
            self.gathering.submitted(context)


def simulated(fixed_s: float, pass_s: float, program_s: float, passes: int = 2000) -> list[int]:
    """8 programs on one event loop, and a driver: sizes of the batches."""
    programs = Programs(8)
    gathering, sizes, now, driver_free_at = programs.gathering, [], 0.0, 0.0
    ready, flights = list(programs.contexts), []

    def send() -> None:
        nonlocal driver_free_at
        while len(flights) < 2 and not gathering.waits and (size := gathering.passes_max(sum(len(one) for _, one in flights))):
            group = ready[:size]
            del ready[:size]
            if not group:
                return
            driver_free_at = max(now, driver_free_at) + fixed_s + pass_s * len(group)
            flights.append((driver_free_at, group))
            gathering.handed_out(len(group))
            sizes.append(len(group))

    while sum(sizes) < passes:
        send()
        landed_at, group = flights.pop(0)
        now = max(now, landed_at)
        programs.answer(group, now)
        for context in group:
            now += program_s
            programs.come([context])
            ready.append(context)
            send()
    return sizes


def test_nobody_is_waited_for_at_first():
    assert not Programs(4).gathering.waits


def test_whoever_was_answered_is_waited_for():
    programs = Programs(4)
    programs.gathering.handed_out(4)
    programs.answer(programs.contexts, 0.003)
    assert programs.gathering.waits and programs.gathering.passes_about(0.003)


def test_half_of_them_make_a_batch():
    programs = Programs(8)
    programs.gathering.handed_out(8)
    programs.answer(programs.contexts, 0.003)
    programs.come(programs.contexts[:3])
    assert programs.gathering.waits
    programs.come(programs.contexts[3:4])
    assert not programs.gathering.waits and programs.gathering.passes_max(0) == 4


def test_who_does_something_else_is_given_up():
    programs = Programs(4)
    programs.gathering.handed_out(4)
    programs.answer(programs.contexts, 0.003)
    programs.gathering.give_up()
    assert not programs.gathering.waits


def test_who_was_given_up_may_still_come_for_a_moment():
    programs = Programs(1)
    programs.gathering.handed_out(1)
    programs.answer(programs.contexts, 0.003)
    programs.gathering.give_up()
    assert programs.gathering.passes_about(0.01) and not programs.gathering.passes_about(0.1)


def test_a_context_that_generates_is_not_expected():
    programs = Programs(1)
    programs.gathering.handed_out(1)
    programs.answer(programs.contexts, 0.003)
    programs.gathering.gone(programs.contexts[0])
    assert not programs.gathering.waits and not programs.gathering.passes_about(0.003)


def test_a_cancelled_pass_is_not_counted_as_arrived():
    programs = Programs(2)
    programs.gathering.ended(programs.contexts[0], 0.0, answered=False, handed_out=False)
    assert programs.gathering.arrived == 1 and programs.gathering.about == 1


@pytest.mark.parametrize(
    ("fixed_s", "pass_s", "program_s", "size"),
    [
        (0.0003, 0.0001, 0.0001, 4),  # a small model: overlapping pays
        (0.02, 0.0001, 0.0001, 8),  # a large one: a batch costs the same whatever its size
        (0.002, 0.001, 0.002, 4),  # slow programs
    ],
)
def test_the_better_way_is_found(fixed_s, pass_s, program_s, size):
    sizes = simulated(fixed_s, pass_s, program_s)
    assert sizes.count(size) * size > 0.85 * sum(sizes)


def test_the_other_way_is_tried_once_in_a_while():
    assert {4, 8} <= set(simulated(0.0003, 0.0001, 0.0001)[20:])


def test_going_over_to_whole_waits_for_the_group_at_the_driver():
    programs = Programs(8)
    programs.gathering._halving = False
    programs.gathering.handed_out(4)
    assert programs.gathering.passes_max(in_flight=4) == 0 and programs.gathering.passes_max(in_flight=0) == 8
