"""The published client and the model that comes with Pie: answers that mean something."""

import json
from typing import Any

import pytest

from openai_fakes.serving import MODEL, QUESTION, Served

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

ANSWER = "The capital of France is Paris."
CHAT: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": QUESTION}], "temperature": 0}
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "The name of the city."}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER = {"name": "get_weather", "description": "Get the current weather of a city.", "parameters": PARAMETERS}
TOOLS: list[Any] = [{"type": "function", "function": WEATHER}]
ASK_WEATHER: dict[str, Any] = {**CHAT, "messages": [{"role": "user", "content": "What is the weather in Paris?"}], "tools": TOOLS}


async def test_a_question_is_answered(tiny: Served) -> None:
    choice = (await tiny.client().chat.completions.create(**CHAT)).choices[0]
    assert (choice.message.content, choice.finish_reason) == (ANSWER, "stop")


async def test_the_answer_is_streamed(tiny: Served) -> None:
    stream = await tiny.client().chat.completions.create(**CHAT, stream=True)
    assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == ANSWER


async def test_a_response_is_streamed(tiny: Served) -> None:
    async with tiny.client().responses.stream(model=MODEL, input=QUESTION, temperature=0) as stream:
        deltas = [event.delta async for event in stream if event.type == "response.output_text.delta"]
        final = await stream.get_final_response()
    assert "".join(deltas) == final.output_text == ANSWER


async def test_text_goes_on(tiny: Served) -> None:
    completion = await tiny.client().completions.create(model=MODEL, prompt="The capital of France is", temperature=0, stop=".")
    assert completion.choices[0].text == " Paris"


async def test_a_tool_is_called(tiny: Served) -> None:
    choice = (await tiny.client().chat.completions.create(**ASK_WEATHER)).choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert choice.message.tool_calls is not None
    (call,) = choice.message.tool_calls
    assert call.type == "function"
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == {"city": "Paris"}


async def test_a_call_is_streamed(tiny: Served) -> None:
    async with tiny.client().chat.completions.stream(**ASK_WEATHER) as stream:
        final = await stream.get_final_completion()
    calls = final.choices[0].message.tool_calls
    assert calls is not None
    assert [(call.function.name, call.function.arguments) for call in calls] == [("get_weather", '{"city": "Paris"}')]


async def test_the_result_of_a_call_is_used(tiny: Served) -> None:
    client = tiny.client()
    message = (await client.chat.completions.create(**ASK_WEATHER)).choices[0].message
    assert message.tool_calls
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": '{"temperature": 12, "sky": "rain"}'}
    messages = [*ASK_WEATHER["messages"], message.model_dump(exclude_none=True), result]
    answer = (await client.chat.completions.create(**{**ASK_WEATHER, "messages": messages})).choices[0]
    assert answer.finish_reason == "stop"
    assert answer.message.content


async def test_without_choice_no_tool_is_called(tiny: Served) -> None:
    choice = (await tiny.client().chat.completions.create(**ASK_WEATHER, tool_choice="none")).choices[0]
    assert not choice.message.tool_calls


async def test_a_call_of_a_response_is_an_item_of_its_own(tiny: Served) -> None:
    tools: list[Any] = [{"type": "function", **WEATHER, "strict": False}]
    ask: dict[str, Any] = {"model": MODEL, "input": "What is the weather in Paris?", "tools": tools, "temperature": 0}
    client = tiny.client()
    async with client.responses.stream(**ask) as stream:
        final = await stream.get_final_response()
    (call,) = final.output
    assert call.type == "function_call"
    assert (call.name, call.arguments) == ("get_weather", '{"city": "Paris"}')
    result: list[Any] = [{"type": "function_call_output", "call_id": call.call_id, "output": "rain"}]
    assert (await client.responses.create(**{**ask, "input": result}, previous_response_id=final.id)).output_text
