import pytest

from pie.driver.messages import BatchResult, Distribution, Entropy, Output, Sample, Sampling
from pie.errors import CancelledProcessError, ContextReleasedError, DriverError, InvalidArgumentError
from pie.sched.work import ARGMAX
from sched_fakes.history import limits
from sched_fakes.naive import Entry, NaiveSequence
from sched_fakes.rig import Rig


@pytest.fixture
def rig():
    made = Rig()
    yield made
    made.core.check()


def alone(rig: Rig, prompt: list[int], tokens_max: int, stop_tokens=(), sampling=ARGMAX) -> tuple[list[int], str]:
    """What a generation gives with nobody else around, token by token."""
    return NaiveSequence(rig.limits, []).generate(prompt, sampling, tokens_max, stop_tokens, b"")


# --- Passes -----------------------------------------------------------------------------------------------------------


def test_a_pass_extends_its_context(rig):
    context = rig.context()
    work = rig.forward(context, [1, 2, 3])
    rig.run()
    assert work.done and work.error is None and context.length == 3


def test_a_pass_that_is_not_committed_leaves_its_context_as_it_was(rig):
    context = rig.context()
    rig.forward(context, [1, 2, 3])
    rig.forward(context, [4, 5], commit=False)
    rig.run()
    assert context.length == 3 and len(context.lineage.pages) == 1


def test_readings_come_in_the_order_of_the_slots(rig):
    slots = (Entropy(2), Sample(0, Sampling()), Distribution(1, 1.0, 2), Sample(2, Sampling()))
    whole = rig.forward(rig.context(), [1, 2, 3], slots)
    rig.run()
    single = [rig.forward(rig.context(), [1, 2, 3], [slot]) for slot in slots]
    rig.run()
    assert whole.readings == [work.readings[0] for work in single]


def test_a_long_pass_goes_in_chunks_and_reads_the_same(rig):
    tokens = [number % 40 for number in range(60)]
    slots = (Sample(59, Sampling()), Entropy(3), Sample(24, Sampling()), Entropy(47))
    work = rig.forward(rig.context(), tokens, slots)
    assert rig.run() == 3
    naive = NaiveSequence(rig.limits, [[Entry(token, number)] for number, token in enumerate(tokens[:59])])
    output = naive.feed([Entry(tokens[59], 59)], [Sample(0, Sampling())])
    assert work.readings[0] == int.from_bytes(output.tokens, "little")


def test_passes_of_one_context_run_one_after_the_other(rig):
    context = rig.context()
    works = [rig.forward(context, [number]) for number in range(3)]
    assert [rig.step() and [work.done for work in works].count(True) for _ in range(3)] == [1, 2, 3]
    assert context.lineage.tokens.tolist() == [0, 1, 2]


def test_passes_of_many_contexts_share_batches(rig):
    works = [rig.forward(rig.context(), [number]) for number in range(5)]
    assert [len(rig.hand_out().requests), len(rig.hand_out().requests)] == [3, 2]
    rig.run()
    assert all(work.done for work in works)


def test_a_context_has_the_same_name_at_the_driver_in_all_its_works(rig):
    context = rig.context()
    names = []
    for token in range(3):
        rig.forward(context, [token])
        names.append(rig.step().requests[0].sequence)
    assert len(set(names)) == 1


# --- Generations ------------------------------------------------------------------------------------------------------


def test_a_generation_draws_what_it_draws_alone(rig):
    work = rig.generate(rig.context(), [1, 2, 3], tokens_max=20)
    rig.run()
    assert (work.take().tolist(), work.finish) == alone(rig, [1, 2, 3], 20)


def test_at_the_end_the_context_holds_all_but_the_last_token(rig):
    context = rig.context()
    work = rig.generate(context, [1, 2, 3], tokens_max=7)
    rig.run()
    assert context.lineage.tokens.tolist() == [1, 2, 3, *work.take().tolist()[:-1]]


def test_a_stop_token_ends_it_and_is_nowhere(rig):
    tokens, _ = alone(rig, [1, 2, 3], 20)
    stop = next(token for number, token in enumerate(tokens) if number >= 4 and token not in tokens[:number])
    context = rig.context()
    work = rig.generate(context, [1, 2, 3], tokens_max=20, stop_tokens=[stop])
    rig.run()
    expected = tokens[: tokens.index(stop)]
    assert (work.take().tolist(), work.finish) == (expected, "stop")
    assert context.lineage.tokens.tolist() == [1, 2, 3, *expected]


def test_the_context_limit_is_a_length_too(rig):
    context = rig.context()
    work = rig.generate(context, [1] * 90, tokens_max=0)
    rig.run()
    assert work.finish == "length" and len(work.take()) == 6 and context.length == 95


def test_the_first_token_comes_by_itself_and_the_others_in_bursts(rig):
    work = rig.generate(rig.context(), [1, 2, 3], tokens_max=20)
    steps = []
    while batch := rig.step():
        steps.append(batch.requests[0].steps)
    assert steps == [1, 5, 5, 5, 4] and work.done


def test_bursts_are_single_steps_while_passes_are_about(rig):
    rig.generate(rig.context(), [1, 2, 3], tokens_max=20)
    rig.step()
    rig.forward(rig.context(), [1])
    assert max(request.steps for request in rig.hand_out().requests) == 1


def test_the_next_batch_is_handed_out_before_the_last_is_back(rig):
    rig.generate(rig.context(), [1, 2, 3], tokens_max=20)
    first, second = rig.hand_out(), rig.hand_out()
    assert first.requests[0].tokens and second.requests[0].tokens == b""
    assert second.requests[0].cached == 3 and rig.hand_out() is None


def test_no_more_tokens_are_drawn_than_asked_for(rig):
    work = rig.generate(rig.context(), [1], tokens_max=8)
    batches = [rig.hand_out(), rig.hand_out()]
    rig.land()
    batches.append(rig.hand_out())
    assert [batch.requests[0].steps for batch in batches] == [1, 5, 2]
    rig.run()
    assert len(work.take()) == 8


def test_nothing_more_is_drawn_than_the_reader_allows(rig):
    work = rig.generate(rig.context(), [1], tokens_max=20)
    work.allow(4)
    rig.run()
    assert not work.done and len(work.take()) == 4
    work.allow(None)
    rig.run()
    assert work.done and len(work.take()) == 16


def test_there_is_news_once_per_batch(rig):
    rig.generate(rig.context(), [1, 2, 3], tokens_max=11)
    assert rig.run() == 3 and len(rig.news) == 3


def test_generations_of_one_batch_do_not_disturb_each_other(rig):
    prompts = [[1, 2, 3], [4], [5, 6], [7, 8, 9, 10, 11]]
    works = [rig.generate(rig.context(), prompt, tokens_max=15) for prompt in prompts]
    rig.run()
    assert [work.take().tolist() for work in works] == [alone(rig, prompt, 15)[0] for prompt in prompts]


def test_a_second_prompt_with_the_same_beginning_is_computed_from_where_they_part(rig):
    prompt = list(range(30))
    rig.generate(rig.context(), prompt, tokens_max=2)
    rig.run()
    rig.generate(rig.context(), [*prompt[:20], 39, 38], tokens_max=2)
    request = rig.hand_out().requests[0]
    assert request.cached == 20 and len(request.tokens) == 8


# --- Ends ahead of time -----------------------------------------------------------------------------------------------


def test_a_cancelled_generation_leaves_what_was_delivered(rig):
    context = rig.context()
    work = rig.generate(context, [1, 2, 3], tokens_max=40)
    rig.step()
    rig.hand_out()
    rig.hand_out()
    rig.land()
    rig.core.cancel(work, rig.now)
    got = work.take().tolist()
    assert got == alone(rig, [1, 2, 3], 40)[0][:6] and work.finish is None
    assert context.lineage.tokens.tolist() == [1, 2, 3, *got[:-1]]


def test_a_context_can_be_used_at_once_after_a_cancel(rig):
    context = rig.context()
    work = rig.generate(context, [1, 2, 3], tokens_max=40)
    rig.step()
    rig.hand_out()
    rig.core.cancel(work, rig.now)
    follower = rig.generate(context, [9], tokens_max=5)
    rig.run()
    assert (follower.take().tolist(), follower.finish) == alone(rig, [1, 2, 3, 9], 5)


def test_pages_of_a_cancelled_generation_stay_reserved_until_its_batch_has_settled(rig):
    context = rig.context()
    rig.generate(context, [1] * 20, tokens_max=40)
    rig.hand_out()
    rig.core.release(context, rig.now)
    assert rig.core.kv.leaving == 5
    rig.land()
    assert rig.core.kv.leaving == 0 and rig.core.kv.available == 24


def test_the_driver_is_told_to_forget_a_released_context(rig):
    context = rig.context()
    rig.forward(context, [1])
    rig.run()
    rig.core.release(context, rig.now)
    rig.forward(rig.context(), [2])
    assert rig.hand_out().forget == (context.sequence,)
    rig.land()
    assert rig.driver.remembered() == 1


def test_a_work_cancelled_before_its_first_result_leaves_the_context_as_it_was(rig):
    context = rig.context()
    rig.forward(context, [1, 2])
    rig.run()
    work = rig.generate(context, [3] * 60, tokens_max=5)
    rig.step()
    rig.core.cancel(work, rig.now)
    rig.run()
    assert context.lineage.tokens.tolist() == [1, 2]


def test_releasing_a_context_ends_its_works(rig):
    context = rig.context()
    works = [rig.forward(context, [1]), rig.forward(context, [2])]
    rig.core.release(context, rig.now)
    assert all(isinstance(work.error, ContextReleasedError) for work in works)


def test_releasing_an_owner_frees_all_it_held(rig):
    works = [rig.generate(rig.context("a"), [1], tokens_max=50), rig.forward(rig.context("a"), [2])]
    other = rig.generate(rig.context("b"), [3], tokens_max=5)
    rig.hand_out()
    rig.core.release_owner("a", rig.now)
    rig.run()
    assert all(isinstance(work.error, CancelledProcessError) for work in works) and other.finish == "length"
    assert rig.core.kv.statistics().lineages == 1


def test_a_placed_pass_behind_a_cancelled_one_fails(rig):
    context = rig.context()
    first = rig.forward(context, [1, 2])
    second = rig.forward(context, [3], positions=[2])
    rig.core.cancel(first, rig.now)
    assert isinstance(second.error, InvalidArgumentError)


# --- Faults -----------------------------------------------------------------------------------------------------------


def test_a_failed_batch_fails_its_works_and_nothing_else(rig):
    context = rig.context()
    rig.forward(context, [1, 2])
    rig.run()
    work = rig.forward(context, [3])
    rig.hand_out()
    other = rig.generate(rig.context(), [7], tokens_max=9)
    rig.fail()
    rig.run()
    assert isinstance(work.error, DriverError) and context.lineage.tokens.tolist() == [1, 2]
    assert other.take().tolist() == alone(rig, [7], 9)[0]


def test_passes_queued_behind_a_failed_one_fail_with_it(rig):
    context = rig.context()
    works = [rig.forward(context, [1]), rig.forward(context, [2])]
    rig.hand_out()
    rig.fail()
    assert all(isinstance(work.error, DriverError) for work in works)


def test_a_generation_that_fails_keeps_what_was_delivered(rig):
    context = rig.context()
    work = rig.generate(context, [1, 2, 3], tokens_max=40)
    rig.step()
    rig.hand_out()
    rig.fail()
    got = work.take().tolist()
    assert isinstance(work.error, DriverError) and context.lineage.tokens.tolist() == [1, 2, 3, *got[:-1]]


def test_works_that_shared_only_the_batch_after_a_failed_one_are_tried_again(rig):
    failing = rig.generate(rig.context(), [1, 2, 3], tokens_max=40)
    rig.hand_out()
    innocent = rig.generate(rig.context(), [7, 8], tokens_max=6)
    rig.hand_out()
    rig.fail()
    rig.fail()  # it went on from tokens that were never drawn
    rig.run()
    assert isinstance(failing.error, DriverError)
    assert (innocent.take().tolist(), innocent.error) == (alone(rig, [7, 8], 6)[0], None)


def test_what_was_on_its_way_when_the_driver_died_is_tried_again(rig):
    context = rig.context()
    rig.forward(context, [1, 2, 3])
    rig.run()
    work = rig.forward(context, [4])
    generation = rig.generate(rig.context("b"), [7, 8], tokens_max=20, sampling=Sampling(temperature=1.0, seed=5))
    rig.hand_out()
    rig.lose()
    rig.run()
    assert (work.error, work.readings, context.length) == (None, alone(rig, [1, 2, 3, 4], 1)[0], 4)
    assert generation.take().tolist() == alone(rig, [7, 8], 20, sampling=Sampling(temperature=1.0, seed=5))[0]


def test_a_work_that_was_on_its_way_when_two_drivers_died_fails(rig):
    context = rig.context()
    rig.forward(context, [1, 2, 3])
    rig.run()
    work = rig.forward(context, [4])
    for _ in range(2):
        rig.hand_out()
        rig.lose()
    assert isinstance(work.error, DriverError) and context.length == 3


def test_a_pass_with_positions_of_its_own_is_not_tried_again_with_a_new_driver(rig):
    work = rig.forward(rig.context(), [1, 2], positions=[5, 9])
    rig.hand_out()
    rig.lose()
    assert isinstance(work.error, DriverError)


def test_after_a_lost_driver_contexts_are_computed_again(rig):
    context = rig.context()
    rig.forward(context, [1, 2, 3])
    rig.run()
    rig.lose()
    work = rig.generate(context, [4], tokens_max=9)
    rig.run()
    assert work.take().tolist() == alone(rig, [1, 2, 3, 4], 9)[0]


def test_works_that_were_only_waiting_survive_a_lost_driver(rig):
    rig = Rig(limits(batch_requests_max=1))
    rig.generate(rig.context("a"), [1], tokens_max=50)
    waiting = rig.generate(rig.context("b"), [2, 3], tokens_max=6)
    rig.hand_out()
    rig.lose()
    rig.run()
    assert waiting.take().tolist() == alone(rig, [2, 3], 6)[0]


def test_a_lost_context_with_custom_positions_says_so(rig):
    context = rig.context()
    rig.forward(context, [1, 2], positions=[5, 9])
    rig.run()
    rig.lose()
    with pytest.raises(DriverError, match="cannot be computed again"):
        rig.forward(context, [3])


def test_results_from_before_a_loss_are_ignored(rig):
    work = rig.generate(rig.context(), [1], tokens_max=50)
    batch = rig.hand_out()
    rig.lose()
    rig.core.settle(BatchResult(batch.id, (Output(b"\1\0\0\0"),), 0.0), 0.0)
    assert len(work.take()) == 0


@pytest.mark.parametrize("outputs", [(), (Output(),), (Output(b"\1\0\0\0" * 2),)])
def test_an_answer_of_another_shape_fails_the_works(rig, outputs):
    work = rig.forward(rig.context(), [1])
    batch = rig.hand_out()
    rig.flights.clear()
    rig.core.settle(BatchResult(batch.id, outputs, 0.0), 0.0)
    assert isinstance(work.error, DriverError)


# --- Watching ---------------------------------------------------------------------------------------------------------


def test_statistics_count_what_happened(rig):
    rig.generate(rig.context(), list(range(9)), tokens_max=6)
    rig.run()
    statistics = rig.core.statistics()
    assert (statistics.batches, statistics.requests, statistics.drawn_tokens) == (2, 2, 6)
    assert statistics.computed_tokens == 9 + 5 and statistics.batch_sizes[0] == 2
    assert statistics.running == statistics.waiting == statistics.in_flight == 0
