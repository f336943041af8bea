"""Completions of texts and tokens through the published client, on answers that mean nothing."""

from typing import Any

import pytest
from openai.types import Completion

import openai
from openai_fakes.serving import MODEL, Served

ASK: dict[str, Any] = {"model": MODEL, "prompt": "Once upon a time", "seed": 7}


async def test_a_completion_has_the_published_shape(dummy: Served) -> None:
    reply = await dummy.post("/v1/completions", **ASK)
    completion = Completion.model_validate_json(reply.content, strict=True)
    assert completion.usage is not None
    assert completion.usage.completion_tokens == 16


async def test_chunks_joined_are_the_completion(dummy: Served) -> None:
    whole = await dummy.client().completions.create(**ASK)
    stream = await dummy.client().completions.create(**ASK, stream=True, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in stream]
    assert "".join(choice.text for chunk in chunks for choice in chunk.choices) == whole.choices[0].text
    assert chunks[-1].usage == whole.usage


async def test_text_and_its_tokens_are_the_same_prompt(dummy: Served) -> None:
    tokens = dummy.engine.model().loaded.tokenizer.encode(ASK["prompt"])
    texts = [
        (await dummy.client().completions.create(**{**ASK, "prompt": prompt})).choices[0].text for prompt in (ASK["prompt"], tokens)
    ]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("stream", [False, True])
async def test_several_prompts_are_answered_in_order_after_their_echo(dummy: Served, stream: bool) -> None:
    body = {**ASK, "prompt": ["One ", "Two "], "n": 2, "echo": True}
    answer = await dummy.client().completions.create(**body, stream=stream)
    texts = [""] * 4
    if stream:
        async for chunk in answer:
            texts[chunk.choices[0].index] += chunk.choices[0].text
    else:
        texts = [choice.text for choice in answer.choices]
    assert [text[:4] for text in texts] == ["One ", "One ", "Two ", "Two "]


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"suffix": "the end"}, "suffix"),
        ({"best_of": 3}, "best_of"),
        ({"echo": True, "logprobs": 1}, "echo"),
        ({"prompt": []}, "prompt"),
        ({"prompt": ["a", 1]}, "prompt"),
        ({"prompt": ["a"] * 100, "n": 2}, "n"),
        ({"prompt": [1 << 40]}, "prompt"),
        ({"prompt": [-1]}, "prompt"),
        ({"prompt": ""}, None),
    ],
)
async def test_a_wrong_parameter_is_named(dummy: Served, wrong: dict[str, Any], param: str | None) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        await dummy.client().completions.create(**{**ASK, **wrong})
    assert raised.value.param == param
