import asyncio
from typing import Any

import pytest
from scripted_engine import ASSISTANT, BEGIN, STOP, USER, Engine, Run

from inferlet import Context, Distribution, Entropy, HostError, LaterVersionError, Model, Sampler

ARGMAX = Sampler.argmax()
PROMPT = [BEGIN, USER, ord("q"), STOP, ASSISTANT]


def letters(text: Any) -> Any:
    return list(text.encode())


@pytest.fixture
def context(model: Model) -> Any:
    return Context(model).user("q")


# --- as a whole ---


def test_a_whole_answer_costs_one_call_to_start_and_one_to_collect(engine: Engine, run: Run, context: Context) -> None:
    engine.calls.clear()
    assert run(context.generate(ARGMAX).collect_text()) == "Paris."
    assert engine.calls == ["info", "generate.start", "generation.collect"]


def test_collected_tokens_end_before_the_stop_token(run: Run, context: Context) -> None:
    assert run(context.generate(ARGMAX).collect_tokens()) == letters("Paris.")


def test_at_most_max_tokens_are_generated(run: Run, context: Context) -> None:
    generator = context.generate(ARGMAX, max_tokens=3)
    assert run(generator.collect_text()) == "Par"
    assert generator.is_done
    assert generator.tokens_generated == 3


def test_no_tokens_at_all_need_no_engine(engine: Engine, run: Run, context: Context) -> None:
    generator = context.generate(ARGMAX, max_tokens=0)
    assert run(generator.collect_text()) == ""
    assert engine.count("generate.start") == 0


def test_several_answers_are_collected_at_the_same_time(engine: Engine, run: Run, model: Model) -> None:
    async def answer():
        return await Context(model).user("q").generate(ARGMAX).collect_text()

    async def main():
        return await asyncio.gather(*(answer() for _ in range(3)))

    assert run(main()) == ["Paris."] * 3
    assert engine.now_ns < 8_000_000
    assert engine.count("poll") <= 3


def test_without_auto_flush_the_text_is_continued_and_nothing_stops_it(run: Run, model: Model) -> None:
    context = Context(model).append([0, 0])
    assert run(context.generate(ARGMAX, auto_flush=False, max_tokens=5).collect_text()) == "ris.P"
    assert ASSISTANT not in context._handle.tokens


def test_stop_tokens_of_ones_own_replace_the_models(run: Run, context: Context) -> None:
    assert run(context.generate(ARGMAX, stop=letters("i")).collect_text()) == "Par"


def test_stop_tokens_can_be_added(run: Run, context: Context) -> None:
    assert run(context.generate(ARGMAX).add_stop(letters("r")).collect_text()) == "Pa"


def test_settings_can_be_chained(run: Run, context: Context) -> None:
    assert run(context.generate(ARGMAX).stop([]).max_tokens(2).disable_system_speculation().collect_text()) == "Pa"


# --- step by step, in the engine ---


async def steps_of(generator: Any, count: Any = None) -> Any:
    tokens = []
    async for step in generator:
        tokens.append((await step.execute()).tokens)
        if count is not None and len(tokens) == count:
            break
    return tokens


def test_steps_hand_out_the_answer_in_pieces(run: Run, context: Context) -> None:
    pieces = run(steps_of(context.generate(ARGMAX)))
    assert [token for piece in pieces for token in piece] == letters("Paris.")


def test_a_streamed_step_is_one_call(engine: Engine, run: Run, context: Context) -> None:
    generator = context.generate(ARGMAX)
    engine.calls.clear()
    pieces = run(steps_of(generator))
    assert engine.calls == ["generate.start"] + ["generation.next"] * len(pieces)


def test_other_tasks_run_while_a_step_waits(engine: Engine, run: Run, context: Context) -> None:
    async def main():
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                await asyncio.sleep(0.0005)
                ticks += 1

        ticking = asyncio.create_task(tick())
        pieces = await steps_of(context.generate(ARGMAX))
        ticking.cancel()
        await asyncio.wait([ticking])
        return ticks, [token for piece in pieces for token in piece]

    ticks, tokens = run(main())
    assert tokens == letters("Paris.")
    assert ticks >= 6
    assert engine.count("generation.next") == 0


def test_the_auto_sampler_reads_the_first_token_of_a_step(run: Run, context: Context) -> None:
    async def main():
        step = await anext(context.generate(ARGMAX))
        output = await step.execute()
        return output.token(output.auto_sampler)

    assert run(main()) == ord("P")


def test_texts_come_as_pieces_of_the_whole(run: Run, context: Context) -> None:
    async def main():
        return [text async for text in context.generate(ARGMAX).texts()]

    pieces = run(main())
    assert all(pieces)
    assert "".join(pieces) == "Paris."


def test_after_a_stop_token_the_whole_answer_is_in_the_context(run: Run, context: Context) -> None:
    run(steps_of(context.generate(ARGMAX)))
    assert context.buffer() == []
    assert context._handle.tokens == PROMPT + letters("Paris.")


def test_after_max_tokens_the_last_token_is_in_the_buffer(run: Run, context: Context) -> None:
    run(context.generate(ARGMAX, max_tokens=3).collect_tokens())
    assert context.buffer() == letters("r")
    assert context._handle.tokens == PROMPT + letters("Pa")


def test_a_reader_that_leaves_early_finds_in_the_context_what_it_read(run: Run, context: Context) -> None:
    async def main():
        await steps_of(context.generate(ARGMAX), count=2)
        await asyncio.sleep(1)  # the engine runs ahead meanwhile

    run(main())
    assert context.buffer() == letters("a")
    assert context._handle.tokens == PROMPT + letters("P")


def test_a_generation_goes_on_after_a_look_at_the_context(run: Run, context: Context) -> None:
    async def main():
        generator = context.generate(ARGMAX)
        first = await steps_of(generator, count=2)
        assert context.seq_len == len(PROMPT) + 1
        return first + await steps_of(generator)

    assert [token for piece in run(main()) for token in piece] == letters("Paris.")


def test_a_fork_in_mid_answer_goes_on_like_the_original(run: Run, context: Context) -> None:
    async def main():
        generator = context.generate(ARGMAX)
        await steps_of(generator, count=3)
        fork = context.fork()
        return await generator.collect_text(), await fork.generate(ARGMAX, auto_flush=False, stop=[STOP]).collect_text()

    assert run(main()) == ("is.", "is.")


def test_tokens_appended_in_mid_answer_are_part_of_it(run: Run, context: Context) -> None:
    async def main():
        generator = context.generate(ARGMAX)
        await steps_of(generator, count=1)
        context.append(letters("ar"))
        return await generator.collect_text()

    assert run(main()) == "is."


def test_a_stop_token_added_in_mid_answer_stops_it(run: Run, context: Context) -> None:
    async def main():
        generator = context.generate(ARGMAX)
        await steps_of(generator, count=1)
        return await generator.add_stop(letters("s")).collect_text()

    assert run(main()) == "ari"


def test_a_second_generator_on_the_context_takes_over(run: Run, context: Context) -> None:
    async def main():
        first = context.generate(ARGMAX)
        await steps_of(first, count=2)
        second = context.generate(ARGMAX, auto_flush=False, stop=[STOP])
        await steps_of(second, count=1)
        return await first.collect_text()

    assert run(main()) == "is."


def test_a_cancelled_step_loses_nothing(run: Run, context: Context) -> None:
    async def main():
        generator = context.generate(ARGMAX)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(steps_of(generator, count=1), timeout=0.0001)
        return await generator.collect_text()

    assert run(main()) == "Paris."


def test_the_engine_runs_ahead_of_a_slow_reader_only_so_far(engine: Engine, run: Run, model: Model) -> None:
    async def main():
        generator = Context(model).append([0]).generate(ARGMAX, auto_flush=False)
        await steps_of(generator, count=1)
        await asyncio.sleep(10)
        await steps_of(generator, count=1)
        return generator.tokens_generated

    assert run(main()) == 65


def test_a_failed_generation_says_why_and_frees_the_context(engine: Engine, run: Run, context: Context) -> None:
    async def main():
        generator = context.generate(ARGMAX)
        await steps_of(generator, count=2)
        engine.faults["generation.next"] = ("driver-failed", "the driver failed")
        with pytest.raises(HostError, match="the driver failed"):
            await steps_of(generator, count=1)
        return await generator.collect_text()

    assert run(main()) == "ris."


def test_a_generation_that_could_not_start_leaves_the_buffer_alone(engine: Engine, run: Run, context: Context) -> None:
    engine.faults["generate.start"] = ("out-of-pages", "no room")
    generator = context.generate(ARGMAX)
    with pytest.raises(HostError):
        run(generator.collect_text())
    assert run(generator.collect_text()) == "Paris."


def test_a_step_after_the_end_gives_nothing(engine: Engine, run: Run, context: Context) -> None:
    async def main():
        generator = context.generate(ARGMAX, max_tokens=1)
        steps = [step async for step in generator if len((await step.execute()).tokens) == 1]
        engine.calls.clear()
        return (await steps[0].execute()).tokens

    assert run(main()) == []
    assert engine.calls == []


# --- step by step, by the program ---


def test_a_probe_on_a_step_makes_it_a_pass_of_its_own(engine: Engine, run: Run, context: Context) -> None:
    async def main():
        step = await anext(context.generate(ARGMAX))
        entropy = step.probe(-1, Entropy())
        output = await step.execute()
        return output.entropy(entropy), output.tokens, output.token(output.auto_sampler)

    assert run(main()) == (0.5, [ord("P")], ord("P"))
    assert engine.count("generate.start") == 0


def test_probed_steps_give_the_same_answer_one_token_at_a_time(run: Run, context: Context) -> None:
    async def main():
        generator = context.generate(ARGMAX)
        entropy = generator.probe_each_step(-1, Entropy())
        pieces = []
        async for step in generator:
            output = await step.execute()
            assert output.entropy(entropy) == 0.5
            pieces.append(output.tokens)
        return pieces

    assert run(main()) == [[letter] for letter in letters("Paris.")] + [[]]
    assert context._handle.tokens == PROMPT + letters("Paris.")


def test_a_generation_may_turn_token_by_token_in_the_middle(run: Run, context: Context) -> None:
    async def main():
        generator = context.generate(ARGMAX)
        pieces = await steps_of(generator, count=2)
        await asyncio.sleep(1)
        async for step in generator:
            step.probe(-1, Entropy())
            pieces.append((await step.execute()).tokens)
        return pieces

    assert [token for piece in run(main()) for token in piece] == letters("Paris.")
    assert context._handle.tokens == PROMPT + letters("Paris.")


def test_a_program_can_draw_tokens_itself(run: Run, context: Context) -> None:
    async def main():
        generator = context.generate(ARGMAX, max_tokens=20)
        accepted = []
        async for step in generator:
            handle = step.clear_sampler().probe(-1, Distribution(1.0, 1))
            output = await step.execute()
            assert output.auto_sampler is None
            accepted += generator.accept(output.distribution(handle)[0])
        return accepted

    assert run(main()) == letters("Paris.")


def test_handles_stay_good_when_the_sampler_is_cleared_after_them(run: Run, context: Context) -> None:
    async def main():
        generator = context.generate(ARGMAX)
        each = generator.probe_each_step(-1, Entropy())
        step = await anext(generator)
        handle = step.probe(-1, Distribution(1.0, 1))
        output = await step.clear_sampler().execute()
        return output.entropy(each), output.distribution(handle)

    assert run(main()) == (0.5, ([ord("P")], [0.75]))


def test_accepted_tokens_stop_where_generated_ones_would(run: Run, context: Context) -> None:
    generator = context.generate(ARGMAX, max_tokens=4)
    assert generator.accept(letters("ab")) == letters("ab")
    assert generator.accept([*letters("c"), STOP, *letters("d")]) == letters("c")
    assert generator.is_done
    assert generator.tokens_generated == 3


def test_accepting_more_than_max_tokens_keeps_the_first(context: Context) -> None:
    generator = context.generate(ARGMAX, max_tokens=2)
    assert generator.accept(letters("abc")) == letters("ab")
    assert generator.is_done


def test_a_step_with_nothing_to_do_ends_the_generation(run: Run, model: Model) -> None:
    async def main():
        generator = Context(model).generate(ARGMAX, auto_flush=False)
        async for step in generator:
            await step.clear_sampler().execute()
        return generator.is_done

    assert run(main()) is True


def test_a_failed_pass_leaves_its_input_in_the_buffer(engine: Engine, run: Run, context: Context) -> None:
    async def main():
        generator = context.generate(ARGMAX)
        generator.probe_each_step(-1, Entropy())
        engine.faults["forward.run"] = ("driver-failed", "")
        with pytest.raises(HostError):
            await generator.collect_text()
        return await generator.collect_text()

    assert run(main()) == "Paris."


@pytest.mark.parametrize("answer", ["Paris.", "Zürich – schön!", "日本"])
@pytest.mark.parametrize("alone", [True, False])
def test_all_ways_to_generate_give_the_same_text_and_the_same_context(
    engine: Engine, run: Run, model: Model, answer: Any, alone: Any
) -> None:
    engine.answer = answer

    async def by_steps(generator):
        tokens = [token for piece in await steps_of(generator) for token in piece]
        return bytes(tokens).decode()

    async def by_texts(generator):
        return "".join([text async for text in generator.texts()])

    async def by_passes(generator):
        generator.probe_each_step(-1, Entropy())
        return await generator.collect_text()

    async def main():
        other = asyncio.create_task(asyncio.sleep(0 if alone else 1000))
        await asyncio.sleep(0 if alone else 0.001)
        results = set()
        for way in (by_steps, by_texts, by_passes, lambda generator: generator.collect_text()):
            context = Context(model).user("q")
            text = await way(context.generate(ARGMAX))
            results.add((text, tuple(context._handle.tokens), tuple(context.buffer())))
        other.cancel()
        await asyncio.wait([other])
        return results

    assert run(main()) == {(answer, tuple(PROMPT + letters(answer)), ())}


# --- later versions ---


@pytest.mark.parametrize("option", ["constrain", "speculator", "adapter", "zo_seed", "horizon"])
def test_options_of_later_versions_are_refused_by_name(context: Context, option: Any) -> None:
    with pytest.raises(LaterVersionError, match=option):
        context.generate(ARGMAX, **{option: 1})


def test_options_of_later_versions_that_ask_for_nothing_are_accepted(run: Run, context: Context) -> None:
    generator = context.generate(ARGMAX, constrain=None, system_speculation=False, rebid_each_step=True, adapter=None)
    assert run(generator.collect_text()) == "Paris."


def test_an_option_that_nobody_knows_is_a_type_error(context: Context) -> None:
    with pytest.raises(TypeError, match="temprature"):
        context.generate(ARGMAX, temprature=1)


@pytest.mark.parametrize("method", ["constrain", "collect_json", "adapter"])
def test_methods_of_later_versions_say_so(context: Context, method: Any) -> None:
    with pytest.raises(LaterVersionError, match=method):
        getattr(context.generate(ARGMAX), method)


def test_an_unknown_method_is_an_attribute_error(context: Context) -> None:
    with pytest.raises(AttributeError):
        _ = context.generate(ARGMAX).colect_text
