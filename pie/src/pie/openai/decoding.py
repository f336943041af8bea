"""JSON bodies to typed requests, and what is wrong with them in OpenAI's words."""

import re
from typing import Any, TypeVar

import msgspec

from pie.openai.api_error import ApiError, invalid, unsupported
from pie.openai.requests import ChatRequest, CompletionRequest, ResponseRequest, Sampled

T = TypeVar("T", bound=Sampled)

_DECODERS: dict[type[Sampled], msgspec.json.Decoder[Sampled]] = {
    kind: msgspec.json.Decoder(kind) for kind in (ChatRequest, CompletionRequest, ResponseRequest)
}

REFUSED: dict[str, tuple[str, tuple[object, ...]]] = {
    "audio": ("models here write text", ()),
    "background": ("responses are made while the client waits", (False,)),
    "context_management": ("a conversation is never shortened behind its author's back", ([],)),
    "conversation": ("use 'previous_response_id'", ()),
    "frequency_penalty": ("samplers here have no penalties", (0,)),
    "function_call": ("use 'tool_choice'", ()),
    "functions": ("use 'tools'", ([],)),
    "modalities": ("models here write text", (["text"],)),
    "moderation": ("there is no moderation", ()),
    "presence_penalty": ("samplers here have no penalties", (0,)),
    "prompt": ("there are no stored prompts", ()),
    "suffix": ("models here write forwards only", ("",)),
    "web_search_options": ("models here search nothing", ()),
}
"""OpenAI's parameters that Pie has nothing for: why, and the values that change nothing."""

_PATH = re.compile(r" - at `([^`]*)`$")
_FIELD = re.compile(r"Object (missing required|contains unknown) field `([^`]+)`")


def decode(body: bytes, kind: type[T]) -> T:
    """A request's body. Raises `ApiError`."""
    try:
        request = _DECODERS[kind].decode(body)
    except msgspec.ValidationError as error:
        raise _problem(str(error)) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise invalid(f"the body is no JSON: {error}", code="invalid_json") from error
    assert isinstance(request, kind)
    for name, (why, harmless) in REFUSED.items():
        value = getattr(request, name, None) if (name, kind) != ("prompt", CompletionRequest) else None
        if value is not None and value not in harmless:
            raise unsupported(name, why)
    return request


def converted(value: dict[str, Any], kind: type[T]) -> T:
    """A decoded body as a request. Raises `ApiError`."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _problem(str(error)) from error


def _problem(text: str) -> ApiError:
    path = _PATH.search(text)
    where = path[1].removeprefix("$").removeprefix(".") if path else ""
    what = _PATH.sub("", text)
    if field := _FIELD.match(what):
        param = f"{where}.{field[2]}" if where else field[2]
        if field[1] == "missing required":
            return invalid(f"Missing required parameter: '{param}'.", param, "missing_required_parameter")
        return invalid(f"Unknown parameter: '{param}'.", param, "unknown_parameter")
    return invalid(f"Invalid value for '{where}': {what}." if where else f"Invalid body: {what}.", where or None)
