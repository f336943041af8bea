"""Responses through the published client, on answers that mean nothing."""

from typing import Any

import pytest
from openai.types.responses import Response

import openai
from openai_fakes.serving import MODEL, QUESTION, Served

ASK: dict[str, Any] = {"model": MODEL, "input": QUESTION, "max_output_tokens": 20, "extra_body": {"seed": 7}}


async def test_a_response_has_the_published_shape(dummy: Served) -> None:
    reply = await dummy.post("/v1/responses", model=MODEL, input=QUESTION, max_output_tokens=20)
    assert reply.status_code == 200
    response = Response.model_validate_json(reply.content, strict=True)
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.usage is not None
    assert response.usage.output_tokens == 20


async def test_events_come_in_the_order_that_clients_expect(dummy: Served) -> None:
    stream = await dummy.client().responses.create(**ASK, stream=True)
    events = [event async for event in stream]
    kinds = [event.type for event in events if event.type != "response.output_text.delta"]
    assert kinds == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.incomplete",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))


async def test_a_later_request_goes_on_from_a_stored_one(dummy: Served) -> None:
    client = dummy.client()
    first = await client.responses.create(**ASK)
    second = await client.responses.create(**{**ASK, "input": "And of Spain?"}, previous_response_id=first.id)
    items: list[Any] = [
        {"role": "user", "content": QUESTION},
        *[item.model_dump() for item in first.output],
        {"role": "user", "content": "And of Spain?"},
    ]
    same = await client.responses.create(**{**ASK, "input": items})
    assert second.output_text == same.output_text
    assert second.usage is not None
    assert same.usage is not None
    assert second.usage.input_tokens == same.usage.input_tokens


async def test_instructions_are_each_requests_own(dummy: Served) -> None:
    client = dummy.client()
    first = await client.responses.create(**ASK, instructions="Be brief. " * 10)
    second = await client.responses.create(**{**ASK, "input": "So?"}, previous_response_id=first.id)
    assert first.usage is not None
    assert second.usage is not None
    assert second.usage.input_tokens < first.usage.input_tokens + first.usage.output_tokens


async def test_a_stored_response_can_be_had_again_until_it_is_deleted(dummy: Served) -> None:
    client = dummy.client()
    made = await client.responses.create(**ASK)
    assert (await client.responses.retrieve(made.id)).output_text == made.output_text
    await client.responses.delete(made.id)
    for gone in (client.responses.retrieve(made.id), client.responses.delete(made.id)):
        with pytest.raises(openai.NotFoundError):
            await gone


async def test_what_was_not_stored_is_gone(dummy: Served) -> None:
    made = await dummy.client().responses.create(**ASK, store=False)
    with pytest.raises(openai.BadRequestError) as raised:
        await dummy.client().responses.create(**ASK, previous_response_id=made.id)
    assert (raised.value.code, raised.value.param) == ("previous_response_not_found", "previous_response_id")


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"input": []}, "input"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0]"),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": "1"}]}, "messages[0].tool_call_id"),
        ({"background": True}, "background"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "text.format.schema"),
    ],
)
async def test_a_wrong_parameter_is_named(dummy: Served, wrong: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        await dummy.client().responses.create(**{**ASK, **wrong})
    assert raised.value.param == param
