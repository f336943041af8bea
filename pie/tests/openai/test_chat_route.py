"""Chat completions through the published client, on answers that mean nothing."""

import asyncio
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

import openai
from openai_fakes.serving import MODEL, QUESTION, Served
from pie.driver.messages import Sampling
from pie.limits import OPENAI_UNREAD_TOKENS_MAX
from pie.openai.completion import CompletionOptions

ASK: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": QUESTION}], "max_tokens": 20, "seed": 7}


async def streamed(served: Served, **body: Any) -> list[ChatCompletionChunk]:
    stream = await served.client().chat.completions.create(**{**ASK, **body}, stream=True)
    return [chunk async for chunk in stream]


def text_of(chunks: list[ChatCompletionChunk], index: int = 0) -> str:
    choices = [choice for chunk in chunks for choice in chunk.choices if choice.index == index]
    return "".join(choice.delta.content or "" for choice in choices)


async def test_an_answer_has_the_published_shape(dummy: Served) -> None:
    reply = await dummy.post("/v1/chat/completions", **ASK)
    assert reply.status_code == 200
    answer = ChatCompletion.model_validate_json(reply.content, strict=True)
    assert answer.choices[0].finish_reason == "length"
    assert answer.choices[0].message.role == "assistant"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 20
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 20


async def test_chunks_have_the_published_shape(dummy: Served) -> None:
    reply = await dummy.post("/v1/chat/completions", **ASK, stream=True)
    assert reply.headers["content-type"].startswith("text/event-stream")
    *events, done, rest = reply.text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    chunks = [ChatCompletionChunk.model_validate_json(event.removeprefix("data: "), strict=True) for event in events]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "length"


async def test_chunks_joined_are_the_answer(dummy: Served) -> None:
    whole = await dummy.client().chat.completions.create(**ASK)
    assert text_of(await streamed(dummy)) == whole.choices[0].message.content


async def test_usage_comes_last_when_asked_for(dummy: Served) -> None:
    *_, last = await streamed(dummy, stream_options={"include_usage": True})
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens == 20


async def test_a_prompt_that_was_computed_before_is_not_computed_again(dummy: Served) -> None:
    long = {"messages": [{"role": "user", "content": QUESTION * 20}]}
    usages = [(await dummy.client().chat.completions.create(**{**ASK, **long})).usage for _ in range(2)]
    cached = [usage.prompt_tokens_details.cached_tokens for usage in usages if usage and usage.prompt_tokens_details]
    assert cached[0] == 0
    assert cached[1] is not None
    assert cached[1] > 100


async def test_choices_differ_and_a_seed_repeats_them(dummy: Served) -> None:
    first, second = [await dummy.client().chat.completions.create(**ASK, n=3) for _ in range(2)]
    texts = [choice.message.content for choice in first.choices]
    assert len(set(texts)) == 3
    assert texts == [choice.message.content for choice in second.choices]
    assert first.usage is not None
    assert first.usage.completion_tokens == 60


async def test_the_first_of_several_choices_is_the_only_one_of_a_request_for_one(dummy: Served) -> None:
    one, three = [await dummy.client().chat.completions.create(**ASK, n=n) for n in (1, 3)]
    assert one.choices[0].message.content == three.choices[0].message.content


async def test_several_choices_are_streamed_side_by_side(dummy: Served) -> None:
    whole = await dummy.client().chat.completions.create(**ASK, n=3)
    chunks = await streamed(dummy, n=3)
    assert [text_of(chunks, index) for index in range(3)] == [choice.message.content for choice in whole.choices]


async def test_the_prompt_of_several_choices_is_computed_once(dummy: Served) -> None:
    before = dummy.engine.statistics().schedulers[MODEL].computed_tokens
    answer = await dummy.client().chat.completions.create(**{**ASK, "max_tokens": 1}, n=8)
    assert answer.usage is not None
    computed = dummy.engine.statistics().schedulers[MODEL].computed_tokens - before
    assert computed <= answer.usage.prompt_tokens + 8 + 1


@pytest.mark.parametrize("stream", [False, True])
async def test_a_stop_text_ends_the_answer_in_front_of_it(dummy: Served, stream: bool) -> None:
    text = (await dummy.client().chat.completions.create(**ASK)).choices[0].message.content
    assert text is not None
    stop = text[8:11]
    if stream:
        chunks = await streamed(dummy, stop=stop)
        assert text_of(chunks) == text[: text.index(stop)]
        assert chunks[-1].choices[0].finish_reason == "stop"
    else:
        choice = (await dummy.client().chat.completions.create(**ASK, stop=["never", stop])).choices[0]
        assert (choice.message.content, choice.finish_reason) == (text[: text.index(stop)], "stop")


async def test_a_banned_token_is_not_drawn_and_only_allowed_ones_are(dummy: Served) -> None:
    tokenizer = dummy.engine.model().loaded.tokenizer
    (letter,) = tokenizer.encode("A")
    answer = await dummy.client().chat.completions.create(**ASK, logit_bias={str(letter): 100})
    assert answer.choices[0].message.content == "A" * 20


async def test_a_reader_that_leaves_frees_everything(dummy: Served) -> None:
    stream = await dummy.client().chat.completions.create(**{**ASK, "max_tokens": 1500}, n=4, stream=True)
    await anext(aiter(stream))
    await stream.close()
    await dummy.until_idle()


async def test_a_client_that_gives_up_waiting_frees_everything(dummy: Served) -> None:
    body = {**ASK, "max_tokens": 1500, "n": 16}
    request = asyncio.create_task(dummy.post("/v1/chat/completions", **body))
    async with asyncio.timeout(120):
        while dummy.service.statistics().running == 0:
            await asyncio.sleep(0)
    request.cancel()
    await dummy.until_idle()


async def test_many_clients_at_once_half_of_them_leaving_leave_nothing_behind(dummy: Served) -> None:
    async def ask(number: int) -> int:
        body = {**ASK, "seed": number, "max_tokens": 30 + number, "n": 1 + number % 3}
        stream = await dummy.client().chat.completions.create(**body, stream=True)
        chunks = 0
        async for _ in stream:
            chunks += 1
            if number % 2 and chunks == 3:
                await stream.close()
                break
        return chunks

    assert all(await asyncio.gather(*map(ask, range(40))))
    await dummy.until_idle()
    assert dummy.service.statistics().requests == 40


async def test_a_reader_that_stalls_stops_the_drawing(dummy: Served) -> None:
    """Sockets hold some of it, so the test talks to the completion itself."""
    scheduler = dummy.engine.model().scheduler
    service = dummy.service

    options = [[CompletionOptions(Sampling(), tokens_max=1500)]]
    async with service.completions(dummy.engine.model(), "ada", [[1, 2, 3]], options) as (completions,):
        (answer,) = completions.answers
        for _ in range(200):
            await asyncio.sleep(0)
        while scheduler.statistics().in_flight:
            await asyncio.sleep(0)
        assert answer.tokens_count == OPENAI_UNREAD_TOKENS_MAX
        await answer.next()
        assert (await answer.next()).text


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"temperature": 3}, "temperature"),
        ({"messages": []}, "messages"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"presence_penalty": 0.5}, "presence_penalty"),
        ({"logit_bias": {"1": 3}}, "logit_bias"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"extra_body": {"made_up": 1}}, "made_up"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "tool", "content": "12", "tool_call_id": "x"}]}, "messages[0].tool_call_id"),
    ],
)
async def test_a_wrong_parameter_is_named(dummy: Served, wrong: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        await dummy.client().chat.completions.create(**{**ASK, **wrong})
    assert raised.value.param == param
    assert raised.value.type == "invalid_request_error"


@pytest.mark.parametrize(
    "harmless",
    [
        {"user": "ada", "metadata": {"a": "b"}, "store": True},
        {"presence_penalty": 0, "frequency_penalty": 0},
        {"modalities": ["text"]},
    ],
)
async def test_parameters_that_change_nothing_are_taken(dummy: Served, harmless: dict[str, Any]) -> None:
    assert (await dummy.client().chat.completions.create(**ASK, **harmless)).choices


async def test_an_unknown_model_is_not_found(dummy: Served) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        await dummy.client().chat.completions.create(**{**ASK, "model": "gpt-9"})
    assert raised.value.code == "model_not_found"


async def test_a_prompt_that_is_too_long_says_so(dummy: Served) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        await dummy.client().chat.completions.create(**{**ASK, "messages": [{"role": "user", "content": QUESTION * 400}]})
    assert raised.value.code == "context_length_exceeded"
