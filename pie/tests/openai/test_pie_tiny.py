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


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
async def test_a_call_that_has_to_be_made_is_made(tiny: Served, choice: Any) -> None:
    answer = (
        await tiny.client().chat.completions.create(**CHAT, tools=TOOLS, tool_choice=choice, parallel_tool_calls=False)
    ).choices[0]
    assert answer.finish_reason == "tool_calls"
    assert answer.message.tool_calls is not None
    (call,) = answer.message.tool_calls
    assert call.type == "function"
    assert isinstance(json.loads(call.function.arguments)["city"], str)


async def test_a_strict_call_obeys_its_schema(tiny: Served) -> None:
    number = {"type": "object", "properties": {"city": {"enum": ["Rome", "Oslo"]}}, "required": ["city"]}
    tools: list[Any] = [{"type": "function", "function": {**WEATHER, "parameters": number, "strict": True}}]
    client = tiny.client()
    (call,) = (await client.chat.completions.create(**{**ASK_WEATHER, "tools": tools})).choices[0].message.tool_calls or ()
    assert call.type == "function"
    assert json.loads(call.function.arguments)["city"] in ("Rome", "Oslo")


SCHEMA = {
    "type": "object",
    "properties": {"capital": {"enum": ["Paris", "Rome"]}, "sure": {"type": "boolean"}},
    "required": ["capital", "sure"],
}


@pytest.mark.parametrize("temperature", [0.0, 2.0])
async def test_json_obeys_its_schema_however_wildly_it_is_drawn(tiny: Served, temperature: float) -> None:
    form: Any = {"type": "json_schema", "json_schema": {"name": "capital", "schema": SCHEMA, "strict": True}}
    ask = {**CHAT, "temperature": temperature, "seed": 1}
    answer = await tiny.client().chat.completions.create(**ask, response_format=form, n=4)
    for choice in answer.choices:
        assert choice.finish_reason == "stop"
        found = json.loads(choice.message.content or "")
        assert found.keys() == {"capital", "sure"}


async def test_a_response_has_its_format(tiny: Served) -> None:
    form: Any = {"format": {"type": "json_schema", "name": "capital", "schema": SCHEMA, "strict": True}}
    response = await tiny.client().responses.create(model=MODEL, input=QUESTION, text=form)
    assert json.loads(response.output_text)["capital"] in ("Paris", "Rome")


async def test_any_object_is_json(tiny: Served) -> None:
    answer = await tiny.client().chat.completions.create(**CHAT, response_format={"type": "json_object"}, max_tokens=200)
    assert answer.choices[0].finish_reason == "length" or isinstance(json.loads(answer.choices[0].message.content or ""), dict)


async def test_tools_and_a_format_leave_the_choice(tiny: Served) -> None:
    form: Any = {"type": "json_schema", "json_schema": {"name": "capital", "schema": SCHEMA}}
    choice = (await tiny.client().chat.completions.create(**ASK_WEATHER, response_format=form)).choices[0]
    assert choice.message.tool_calls or json.loads(choice.message.content or "")


async def test_a_schema_that_cannot_be_obeyed_is_refused(tiny: Served) -> None:
    for schema in ({"type": "made up"}, {"type": "object", "properties": {"a": False}, "required": ["a"]}):
        form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
        reply = await tiny.post("/v1/chat/completions", **CHAT, response_format=form)
        assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_schema")
