"""Passes made before they are asked for: found when they are, and without a trace when they are not."""

import asyncio

import pytest

from pie.driver.messages import Logits, Sample, Sampling
from pie.errors import DriverError
from pie.sched.context import Context
from pie.sched.intake import Intake
from pie.sched.pass_work import PassWork
from pie.sched.scheduler import Scheduler
from pie.sched.work import Pass
from sched_fakes.history import AsyncHistoryDriver, limits
from sched_fakes.naive import NaiveSequence
from sched_fakes.rig import Rig

DRAW = (Sample(0, Sampling()),)
PROMPT = [1, 2, 3]


@pytest.fixture
def rig():
    made = Rig()
    yield made
    made.core.check()


def alone(count: int, sampling: Sampling | None = None) -> list[int]:
    return NaiveSequence(limits(), []).generate(PROMPT, sampling or Sampling(), count, (), b"")[0]


def looping(rig: Rig) -> tuple[Context, int]:
    """A context in a token loop, with a pass made ahead, and the token that its program holds."""
    context = rig.context()
    work = rig.forward(context, PROMPT)
    rig.run_batches(1)
    work = rig.forward(context, work.readings)
    rig.run_batches(1)
    assert context.ahead is not None
    return context, work.readings[0]


def claim(rig: Rig, context: Context, token: int, **rest) -> PassWork | None:
    return rig.core.claim(context, Pass([token], **({"slots": DRAW} | rest)), rig.now)


def test_the_second_pass_of_a_loop_brings_about_the_third(rig):
    context, token = looping(rig)
    batch = rig.hand_out()
    assert [request.sequence for request in batch.requests] == [context.sequence]
    assert claim(rig, context, token) is not None


@pytest.mark.parametrize("before", ["it goes out", "it is back", "it is out"])
def test_it_gives_what_the_program_would_have_got(rig, before):
    context, token = looping(rig)
    if before != "it goes out":
        rig.hand_out()
    if before == "it is back":
        rig.land()
    work = claim(rig, context, token)
    rig.run()
    assert work.readings == alone(3)[2:] and context.length == len(PROMPT) + 2


def test_a_loop_goes_on_and_on(rig):
    context, token = looping(rig)
    tokens = []
    for _ in range(6):
        rig.step()
        (token,) = claim(rig, context, token).readings
        tokens.append(token)
    assert tokens == alone(8)[2:]


def test_a_context_does_not_show_it(rig):
    context, _ = looping(rig)
    rig.hand_out()
    assert (context.length, context.busy) == (len(PROMPT) + 1, False)
    rig.land()
    assert (context.length, context.busy) == (len(PROMPT) + 1, False)


def test_nobody_is_told_of_it(rig):
    _, _ = looping(rig)
    rig.news.clear()
    rig.run()
    assert rig.news == []


OTHERS = {
    "another token": {"token": 39},
    "another sampler": {"slots": (Sample(0, Sampling(1.0, seed=4)),)},
    "something else to read": {"slots": (Logits(0),)},
    "more to read": {"slots": (*DRAW, Logits(0))},
    "a logit mask": {"logit_mask": [0, 3]},
    "a position of its own": {"positions": [9]},
    "not to stay": {"commit": False},
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
@pytest.mark.parametrize("back", [False, True])
def test_another_pass_finds_the_context_as_if_there_had_been_none(rig, other, back):
    context, token = looping(rig)
    rig.hand_out()
    if back:
        rig.land()
    assert claim(rig, context, **({"token": token} | other)) is None
    assert context.ahead is None and context.lineage.length == context.length == len(PROMPT) + 1
    work = rig.forward(context, [39])
    rig.run()
    expected = NaiveSequence(limits(), []).generate([*PROMPT, *alone(1), 39], Sampling(), 1, (), b"")[0]
    assert work.readings == expected


def test_a_position_that_the_token_has_anyway_changes_nothing(rig):
    context, token = looping(rig)
    assert claim(rig, context, token, positions=[len(PROMPT) + 1]) is not None


def test_a_generation_after_a_loop_goes_on_from_where_the_program_stood(rig):
    context, token = looping(rig)
    rig.run()
    work = rig.generate(context, [token], 5)
    rig.run()
    assert work.take().tolist() == alone(7)[2:]


def test_draws_without_a_seed_are_not_foreseen(rig):
    seeds = iter(range(100, 200))
    rig.intake = Intake(rig.limits, lambda: next(seeds))
    context = rig.context()
    tokens = PROMPT
    for _ in range(3):
        work = rig.forward(context, tokens, [Sample(len(tokens) - 1, Sampling(1.0))])
        rig.run()
        tokens = work.readings
    assert context.ahead is None


def test_if_it_fails_nobody_notices(rig):
    context, token = looping(rig)
    rig.hand_out()
    rig.fail()
    assert context.ahead is None and claim(rig, context, token) is None
    work = rig.forward(context, [token])
    rig.run()
    assert work.readings == alone(3)[2:]


def test_one_that_was_claimed_and_fails_says_so(rig):
    context, token = looping(rig)
    rig.hand_out()
    work = claim(rig, context, token)
    rig.fail()
    assert isinstance(work.error, DriverError)


def test_it_goes_with_its_context(rig):
    context, _ = looping(rig)
    rig.hand_out()
    rig.core.release(context, rig.now)
    rig.land()
    assert rig.core.idle and rig.core.kv.statistics().lineages == 0 and context.last is None


def test_none_is_made_beyond_the_longest_context():
    rig = Rig(limits(context_max=5))
    context = rig.context()
    work = rig.forward(context, PROMPT)
    rig.run_batches(1)
    for _ in range(2):
        work = rig.core.claim(context, Pass(work.readings, slots=DRAW), rig.now) or rig.forward(context, work.readings)
        rig.run()
    assert context.ahead is None and context.length == 5


async def test_a_program_s_loop_gets_the_same_tokens():
    driver = AsyncHistoryDriver(limits(), fail={6})
    scheduler = Scheduler(driver)
    await scheduler.start()
    contexts = [scheduler.create_context(f"process{number}") for number in range(3)]
    for context in contexts:
        tokens, drawn = PROMPT, []
        while len(drawn) < 9:
            try:
                output = await scheduler.forward(context, Pass(tokens, slots=(Sample(len(tokens) - 1, Sampling()),)))
            except DriverError:
                continue
            drawn += output.readings
            tokens = output.readings
        assert drawn == alone(9)
    scheduler.check()
    await scheduler.close()


async def test_only_what_was_asked_for_is_charged():
    scheduler = Scheduler(AsyncHistoryDriver(limits()))
    charged: list[int] = []
    scheduler.on_tokens = lambda _, count: charged.append(count)
    await scheduler.start()
    context = scheduler.create_context("process")
    tokens = PROMPT
    for _ in range(5):
        tokens = (await scheduler.forward(context, Pass(tokens, slots=(Sample(len(tokens) - 1, Sampling()),)))).readings
        await asyncio.sleep(0.01)
    await scheduler.forward(context, Pass([39]))
    assert sum(charged) == context.length == len(PROMPT) + 5
    await scheduler.close()


async def test_forks_and_cuts_do_not_see_it():
    scheduler = Scheduler(AsyncHistoryDriver(limits()))
    await scheduler.start()
    context = scheduler.create_context("process")
    tokens = PROMPT
    for _ in range(4):
        tokens = (await scheduler.forward(context, Pass(tokens, slots=(Sample(len(tokens) - 1, Sampling()),)))).readings
    fork = context.fork()
    assert (fork.length, context.length) == (6, 6)
    context.truncate(3)
    for one, given in ((fork, tokens), (context, alone(1))):
        output = await scheduler.forward(one, Pass(given, slots=DRAW))
        assert output.readings == (alone(5)[4:] if one is fork else alone(2)[1:])
    await scheduler.close()
