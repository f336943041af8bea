"""Which tokens go into which batch."""

from pie.limits import BURST_STEADY_S, BURST_TARGET_S
from sched_fakes.constraint import Capricious
from sched_fakes.history import limits
from sched_fakes.rig import Rig


def tokens_by_sequence(batch) -> dict[int, int]:
    return {request.sequence: max(1, len(request.tokens) // 4) for request in batch.requests}


def test_a_prefill_takes_the_whole_budget_if_it_is_alone():
    rig = Rig()
    work = rig.generate(rig.context(), [1] * 60)
    assert tokens_by_sequence(rig.hand_out()) == {work.context.sequence: 24}
    assert tokens_by_sequence(rig.hand_out()) == {work.context.sequence: 24}


def test_running_generations_go_on_in_every_batch_beside_a_long_prefill():
    rig = Rig(limits(context_max=400, pages_total=200))
    running = rig.generate(rig.context("a"), [1], tokens_max=100)
    rig.step()
    rig.generate(rig.context("b"), [2] * 300, tokens_max=2)
    for _ in range(13):
        batch = rig.step()
        assert running.context.sequence in tokens_by_sequence(batch) and sum(tokens_by_sequence(batch).values()) == 24


def test_a_prefill_goes_on_beside_more_short_works_than_a_batch_takes():
    rig = Rig(limits(context_max=400, pages_total=400))
    running = [rig.generate(rig.context(f"owner{number}"), [number], tokens_max=300) for number in range(12)]
    rig.step()
    rig.step()
    work = rig.generate(rig.context("late"), [2] * 100, tokens_max=2)
    batches = [tokens_by_sequence(rig.step()) for _ in range(20)]
    assert all(work.context.sequence in batch and len(batch) == 6 for batch in batches[:5])
    assert all(any(one.context.sequence in batch for batch in batches) for one in running)


def test_with_more_generations_than_a_batch_takes_all_get_the_same():
    rig = Rig(limits(batch_requests_max=4, pages_total=200))
    works = [rig.generate(rig.context(f"owner{number}"), [number], tokens_max=60) for number in range(10)]
    for _ in range(40):
        rig.step()
    counts = [work.produced for work in works]
    assert min(counts) > 0 and max(counts) - min(counts) <= 2 * rig.limits.steps_max


def test_an_owner_with_many_works_gets_no_more_than_one_with_one():
    rig = Rig(limits(batch_requests_max=2, pages_total=200))
    crowd = [rig.generate(rig.context("crowd"), [number], tokens_max=80) for number in range(6)]
    single = rig.generate(rig.context("single"), [39], tokens_max=80)
    while not single.done:
        rig.step()
    assert sum(work.produced for work in crowd) <= 80 + 4 * rig.limits.steps_max


def test_two_prefills_of_different_owners_take_turns():
    rig = Rig(limits(context_max=400, pages_total=400, batch_tokens_max=10))
    one = rig.generate(rig.context("a"), [1] * 60, tokens_max=1)
    other = rig.generate(rig.context("b"), [2] * 60, tokens_max=1)
    turns = [next(iter(tokens_by_sequence(rig.step()))) for _ in range(6)]
    assert sorted(turns) == [one.context.sequence] * 3 + [other.context.sequence] * 3


def test_a_mixed_batch_is_as_long_as_its_time_allows():
    rig = Rig(limits(context_max=4000, pages_total=2000, batch_tokens_max=2000))
    rig.core._costs.observe(elapsed_s=0.001, steps=1, prefilled=0)
    rig.core._costs.observe(elapsed_s=0.101, steps=1, prefilled=1000)  # 0.1 ms per token
    rig.generate(rig.context("a"), [1], tokens_max=50)
    rig.step()
    rig.core._costs.token_s = 0.0001
    prefill = rig.generate(rig.context("b"), [2] * 3000, tokens_max=2)
    assert 280 <= tokens_by_sequence(rig.hand_out())[prefill.context.sequence] <= 300


def test_with_slow_steps_prefills_may_take_as_long_as_a_step():
    rig = Rig(limits(context_max=4000, pages_total=2000, batch_tokens_max=2000))
    rig.generate(rig.context("a"), [1], tokens_max=50)
    rig.step()
    rig.core._costs.token_s, rig.core._costs.step_s = 0.0001, 0.1
    prefill = rig.generate(rig.context("b"), [2] * 3000, tokens_max=2)
    assert 990 <= tokens_by_sequence(rig.hand_out())[prefill.context.sequence] <= 1000


def test_a_burst_takes_as_long_as_it_should():
    rig = Rig(limits(steps_max=32))
    rig.generate(rig.context(), [1], tokens_max=60)
    rig.step()
    rig.core._costs.step_s = 0.004
    assert rig.hand_out().requests[0].steps == int(BURST_TARGET_S / 0.004)
    rig.now += 10.0  # nobody has come for a while
    assert rig.hand_out().requests[0].steps == int(BURST_STEADY_S / 0.004)


def test_a_burst_of_a_slow_driver_is_not_shortened_to_nothing():
    rig = Rig(limits(steps_max=32))
    rig.generate(rig.context(), [1], tokens_max=60)
    rig.step()
    rig.core._costs.step_s = 0.011
    assert rig.hand_out().requests[0].steps == 4
    rig.core._costs.step_s = 0.1
    assert rig.hand_out().requests[0].steps == 1


def test_a_pass_that_cannot_be_divided_waits_for_room_in_a_batch():
    rig = Rig()
    rig.generate(rig.context("a"), [1] * 20, tokens_max=1)
    work = rig.forward(rig.context("b"), [3] * 10, attention_mask=[[0, 10]] * 10)
    assert [work.context.sequence in tokens_by_sequence(rig.hand_out()) for _ in range(2)] == [False, True]


def test_no_batch_breaks_the_driver_s_limits():
    rig = Rig(limits(batch_tokens_max=7, batch_requests_max=3, pages_total=100))
    for number in range(8):
        rig.generate(rig.context(f"owner{number}"), [number] * (3 * number + 1), tokens_max=9)
    while batch := rig.step():
        assert len(batch.requests) <= 3 and sum(tokens_by_sequence(batch).values()) <= 7


def test_nobody_s_first_token_waits_for_a_burst_of_others():
    rig = Rig()
    running = rig.generate(rig.context("a"), [1], tokens_max=60)
    rig.run_batches(3)
    late = rig.generate(rig.context("b"), [2], tokens_max=60)
    batch = rig.hand_out()
    assert {request.sequence: request.steps for request in batch.requests} == {
        running.context.sequence: 1,
        late.context.sequence: 1,
    }
    assert all(request.steps > 1 for request in rig.hand_out().requests)


def test_who_obeys_a_constraint_draws_in_every_batch_and_others_more_on_a_fast_driver():
    rig = Rig(limits(pages_total=100))
    free = rig.generate(rig.context("a"), [1], tokens_max=60)
    bound = rig.generate(rig.context("b"), [2], tokens_max=60, constraint=Capricious(1, rig.limits.vocabulary_size))
    rig.run_batches(3)
    batches = [rig.step() for _ in range(5)]
    steps = [{request.sequence: request.steps for request in batch.requests} for batch in batches]
    assert steps == 5 * [{free.context.sequence: 5, bound.context.sequence: 1}]


def test_on_a_slow_driver_all_draw_one_token_beside_a_constraint():
    rig = Rig(limits(pages_total=100))
    rig.core._costs.step_s = 0.05
    works = [
        rig.generate(rig.context("a"), [1], tokens_max=60),
        rig.generate(rig.context("b"), [2], tokens_max=60, constraint=Capricious(1, rig.limits.vocabulary_size)),
    ]
    for _ in range(6):
        rig.core._costs.step_s = 0.05
        rig.step()
    assert [work.produced for work in works] == [6, 6]


def test_batches_overlap_again_when_the_constraint_is_over():
    rig = Rig(limits(pages_total=100))
    rig.generate(rig.context("a"), [1], tokens_max=60)
    rig.generate(rig.context("b"), [2], tokens_max=2, constraint=Capricious(1, rig.limits.vocabulary_size))
    rig.step()
    assert rig.hand_out() is not None and rig.hand_out() is None
    rig.land()
    assert rig.hand_out() is not None and rig.hand_out() is not None
