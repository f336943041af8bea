"""Who gets pages, who waits, who gives way."""

import pytest

from pie.errors import OutOfPagesError
from pie.limits import IDLE_GRACE_S, RESIDENCE_S
from sched_fakes.history import limits
from sched_fakes.rig import Rig


@pytest.fixture
def rig() -> Rig:
    """8 pages of 4 tokens."""
    return Rig(limits(pages_total=8, context_max=32))


def idle_context(rig: Rig, tokens: int, owner: str = "idle", first: int = 0):
    context = rig.context(owner)
    rig.forward(context, [(first + number) % 40 for number in range(tokens)])
    rig.run()
    return context


def test_a_work_without_room_waits(rig):
    rig.generate(rig.context(), [1] * 20, tokens_max=9)
    rig.hand_out()
    late = rig.generate(rig.context(), [2] * 20, tokens_max=2)
    rig.hand_out()
    assert rig.core.statistics().waiting == 1
    rig.run()
    assert late.finish == "length"


def test_works_are_admitted_in_order_of_arrival(rig):
    rig.generate(rig.context(), [1] * 20, tokens_max=9)
    rig.hand_out()
    large = rig.generate(rig.context(), [2] * 24, tokens_max=2)
    small = rig.generate(rig.context(), [3], tokens_max=2)
    while not small.handed:
        rig.step()
        rig.now += 0.1
    assert large.handed


def test_a_parked_context_is_evicted_for_a_newcomer(rig):
    parked = idle_context(rig, 24)
    rig.now += IDLE_GRACE_S
    work = rig.generate(rig.context(), [9] * 20, tokens_max=2)
    rig.run()
    assert work.done and not parked.lineage.pages and parked.length == 24


def test_an_evicted_context_is_computed_again_when_used(rig):
    parked = idle_context(rig, 24)
    rig.now += IDLE_GRACE_S
    rig.generate(rig.context("b"), [9] * 20, tokens_max=2)
    rig.run()
    rig.now += IDLE_GRACE_S
    work = rig.forward(parked, [5])
    rig.run()
    assert work.error is None and parked.length == 25


def test_a_context_in_use_keeps_its_pages_for_a_while(rig):
    in_use = idle_context(rig, 24)
    rig.generate(rig.context(), [9] * 20, tokens_max=2)
    assert rig.hand_out() is None and in_use.lineage.pages
    wake_at = rig.core.wake_at(rig.now)
    assert wake_at == pytest.approx(IDLE_GRACE_S)
    rig.now = wake_at
    assert rig.hand_out() is not None


def test_a_context_in_use_gives_way_when_it_had_its_time(rig):
    in_use = idle_context(rig, 21)
    newcomer = rig.generate(rig.context(), [9] * 20, tokens_max=2)
    while not newcomer.done and rig.now < 2 * RESIDENCE_S:
        rig.forward(in_use, [1], commit=False)  # used all the time
        while rig.step():
            pass
        rig.now += 0.02
    assert newcomer.done and rig.now == pytest.approx(RESIDENCE_S, abs=0.15)


def test_the_longest_unused_is_evicted_first(rig):
    old = idle_context(rig, 8, "old", first=0)
    rig.now += 1.0
    recent = idle_context(rig, 8, "recent", first=20)
    rig.now += 1.0
    rig.generate(rig.context(), [9] * 18, tokens_max=2)
    rig.run()
    assert not old.lineage.pages and recent.lineage.pages


def test_a_growing_generation_takes_pages_from_the_youngest(rig):
    works = [rig.generate(rig.context(f"owner{number}"), [number], tokens_max=20) for number in range(3)]
    finished = []
    while len(finished) < 3:
        if not rig.step():
            rig.now += 0.1
        finished += [work for work in works if work.done and work not in finished]
    assert finished == works and rig.core.statistics().preemptions > 0


def test_what_was_drawn_before_a_preemption_is_not_drawn_twice(rig):
    one = rig.generate(rig.context("a"), [1], tokens_max=24)
    other = rig.generate(rig.context("b"), [2], tokens_max=24)
    rig.run()
    assert rig.core.statistics().preemptions > 0
    assert len(one.take()) == len(other.take()) == 24


def test_a_generation_that_pauses_for_its_reader_gives_way(rig):
    paused = rig.generate(rig.context("slow"), [1] * 20, tokens_max=8)
    paused.allow(1)
    rig.step()
    work = rig.generate(rig.context("quick"), [2] * 20, tokens_max=2)
    rig.run()
    assert work.done and not paused.done
    paused.allow(None)
    rig.run()
    assert paused.finish == "length" and len(paused.take()) == 8


def test_pages_that_cannot_be_evicted_are_waited_for(rig):
    pinning = rig.context("pinning")
    rig.forward(pinning, list(range(24)), positions=[1] * 24)
    rig.run()
    work = rig.generate(rig.context("other"), [2] * 20, tokens_max=2)
    rig.run()
    assert not work.done and rig.core.wake_at(rig.now) is None
    rig.core.release(pinning, rig.now)
    rig.run()
    assert work.finish == "length"


def test_when_all_who_pin_pages_wait_for_pages_the_youngest_is_told(rig):
    contexts = [rig.context("a"), rig.context("b")]
    for context in contexts:
        rig.forward(context, list(range(16)), positions=[1] * 16)
    rig.run()
    works = [rig.forward(context, [1] * 12) for context in contexts]
    rig.run()
    assert isinstance(works[1].error, OutOfPagesError) and not works[0].done
    rig.core.release(contexts[1], rig.now)
    rig.run()
    assert works[0].done and works[0].error is None


def test_a_context_on_all_pages_can_be_cut_and_extended(rig):
    context = idle_context(rig, 32)
    rig.core.kv.truncate(context.lineage, 31)
    work = rig.forward(context, [3])
    rig.run()
    assert work.error is None and context.length == 32


def test_a_saved_context_can_be_evicted_too(rig):
    context = idle_context(rig, 24)
    rig.core.saved.save("user", "name", context.lineage, rig.now)
    rig.core.release(context, rig.now)
    rig.now += IDLE_GRACE_S
    work = rig.generate(rig.context(), [9] * 28, tokens_max=2)
    rig.run()
    assert work.done and rig.core.saved.peek("user", "name").length == 24


def test_tokens_that_another_is_computing_are_waited_for():
    rig = Rig(limits(context_max=400, pages_total=400, batch_tokens_max=200))
    prompt = [(7 * number) % 40 for number in range(120)]
    works = [rig.generate(rig.context(f"owner{number}"), [*prompt, number], tokens_max=5) for number in range(4)]
    rig.run()
    assert all(work.finish == "length" for work in works)
    assert rig.core.statistics().computed_tokens < 121 + 3 * 5 + 4 * 5


def test_whoever_waits_for_shared_tokens_holds_up_nobody_else():
    rig = Rig(limits(context_max=400, pages_total=400))
    prompt = [(7 * number) % 40 for number in range(120)]
    rig.generate(rig.context("leader"), [*prompt, 1], tokens_max=5)
    rig.generate(rig.context("follower"), [*prompt, 2], tokens_max=5)
    other = rig.generate(rig.context("other"), [3], tokens_max=5)
    assert other.context.sequence in [request.sequence for request in rig.hand_out().requests]


def test_when_the_leader_is_cancelled_the_follower_goes_on_alone():
    rig = Rig(limits(context_max=400, pages_total=400))
    prompt = [(7 * number) % 40 for number in range(120)]
    leader = rig.generate(rig.context("leader"), [*prompt, 1], tokens_max=5)
    follower = rig.generate(rig.context("follower"), [*prompt, 2], tokens_max=5)
    rig.step()
    rig.core.cancel(leader, rig.now)
    rig.run()
    assert follower.finish == "length"
