import asyncio
import struct
from typing import Any

import pytest
from scripted_engine import Engine, Run

from inferlet import Context, Distribution, Entropy, HostError, Logits, Logprob, Logprobs, Model, Sampler

ARGMAX = Sampler.argmax()


@pytest.fixture
def context(model: Model) -> Any:
    return Context(model)


def test_a_pass_samples_after_the_inputs_asked_for(run: Run, context: Context) -> None:
    async def main():
        forward = context.forward().input([1, 2, 3])
        each = forward.sample([0, 1, 2], ARGMAX)
        output = await forward.execute()
        return output.tokens_at(each), output.token(each)

    assert run(main()) == ([ord("a"), ord("r"), ord("i")], ord("a"))


def test_the_inputs_stay_in_the_context(run: Run, context: Context) -> None:
    async def main():
        before = context.forward().start_position()
        await context.forward().input([1, 2]).input([3]).execute()
        return before, context.forward().start_position()

    assert run(main()) == (0, 3)
    assert context._handle.tokens == [1, 2, 3]


def test_a_step_of_a_token_loop_is_one_crossing(engine: Engine, run: Run, context: Context) -> None:
    async def main():
        token = 1
        for _ in range(5):
            forward = context.forward().input([token])
            sampled = forward.sample([0], ARGMAX)
            token = (await forward.execute()).token(sampled)

    engine.calls.clear()
    run(main())
    assert engine.calls == ["forward.draw"] * 5


def test_a_pass_with_a_mask_draws_the_same_by_way_of_a_whole_pass(engine: Engine, run: Run, context: Context) -> None:
    async def main():
        forward = context.forward().input([1, 2, 3]).mask([0, 5])
        sampled = forward.sample([2], ARGMAX)
        return (await forward.execute()).token(sampled), context.seq_len

    assert run(main()) == (ord("i"), 3)
    assert engine.count("forward.run") == 1


def test_passes_of_several_tasks_run_side_by_side(engine: Engine, run: Run, model: Model) -> None:
    async def loop_of_passes():
        context = Context(model)
        for _ in range(3):
            await context.forward().input([1]).execute()

    async def main():
        await asyncio.gather(*(loop_of_passes() for _ in range(4)))

    start_ns = engine.now_ns
    run(main())
    assert engine.count("forward.run") < 3
    assert engine.now_ns - start_ns <= 4_000_000


def test_every_kind_of_probe_reads_back(run: Run, context: Context) -> None:
    async def main():
        forward = context.forward().input([1])
        handles = [
            forward.probe(0, probe) for probe in (Distribution(1.0, 2), Logits(), Logprob(97), Logprobs([97, 98]), Entropy())
        ]
        output = await forward.execute()
        distribution, logits, logprob, logprobs, entropy = handles
        assert output.distribution(distribution) == ([97, 0], [0.75, 0.25])
        assert struct.unpack_from("<f", output.logits(logits), 4 * 97) == (1.0,)
        assert output.logprobs(logprob) == [0.0]
        assert output.logprobs(logprobs) == [0.0, -9.0]
        assert output.entropy(entropy) == 0.5

    run(main())


def test_a_handle_of_another_kind_reads_as_nothing(run: Run, context: Context) -> None:
    async def main():
        forward = context.forward().input([1])
        sampled = forward.sample([0], ARGMAX)
        entropy = forward.probe(0, Entropy())
        output = await forward.execute()
        assert output.token(entropy) is None
        assert output.distribution(sampled) is None
        assert output.logits(sampled) is None
        assert output.logprobs(entropy) is None
        assert output.entropy(sampled) is None

    run(main())


def test_slots_come_in_the_order_in_which_they_were_attached(run: Run, context: Context) -> None:
    async def main():
        forward = context.forward().input([1, 2])
        entropy = forward.probe(0, Entropy())
        sampled = forward.sample([0, 1], ARGMAX)
        last = forward.probe(1, Entropy())
        output = await forward.execute()
        assert (entropy.slot, sampled.slot, sampled.arity, last.slot) == (0, 1, 2, 3)
        kinds = [type(reading).__name__.removeprefix("Reading_") for reading in output.raw]
        assert kinds == ["Entropy", "Token", "Token", "Entropy"]

    run(main())


def test_an_index_of_minus_one_is_the_last_input(run: Run, context: Context) -> None:
    async def main():
        forward = context.forward().input([1, 2, 3])
        last = forward.sample([-1], ARGMAX)
        also_last = forward.sample([2], ARGMAX)
        output = await forward.execute()
        assert output.token(last) == output.token(also_last)

    run(main())


def test_an_index_before_the_first_input_is_refused(run: Run, context: Context) -> None:
    forward = context.forward().input([1])
    forward.sample([-2], ARGMAX)
    with pytest.raises(IndexError):
        run(forward.execute())


def test_scored_tokens_do_not_stay(run: Run, context: Context) -> None:
    async def main():
        await context.forward().input([1, 2]).execute()
        forward = context.forward().input_at([7, 8], [2, 2])
        scores = [forward.probe(0, Logprob(1)), forward.probe(1, Logprob(1))]
        output = await forward.execute()
        return [output.logprobs(score) for score in scores]

    assert run(main()) == [[-9.0], [-9.0]]
    assert context._handle.tokens == [1, 2]
    assert context.seq_len == 2


def test_of_kept_and_scored_tokens_in_one_pass_only_the_kept_stay(run: Run, context: Context) -> None:
    async def main():
        await context.forward().input([1]).execute()
        await context.forward().input([2]).input_at([9, 9], [5, 6]).execute()

    run(main())
    assert context._handle.tokens == [1, 2]
    assert context.seq_len == 2


def test_tokens_and_positions_must_match(context: Context) -> None:
    with pytest.raises(ValueError, match="2 tokens but 1 positions"):
        context.forward().input_at([1, 2], [0])


def test_an_empty_pass_is_refused_before_the_engine_hears_of_it(engine: Engine, run: Run, context: Context) -> None:
    engine.calls.clear()
    with pytest.raises(ValueError, match="empty forward pass"):
        run(context.forward().execute())
    assert engine.calls == []


def test_masks_reach_the_engine_as_given(run: Run, context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    from inferlet import _host as host

    seen = []
    plain_run = host.forward.run
    monkeypatch.setattr(host.forward, "run", lambda handle, request: seen.append(request) or plain_run(handle, request))
    run(context.forward().input([1]).mask([3, 4]).attention_mask([[0, 1]]).execute())
    assert (seen[0].logit_mask, seen[0].attention_mask, seen[0].positions, seen[0].commit) == ([3, 4], [[0, 1]], [], True)


@pytest.mark.parametrize("function", ["forward.run", "forward.execute"])
def test_an_engine_failure_keeps_its_code(engine: Engine, run: Run, context: Context, function: Any) -> None:
    async def main():
        if function == "forward.execute":
            await asyncio.gather(context.forward().input([1]).execute(), asyncio.sleep(0))
        else:
            await context.forward().input([1]).execute()

    engine.faults[function] = ("driver-failed", "the driver failed")
    with pytest.raises(HostError, match="the driver failed") as failure:
        run(main())
    assert failure.value.code == "driver-failed"


def test_a_failure_that_comes_with_the_output_is_raised_too(run: Run, context: Context) -> None:
    async def main():
        await asyncio.gather(context.forward().input([1] * 600).execute(), asyncio.sleep(0))

    with pytest.raises(HostError, match="more than 512"):
        run(main())


def test_the_context_asks_for_its_length_after_a_failed_pass(engine: Engine, run: Run, context: Context) -> None:
    engine.faults["forward.run"] = ("driver-failed", "")
    with pytest.raises(HostError):
        run(context.forward().input([1]).execute())
    assert context.seq_len == 0
    assert engine.count("usage") == 1


def test_a_cancelled_pass_gives_its_handles_back(engine: Engine, run: Run, context: Context) -> None:
    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(context.forward().input([1]).execute(), timeout=0.0001)

    run(main())
    assert engine.live["FutureOutput"] == engine.live["Pollable"] == 0
