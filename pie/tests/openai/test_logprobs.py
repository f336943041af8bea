"""Logprobs on all three routes, on the dummy driver: the token drawn at temperature 0 is the likeliest, the next half as likely."""

import math
from typing import Any

from openai.types import Completion
from openai.types.chat import ChatCompletion

from openai_fakes.serving import MODEL, QUESTION, Served

CHAT: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": QUESTION}],
    "max_tokens": 6,
    "temperature": 0,
    "logprobs": True,
    "top_logprobs": 2,
}


async def test_every_token_of_a_chat_has_its_logprobs(dummy: Served) -> None:
    answer = ChatCompletion.model_validate_json((await dummy.post("/v1/chat/completions", **CHAT)).content, strict=True)
    choice = answer.choices[0]
    assert choice.logprobs is not None
    tokens = choice.logprobs.content
    assert tokens is not None
    assert len(tokens) == 6
    assert b"".join(bytes(token.bytes or ()) for token in tokens).decode("utf-8", "replace") == choice.message.content
    for token in tokens:
        assert math.isclose(token.logprob, -math.log(2), rel_tol=1e-3)
        assert [round(top.logprob / -math.log(2), 2) for top in token.top_logprobs] == [1.0, 2.0]
        assert token.top_logprobs[0].token == token.token


async def test_chunks_carry_the_same_logprobs(dummy: Served) -> None:
    whole = await dummy.client().chat.completions.create(**CHAT)
    stream = await dummy.client().chat.completions.create(**CHAT, stream=True)
    streamed = []
    async for chunk in stream:
        known = chunk.choices[0].logprobs
        streamed += (known.content or []) if known else []
    assert whole.choices[0].logprobs is not None
    assert streamed == whole.choices[0].logprobs.content


async def test_without_top_there_are_only_those_of_the_tokens_drawn(dummy: Served) -> None:
    answer = await dummy.client().chat.completions.create(**{**CHAT, "top_logprobs": None})
    assert answer.choices[0].logprobs is not None
    assert [token.top_logprobs for token in answer.choices[0].logprobs.content or []] == [[]] * 6


async def test_a_completions_logprobs_say_where_each_token_stands(dummy: Served) -> None:
    body = {"model": MODEL, "prompt": "Once", "max_tokens": 6, "temperature": 0, "logprobs": 2}
    completion = Completion.model_validate_json((await dummy.post("/v1/completions", **body)).content, strict=True)
    known = completion.choices[0].logprobs
    assert known is not None
    assert known.tokens is not None
    assert known.text_offset is not None
    assert known.text_offset == [len("".join(known.tokens[:number])) for number in range(6)]
    assert [len(top) for top in known.top_logprobs or []] == [2] * 6


async def test_a_streamed_completions_offsets_go_on(dummy: Served) -> None:
    body: dict[str, Any] = {"model": MODEL, "prompt": "Once", "max_tokens": 6, "temperature": 0, "logprobs": 0}
    whole = await dummy.client().completions.create(**body)
    offsets: list[int] = []
    async for chunk in await dummy.client().completions.create(**body, stream=True):
        known = chunk.choices[0].logprobs
        offsets += (known.text_offset or []) if known else []
    assert whole.choices[0].logprobs is not None
    assert offsets == whole.choices[0].logprobs.text_offset


async def test_a_responses_text_has_logprobs_if_they_are_included(dummy: Served) -> None:
    ask: dict[str, Any] = {"model": MODEL, "input": QUESTION, "max_output_tokens": 6, "temperature": 0, "top_logprobs": 1}
    response = await dummy.client().responses.create(**ask, include=["message.output_text.logprobs"])
    (message,) = response.output
    assert message.type == "message"
    (part,) = message.content
    assert part.type == "output_text"
    assert part.logprobs is not None
    assert [len(token.top_logprobs) for token in part.logprobs] == [1] * 6
