"""Whatever the scheduler does to be fast, a generation gives what it gives one token at a time, with nobody else around."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pie.driver.messages import Sampling
from sched_fakes.history import limits
from sched_fakes.naive import NaiveSequence
from sched_fakes.rig import Rig

LIMITS = st.builds(
    limits,
    page_size=st.sampled_from([1, 3, 4]),
    pages_total=st.integers(32, 60),
    context_max=st.just(32),
    batch_tokens_max=st.integers(8, 40),
    batch_requests_max=st.integers(1, 6),
    steps_max=st.integers(1, 6),
    batches_in_flight_max=st.integers(1, 3),
)
PROMPTS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 14), st.lists(st.integers(0, 39), min_size=1, max_size=8)), min_size=1, max_size=6
)
"""Which common beginning, how much of it, and what comes after."""


@settings(max_examples=80, deadline=None)
@given(
    LIMITS,
    PROMPTS,
    st.integers(1, 14),
    st.sets(st.integers(0, 39), max_size=2),
    st.sampled_from([0.0, 1.0]),
    st.sampled_from([None, 0, 3]),
)
def test_generations_give_what_they_give_alone(driver_limits, prompts, tokens_max, stop_tokens, temperature, top_logprobs):
    rig = Rig(driver_limits)
    sampling = Sampling(temperature, seed=3)
    given_tokens = [[(17 * common + number) % 40 for number in range(count)] + rest for common, count, rest in prompts]
    works = [
        rig.generate(
            rig.context(f"owner{number % 2}"), tokens, tokens_max, sorted(stop_tokens), sampling, top_logprobs=top_logprobs
        )
        for number, tokens in enumerate(given_tokens)
    ]
    rig.run()
    for tokens, work in zip(given_tokens, works, strict=True):
        naive = NaiveSequence(driver_limits, [])
        expected = naive.generate(tokens, sampling, work.tokens_max, work.stop_tokens, b"", top_logprobs)
        assert (work.take().tolist(), work.finish, work.error) == (*expected, None)
        assert work.take_logprobs() == naive.logprobs


@settings(max_examples=40, deadline=None)
@given(LIMITS, st.lists(st.integers(0, 39), min_size=2, max_size=12), st.lists(st.booleans(), min_size=1, max_size=4))
def test_forks_go_on_as_if_they_had_the_context_to_themselves(driver_limits, prompt, writers):
    rig = Rig(driver_limits)
    parent = rig.context()
    rig.forward(parent, prompt)
    rig.run()
    forks = [rig.core.kv.fork(parent.lineage, rig.now) for _ in writers]
    contexts = [parent] + [rig.core.hold(rig, fork, "a", "user") for fork in forks]
    works = [rig.generate(context, [number], 6) for number, context in enumerate(contexts)]
    rig.run()
    for number, work in enumerate(works):
        expected = NaiveSequence(driver_limits, []).generate([*prompt, number], Sampling(), 6, (), b"")
        assert (work.take().tolist(), work.finish) == expected
