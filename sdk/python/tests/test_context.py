from typing import Any

import pytest
from scripted_engine import ASSISTANT, BEGIN, STOP, SYSTEM, USER, Engine, Run

from inferlet import Context, ContextNameTakenError, ContextNotFoundError, HostError, LaterVersionError, Model, Sampler

ARGMAX = Sampler.argmax()


@pytest.fixture
def context(model: Model) -> Any:
    return Context(model)


def test_a_new_context_costs_one_call(engine: Engine, model: Model) -> None:
    engine.calls.clear()
    context = Context(model).system("a").user("b").cue()
    assert context.seq_len == 0
    assert engine.calls == ["context"]


def test_fillers_are_chained_and_turned_into_tokens_in_order(context: Context) -> None:
    context.system("s").user("u").assistant("a").append([7]).append_text("t").cue().seal()
    system = [BEGIN, SYSTEM, ord("s"), STOP]
    turns = [USER, ord("u"), STOP, ASSISTANT, ord("a"), STOP]
    assert context.buffer() == [*system, *turns, 7, ord("t"), ASSISTANT, STOP]


def test_the_buffer_is_turned_into_tokens_once(engine: Engine, context: Context) -> None:
    context.user("u")
    assert context.buffer() == context.buffer()
    assert engine.count("chat.encode") == 1


def test_tokens_alone_need_no_encoding(engine: Engine, run: Run, context: Context) -> None:
    context.append([1, 2]).append([3])
    assert context.buffer() == [1, 2, 3]
    run(context.flush())
    assert engine.count("chat.encode") == 0


def test_flush_computes_the_buffer_and_empties_it(engine: Engine, run: Run, context: Context) -> None:
    run(context.append([1, 2, 3]).flush())
    assert context.buffer() == []
    assert context.seq_len == engine.computed == 3


def test_flushing_nothing_calls_nobody(engine: Engine, run: Run, context: Context) -> None:
    engine.calls.clear()
    run(context.flush())
    assert engine.calls == []


def test_later_turns_begin_without_what_stands_before_a_conversation(run: Run, context: Context) -> None:
    run(context.user("a").flush())
    assert context.user("b").buffer() == [USER, ord("b"), STOP]


def test_a_fork_has_the_same_content_and_buffer_and_goes_its_own_way(run: Run, context: Context) -> None:
    run(context.append([1, 2]).flush())
    context.append([3])
    fork = context.fork()
    fork.append([4])
    assert (context.buffer(), fork.buffer()) == ([3], [3, 4])
    assert fork.seq_len == 2


def test_a_saved_context_is_opened_as_a_fork_and_stays(engine: Engine, run: Run, context: Context, model: Model) -> None:
    run(context.append([1, 2]).flush())
    context.save("name")
    opened = Context.open(model, "name")
    assert opened.seq_len == 2
    assert "name" in engine.saved


def test_a_context_that_is_taken_is_no_longer_saved(engine: Engine, context: Context, model: Model) -> None:
    context.save("name")
    Context.take(model, "name")
    assert engine.saved == {}


def test_the_buffer_is_not_part_of_what_is_saved(engine: Engine, context: Context) -> None:
    context.append([1]).save("name")
    assert engine.saved["name"] == []


def test_a_snapshot_is_saved_under_a_made_up_name(context: Context, model: Model) -> None:
    name = context.snapshot()
    assert Context.open(model, name).seq_len == 0


def test_a_name_is_taken_only_once(context: Context) -> None:
    context.save("name")
    with pytest.raises(ContextNameTakenError):
        context.save("name")


@pytest.mark.parametrize("method", ["open", "take", "delete"])
def test_a_name_that_nobody_saved_is_not_found(model: Model, method: Any) -> None:
    with pytest.raises(ContextNotFoundError) as failure:
        getattr(Context, method)(model, "nobody")
    assert failure.value.code == "context-not-found"


def test_a_deleted_context_is_gone(engine: Engine, context: Context, model: Model) -> None:
    context.save("name")
    Context.delete(model, "name")
    assert engine.saved == {}


def test_truncate_drops_tokens_from_the_end(run: Run, context: Context) -> None:
    run(context.append([1, 2, 3, 4, 5]).flush())
    context.truncate(2)
    assert context._handle.tokens == [1, 2, 3]
    assert context.seq_len == 3


def test_truncating_nothing_calls_nobody(engine: Engine, context: Context) -> None:
    engine.calls.clear()
    context.truncate(0)
    assert engine.calls == []


def test_truncating_more_than_there_is_is_refused(run: Run, context: Context) -> None:
    run(context.append([1, 2, 3]).flush())
    with pytest.raises(ValueError, match="cannot drop 4 of 3 tokens"):
        context.truncate(4)


def test_leaving_a_with_block_releases_the_context(engine: Engine, model: Model, run: Run) -> None:
    with Context(model) as context:
        pass
    assert engine.count("release") == 1
    with pytest.raises(HostError) as failure:
        run(context.append([1]).flush())
    assert failure.value.code == "context-released"


def test_releasing_twice_is_harmless(context: Context) -> None:
    context.release()
    context.release()


def test_the_last_reference_to_a_context_gives_its_handle_back(engine: Engine, model: Model) -> None:
    Context(model).user("a")
    assert engine.live["Context"] == 0


def test_a_context_that_generates_is_given_back_with_its_last_reference(engine: Engine, model: Model, run: Run) -> None:
    async def main():
        async for step in Context(model).user("a").generate(ARGMAX):
            await step.execute()
            break

    run(main())
    assert engine.live["Context"] == engine.live["Generation"] == 0


def test_a_context_knows_its_model_and_page_size(context: Context, model: Model) -> None:
    assert context.model is model
    assert context.page_size == 4


@pytest.mark.parametrize("filler", ["system", "user", "assistant", "append_text"])
def test_a_message_that_is_no_text_is_refused_in_words(context: Context, filler: Any) -> None:
    with pytest.raises(TypeError, match="expected text, not int: 42"):
        getattr(context, filler)(42)


def test_bidding_comes_with_a_later_version(context: Context) -> None:
    with pytest.raises(LaterVersionError, match="later version"):
        context.set_bid(1.0)
    with pytest.raises(LaterVersionError, match="later version"):
        context.idle()
