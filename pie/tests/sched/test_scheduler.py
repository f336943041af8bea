"""The shell: what callers see, on the event loop."""

import asyncio
from array import array
from collections import Counter
from random import Random

import pytest

from pie.clock import ManualClock
from pie.driver.dummy import DummyDriver, Faults
from pie.driver.messages import Entropy, Sample, Sampling
from pie.errors import (
    CancelledProcessError,
    ContextBusyError,
    ContextLimitError,
    ContextNameTakenError,
    ContextNotFoundError,
    ContextReleasedError,
    DriverError,
    LengthOutOfRangeError,
    TokenOutOfRangeError,
)
from pie.sched.scheduler import Scheduler
from pie.sched.work import GenerateOptions, Pass
from sched_fakes.history import AsyncHistoryDriver, limits
from sched_fakes.naive import NaiveSequence

DRAW = (Sample(0, Sampling()),)


async def started(driver=None, **rest) -> Scheduler:
    scheduler = Scheduler(driver or AsyncHistoryDriver(limits(pages_total=200)), **rest)
    await scheduler.start()
    return scheduler


@pytest.fixture
async def scheduler():
    made = await started()
    yield made
    made.check()
    await made.close()


async def ended(generation) -> list[int]:
    """All tokens of a generation, taken as they come."""
    progress, tokens = asyncio.Event(), []
    generation.on_progress = progress.set
    while not generation.done:
        await asyncio.wait_for(progress.wait(), 10)
        progress.clear()
        tokens.extend(generation.take())
    return tokens + generation.take().tolist()


def alone(prompt: list[int], tokens_max: int) -> list[int]:
    return NaiveSequence(limits(), []).generate(prompt, Sampling(), tokens_max, (), b"")[0]


async def test_a_pass_answers_with_its_readings(scheduler):
    context = scheduler.create_context("process")
    output = await scheduler.forward(context, Pass([1, 2, 3], slots=(Sample(2, Sampling()), Entropy(0))))
    assert output.readings[0] == alone([1, 2, 3], 1)[0] and context.length == 3


async def test_a_generation_delivers_its_tokens_as_they_come(scheduler):
    generation = scheduler.generate(scheduler.create_context("process"), [1, 2, 3], GenerateOptions(tokens_max=30))
    assert await ended(generation) == alone([1, 2, 3], 30) and generation.finish == "length"


async def test_many_generations_run_at_once(scheduler):
    generations = [
        scheduler.generate(scheduler.create_context(f"process{number}"), [number, 1], GenerateOptions(tokens_max=12))
        for number in range(10)
    ]
    tokens = await asyncio.gather(*[ended(generation) for generation in generations])
    assert list(tokens) == [alone([number, 1], 12) for number in range(10)]


async def test_programs_that_decode_by_themselves_share_batches(scheduler):
    async def program(number: int) -> list[int]:
        context, token, tokens = scheduler.create_context(f"process{number}"), number, []
        for _ in range(12):
            token = (await scheduler.forward(context, Pass([token], slots=DRAW))).readings[0]
            tokens.append(token)
        return tokens

    tokens = await asyncio.gather(*[program(number) for number in range(6)])
    assert list(tokens) == [alone([number], 12) for number in range(6)]
    statistics = scheduler.statistics()
    assert statistics.requests / statistics.batches >= 2


async def test_who_does_something_else_does_not_hold_up_the_others(scheduler):
    async def program(number: int) -> None:
        context = scheduler.create_context(f"process{number}")
        for _ in range(5):
            await scheduler.forward(context, Pass([number], slots=DRAW))
            if number == 0:
                await asyncio.sleep(0.05)

    await asyncio.wait_for(asyncio.gather(*[program(number) for number in range(4)]), 10)


async def test_errors_in_arguments_are_raised_at_once(scheduler):
    context = scheduler.create_context("process")
    context.release()
    with pytest.raises(ContextReleasedError):
        scheduler.forward(context, Pass([1]))


async def test_a_generation_can_be_cancelled(scheduler):
    context = scheduler.create_context("process")
    generation = scheduler.generate(context, [1], GenerateOptions(tokens_max=80))
    tokens: list[int] = []

    def on_progress() -> None:
        tokens.extend(generation.take())
        generation.cancel()

    generation.on_progress = on_progress
    while not generation.done:
        await asyncio.sleep(0)
    assert tokens == alone([1], 80)[: len(tokens)] and context.length == len(tokens) < 80


async def test_a_slow_reader_pauses_its_generation(scheduler):
    generation = scheduler.generate(scheduler.create_context("process"), [1], GenerateOptions(tokens_max=20))
    generation.allow(3)
    await asyncio.sleep(0.05)
    assert len(generation.take()) == 3 and not generation.done
    generation.allow(None)
    assert len(await ended(generation)) == 17


async def test_forks_share_and_go_their_own_ways(scheduler):
    parent = scheduler.create_context("process")
    await scheduler.forward(parent, Pass([1, 2, 3, 4, 5]))
    child = parent.fork()
    one = scheduler.generate(parent, [7], GenerateOptions(tokens_max=6))
    other = scheduler.generate(child, [8], GenerateOptions(tokens_max=6))
    assert await ended(one) == alone([1, 2, 3, 4, 5, 7], 6) and await ended(other) == alone([1, 2, 3, 4, 5, 8], 6)


async def test_a_busy_context_cannot_be_forked_or_cut(scheduler):
    context = scheduler.create_context("process")
    future = scheduler.forward(context, Pass([1, 2]))
    for operation in (context.fork, lambda: context.save("x"), context.snapshot, lambda: context.truncate(0)):
        with pytest.raises(ContextBusyError):
            operation()
    await future


async def test_contexts_are_kept_under_names(scheduler):
    context = scheduler.create_context("process", "ada")
    await scheduler.forward(context, Pass([1, 2, 3]))
    context.save("notes")
    with pytest.raises(ContextNameTakenError):
        context.save("notes")
    assert scheduler.open_context("other", "ada", "notes").length == 3
    assert scheduler.take_context("other", "ada", "notes").length == 3
    with pytest.raises(ContextNotFoundError):
        scheduler.delete_context("ada", "notes")


async def test_a_saved_context_comes_back_from_its_tokens_in_another_scheduler(scheduler):
    context = scheduler.create_context("process", "ada")
    first = await ended(scheduler.generate(context, [1, 2, 3], GenerateOptions(tokens_max=20)))
    context.save("kept")
    [saved] = scheduler.saved_contexts()
    assert (saved.username, saved.name, saved.tokens) == ("ada", "kept", array("i", [1, 2, 3, *first[:-1]]).tobytes())
    other = await started()
    other.recall_context("ada", "kept", array("i", saved.tokens))
    other.check()
    going_on = await ended(other.generate(other.take_context("p", "ada", "kept"), [first[-1]], GenerateOptions(tokens_max=8)))
    assert first + going_on == alone([1, 2, 3], 28)
    await other.close()


async def test_a_context_with_kv_of_its_own_cannot_be_kept_as_tokens(scheduler):
    context = scheduler.create_context("process", "ada")
    await scheduler.forward(context, Pass([1, 2], positions=[5, 9]))
    context.save("custom")
    assert [saved.tokens for saved in scheduler.saved_contexts()] == [None]


async def test_whoever_counts_is_told_what_was_computed_for_whom(scheduler):
    counts = Counter()
    scheduler.on_tokens = lambda owner, count: counts.update({owner: count})
    context = scheduler.create_context("first")
    await ended(scheduler.generate(context, [1, 2, 3], GenerateOptions(tokens_max=20)))
    await scheduler.forward(scheduler.create_context("second"), Pass(list(range(30)), slots=DRAW))
    assert counts == {"first": 3 + 19, "second": 30}
    assert counts.total() == scheduler.statistics().computed_tokens


async def test_what_is_computed_again_does_not_count():
    scheduler = await started(AsyncHistoryDriver(limits(), lose={3}))
    counts = Counter()
    scheduler.on_tokens = lambda owner, count: counts.update({owner: count})
    context = scheduler.create_context("p")
    await scheduler.forward(context, Pass(list(range(10))))
    await ended(scheduler.generate(context, [1, 2, 3], GenerateOptions(tokens_max=20)))
    assert scheduler.statistics().computed_tokens > counts.total()
    assert counts == {"p": 10 + 3 + 19}
    await scheduler.close()


async def test_what_is_computed_for_a_process_that_has_ended_counts_too(scheduler):
    counts = Counter()
    scheduler.on_tokens = lambda owner, count: counts.update({owner: count})
    future = scheduler.forward(scheduler.create_context("gone"), Pass(list(range(30)), slots=DRAW))
    await asyncio.sleep(0)
    scheduler.release_owner("gone")
    with pytest.raises(CancelledProcessError):
        await future
    await scheduler.forward(scheduler.create_context("next"), Pass([1]))
    assert counts == {"gone": 30, "next": 1}


async def test_what_cannot_be_recalled_is_refused(scheduler):
    for tokens, error in (([10**6], TokenOutOfRangeError), ([1] * 100_000, ContextLimitError)):
        with pytest.raises(error):
            scheduler.recall_context("ada", "kept", tokens)
    scheduler.recall_context("ada", "kept", [])
    with pytest.raises(ContextNameTakenError):
        scheduler.recall_context("ada", "kept", [1])


@pytest.mark.parametrize(("share", "computed"), [(True, 1), (False, 33)])
async def test_users_may_be_kept_from_finding_what_others_had_computed(share, computed):
    scheduler = await started(share_prefixes=share)
    prompt = list(range(33))
    await scheduler.forward(scheduler.create_context("p", "ada"), Pass(prompt))
    before = scheduler.statistics().computed_tokens
    await scheduler.forward(scheduler.create_context("q", "bob"), Pass(prompt))
    assert scheduler.statistics().computed_tokens - before == computed
    await scheduler.forward(scheduler.create_context("r", "bob"), Pass(prompt))
    assert scheduler.statistics().computed_tokens - before == computed + 1
    await scheduler.close()


async def test_a_snapshot_makes_up_its_name(scheduler):
    context = scheduler.create_context("process", "ada")
    names = {context.snapshot(), context.snapshot()}
    assert len(names) == 2 and all(scheduler.open_context("other", "ada", name).length == 0 for name in names)


async def test_a_context_is_cut_to_a_length_it_has(scheduler):
    context = scheduler.create_context("process")
    await scheduler.forward(context, Pass([1, 2, 3, 4, 5]))
    context.truncate(2)
    assert context.length == 2
    with pytest.raises(LengthOutOfRangeError):
        context.truncate(3)


async def test_usage_counts_full_and_partial_pages(scheduler):
    context = scheduler.create_context("process")
    await scheduler.forward(context, Pass([1] * 9))
    usage = context.usage()
    assert (usage.length, usage.page_size, usage.full_pages, usage.partial_pages) == (9, 4, 2, 1)


async def test_releasing_an_owner_ends_its_works(scheduler):
    context = scheduler.create_context("process")
    future = scheduler.forward(context, Pass([1]))
    scheduler.release_owner("process")
    with pytest.raises(Exception, match="ended"):
        await future
    assert context.released and scheduler.statistics().kv.lineages == 0


async def test_a_failed_batch_fails_its_pass():
    scheduler = await started(AsyncHistoryDriver(limits(), fail={2}))
    context = scheduler.create_context("process")
    await scheduler.forward(context, Pass([1]))
    with pytest.raises(DriverError):
        await scheduler.forward(context, Pass([2]))
    await scheduler.forward(context, Pass([3]))
    assert context.length == 2
    await scheduler.close()


async def test_a_driver_that_dies_once_is_not_noticed_and_one_that_dies_again_is():
    scheduler = await started(AsyncHistoryDriver(limits(), lose={2, 4, 5}))
    context = scheduler.create_context("process")
    await scheduler.forward(context, Pass([1, 2, 3]))
    await scheduler.forward(context, Pass([4]))
    with pytest.raises(DriverError):
        await scheduler.forward(context, Pass([6]))
    generation = scheduler.generate(context, [5], GenerateOptions(tokens_max=9))
    assert await ended(generation) == alone([1, 2, 3, 4, 5], 9)
    await scheduler.close()


async def test_a_driver_that_restarted_while_nobody_looked_is_noticed():
    driver = AsyncHistoryDriver(limits())
    scheduler = await started(driver)
    context = scheduler.create_context("process")
    await scheduler.forward(context, Pass([1, 2, 3]))
    driver.history.lose()
    generation = scheduler.generate(context, [5], GenerateOptions(tokens_max=9))
    assert await ended(generation) == alone([1, 2, 3, 5], 9)
    await scheduler.close()


async def test_a_driver_that_raises_something_else_fails_the_batch():
    class Broken(AsyncHistoryDriver):
        async def forward(self, batch):
            raise RuntimeError("a bug")

    scheduler = await started(Broken(limits()))
    with pytest.raises(DriverError, match="a bug"):
        await scheduler.forward(scheduler.create_context("process"), Pass([1]))
    await scheduler.close()


async def test_closing_fails_what_is_left():
    scheduler = await started(DummyDriver(faults=Faults(latency_s=lambda _: 60.0)))
    context = scheduler.create_context("process")
    future = scheduler.forward(context, Pass([1]))
    await asyncio.sleep(0)
    await scheduler.close()
    await scheduler.close()
    with pytest.raises(DriverError):
        await future
    with pytest.raises(DriverError):
        scheduler.forward(context, Pass([1]))


async def test_pages_that_come_free_with_time_are_used_in_time():
    clock = ManualClock()
    scheduler = await started(AsyncHistoryDriver(limits(pages_total=8, context_max=32)), clock=clock)
    await scheduler.forward(scheduler.create_context("idle"), Pass([1] * 24))
    generation = scheduler.generate(scheduler.create_context("late"), [2] * 20, GenerateOptions(tokens_max=2))
    await asyncio.sleep(0.01)
    assert not generation.done
    clock.advance(200_000_000)
    assert len(await ended(generation)) == 2
    await scheduler.close()


async def test_equal_sources_of_chance_give_equal_draws():
    async def drawn() -> list[int]:
        scheduler = await started(random=Random(5))
        generation = scheduler.generate(scheduler.create_context("process"), [1], GenerateOptions(Sampling(1.0), tokens_max=20))
        tokens = await ended(generation)
        await scheduler.close()
        return tokens

    assert await drawn() == await drawn()


async def test_a_consumer_that_fails_does_not_keep_others_from_their_news():
    scheduler = await started()
    reported = []
    asyncio.get_running_loop().set_exception_handler(lambda _, report: reported.append(report["exception"]))
    failing = scheduler.generate(scheduler.create_context("a"), [1], GenerateOptions(tokens_max=5))
    failing.on_progress = [].pop
    other = scheduler.generate(scheduler.create_context("b"), [2], GenerateOptions(tokens_max=5))
    assert len(await ended(other)) == 5 and isinstance(reported[0], IndexError)
    await scheduler.close()


async def test_one_failure_is_a_different_exception_for_each_who_is_told():
    scheduler = await started(AsyncHistoryDriver(limits(), fail={1}))
    context = scheduler.create_context("process")
    futures = [scheduler.forward(context, Pass([number])) for number in range(2)]
    errors = await asyncio.gather(*futures, return_exceptions=True)
    assert all(isinstance(error, DriverError) for error in errors) and errors[0] is not errors[1]
    await scheduler.close()


async def test_a_work_knows_how_many_of_its_tokens_were_known(scheduler):
    prompt = [1, 2, 3, 4] * 10
    full_pages = (len(prompt) - 1) // scheduler.page_size
    for expected in (0, full_pages * scheduler.page_size):
        generation = scheduler.generate(scheduler.create_context("process"), prompt, GenerateOptions(tokens_max=1))
        await ended(generation)
        assert generation.reused == expected
