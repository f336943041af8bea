"""The input of `/v1/responses` as messages. Pure."""

from collections.abc import Sequence

import msgspec

from pie.openai.api_error import ApiError, invalid, unsupported
from pie.openai.requests import CalledFunction, ChatMessage, InputItem, ToolCall


def messages_of(given: str | Sequence[InputItem] | None) -> list[ChatMessage]:
    """The messages that the items stand for. Calls join the assistant's message before them. Raises `ApiError`."""
    if given is None:
        return []
    if isinstance(given, str):
        return [ChatMessage(role="user", content=given)]
    messages: list[ChatMessage] = []
    for number, item in enumerate(given):
        _add(messages, item, f"input[{number}]")
    return messages


def _add(messages: list[ChatMessage], item: InputItem, where: str) -> None:
    match item.type:
        case "message":
            messages.append(_message(item, where))
        case "function_call":
            _add_call(messages, _call(item, where))
        case "function_call_output":
            messages.append(_result(item, where))
        case "reasoning":
            pass  # templates leave out the reasoning of past turns
        case "item_reference":
            raise unsupported(where, "items are not stored one by one; use 'previous_response_id'")


def _message(item: InputItem, where: str) -> ChatMessage:
    if item.role is None:
        raise _missing(f"{where}.role")
    if item.content is None:
        raise _missing(f"{where}.content")
    return ChatMessage(role=item.role, content=item.content)


def _call(item: InputItem, where: str) -> ToolCall:
    if item.call_id is None or item.name is None or item.arguments is None:
        raise invalid(f"'{where}' needs 'call_id', 'name' and 'arguments'", where, "missing_required_parameter")
    return ToolCall(item.call_id, CalledFunction(item.name, item.arguments))


def _add_call(messages: list[ChatMessage], call: ToolCall) -> None:
    last = messages[-1] if messages else None
    if last is not None and last.role == "assistant":
        messages[-1] = msgspec.structs.replace(last, tool_calls=[*(last.tool_calls or ()), call])
    else:
        messages.append(ChatMessage(role="assistant", tool_calls=[call]))


def _result(item: InputItem, where: str) -> ChatMessage:
    if item.call_id is None or item.output is None:
        raise invalid(f"'{where}' needs 'call_id' and 'output'", where, "missing_required_parameter")
    return ChatMessage(role="tool", content=item.output, tool_call_id=item.call_id)


def _missing(param: str) -> ApiError:
    return invalid(f"Missing required parameter: '{param}'.", param, "missing_required_parameter")
