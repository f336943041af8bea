"""Items of an input become messages."""

import pytest

from pie.openai.api_error import ApiError
from pie.openai.requests import ChatMessage, InputItem
from pie.openai.response_input import messages_of


def test_a_text_is_what_the_user_says() -> None:
    assert messages_of("Hi") == [ChatMessage(role="user", content="Hi")]


def test_calls_join_the_assistants_message_before_them() -> None:
    said = InputItem(role="assistant", content="Let me see.")
    calls = [InputItem(type="function_call", call_id=f"c{number}", name="f", arguments="{}") for number in (1, 2)]
    result = InputItem(type="function_call_output", call_id="c1", output="3")
    first, second = messages_of([said, *calls, result])
    assert first.tool_calls is not None
    assert (first.content, [call.id for call in first.tool_calls]) == ("Let me see.", ["c1", "c2"])
    assert second == ChatMessage(role="tool", content="3", tool_call_id="c1")


def test_reasoning_is_left_out() -> None:
    assert messages_of([InputItem(type="reasoning", id="rs_1")]) == []


@pytest.mark.parametrize(
    ("item", "param"),
    [
        (InputItem(content="x"), "input[0].role"),
        (InputItem(role="user"), "input[0].content"),
        (InputItem(type="function_call", call_id="c"), "input[0]"),
        (InputItem(type="function_call_output", call_id="c"), "input[0]"),
        (InputItem(type="item_reference", id="x"), "input[0]"),
    ],
)
def test_what_is_missing_is_named(item: InputItem, param: str) -> None:
    with pytest.raises(ApiError) as raised:
        messages_of([item])
    assert raised.value.param == param
