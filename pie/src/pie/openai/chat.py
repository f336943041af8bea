"""Messages as chat templates take them: plain data, texts joined, arguments parsed. Pure."""

import json
from collections.abc import Sequence
from typing import Any

from pie.openai.api_error import invalid, unsupported
from pie.openai.requests import ChatMessage, Content, Function, Part, ToolCall

_TEXT_PARTS = frozenset({"text", "input_text", "output_text", "summary_text", "reasoning_text"})


def template_messages(messages: Sequence[ChatMessage]) -> list[dict[str, Any]]:
    """The conversation for `ChatTemplate.render`. Raises `ApiError` for what is no text, and for calls and results that do not
    belong together."""
    _check_calls(messages)
    return [_message(message, f"messages[{number}]") for number, message in enumerate(messages)]


def template_tools(functions: Sequence[Function]) -> list[dict[str, Any]]:
    """Tools as templates take them, which is as OpenAI writes them."""
    return [{"type": "function", "function": _described(function)} for function in functions]


def text_of(content: Content | None, where: str) -> str:
    """A message's content as one text. Raises `ApiError` if a part is none."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join([_part_text(part, f"{where}[{number}]") for number, part in enumerate(content)])


def _message(message: ChatMessage, where: str) -> dict[str, Any]:
    written: dict[str, Any] = {
        "role": "system" if message.role == "developer" else message.role,
        "content": text_of(message.content, f"{where}.content"),
    }
    if message.name is not None:
        written["name"] = message.name
    if message.tool_calls:
        written["tool_calls"] = [_call(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        written["tool_call_id"] = message.tool_call_id
    if message.reasoning_content:
        written["reasoning_content"] = message.reasoning_content
    return written


def _call(call: ToolCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.function.name, "arguments": _arguments(call.function.arguments)},
    }


def _arguments(text: str) -> Any:
    """Templates differ in what they expect; an object is what the newer ones do. A text that is no object stays a text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, dict) else text


def _described(function: Function) -> dict[str, Any]:
    described: dict[str, Any] = {"name": function.name}
    if function.description is not None:
        described["description"] = function.description
    described["parameters"] = function.parameters or {"type": "object", "properties": {}}
    return described


def _part_text(part: Part, where: str) -> str:
    if part.type in _TEXT_PARTS and part.text is not None:
        return part.text
    if part.type == "refusal" and part.refusal is not None:
        return part.refusal
    if part.type in _TEXT_PARTS or part.type == "refusal":
        raise invalid(f"'{where}' has no text", where)
    raise unsupported(where, f"content of type '{part.type}' is not, models here read text")


def _check_calls(messages: Sequence[ChatMessage]) -> None:
    """Every tool message answers a call made before it."""
    called: set[str] = set()
    for number, message in enumerate(messages):
        called.update(call.id for call in message.tool_calls or ())
        if message.role == "tool" and message.tool_call_id not in called:
            raise invalid(
                f"'messages[{number}]' with role 'tool' answers no call of an assistant message before it",
                f"messages[{number}].tool_call_id",
            )
        if message.role != "assistant" and message.tool_calls:
            raise invalid("only assistant messages have 'tool_calls'", f"messages[{number}].tool_calls")
