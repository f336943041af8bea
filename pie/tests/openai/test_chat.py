"""Messages as templates take them."""

import pytest

from pie.openai.api_error import ApiError
from pie.openai.chat import template_messages, template_tools
from pie.openai.requests import CalledFunction, ChatMessage, Function, Part, ToolCall

CALL = ToolCall("c1", CalledFunction("f", '{"a": 1}'))


def test_parts_become_one_text() -> None:
    parts = [Part("text", text="Hello "), Part("input_text", text="there"), Part("refusal", refusal="!")]
    (message,) = template_messages([ChatMessage(role="user", content=parts)])
    assert message == {"role": "user", "content": "Hello there!"}


def test_developers_speak_as_the_system() -> None:
    assert template_messages([ChatMessage(role="developer", content="Be kind.")]) == [{"role": "system", "content": "Be kind."}]


def test_arguments_are_parsed_if_they_are_an_object() -> None:
    messages = [ChatMessage(role="assistant", tool_calls=[CALL, ToolCall("c2", CalledFunction("g", "[1"))])]
    calls = template_messages(messages)[0]["tool_calls"]
    assert [call["function"]["arguments"] for call in calls] == [{"a": 1}, "[1"]


def test_a_result_belongs_to_a_call_before_it() -> None:
    result = ChatMessage(role="tool", content="2", tool_call_id="c1")
    assert template_messages([ChatMessage(role="assistant", tool_calls=[CALL]), result])[1]["tool_call_id"] == "c1"
    with pytest.raises(ApiError):
        template_messages([result, ChatMessage(role="assistant", tool_calls=[CALL])])


def test_only_the_assistant_calls() -> None:
    with pytest.raises(ApiError):
        template_messages([ChatMessage(role="user", content="x", tool_calls=[CALL])])


def test_a_tool_is_shown_without_what_only_the_server_needs() -> None:
    (tool,) = template_tools([Function("f", "Does.", None, strict=True)])
    assert tool["function"] == {"name": "f", "description": "Does.", "parameters": {"type": "object", "properties": {}}}
