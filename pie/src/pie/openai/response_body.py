"""A response as JSON, and the events of its stream. Pure."""

from typing import Any

import msgspec

from pie.openai.requests import FlatFormat, ResponseRequest
from pie.openai.sampling import TEMPERATURE_DEFAULT

Json = dict[str, Any]


def response_body(request: ResponseRequest, response_id: str, created_at: int) -> Json:
    """A response that has just begun. `status`, `output`, `usage` and the like change as it goes on."""
    form = request.text.format if request.text is not None and request.text.format is not None else FlatFormat("text")
    return {
        "id": response_id,
        "object": "response",
        "created_at": created_at,
        "completed_at": None,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": request.instructions,
        "max_output_tokens": request.max_output_tokens,
        "metadata": request.metadata or {},
        "model": request.model,
        "output": [],
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "previous_response_id": request.previous_response_id,
        "reasoning": {"effort": None, "summary": None},
        "store": request.store is not False,
        "temperature": TEMPERATURE_DEFAULT if request.temperature is None else request.temperature,
        "text": {"format": _present(form)},
        "tool_choice": msgspec.to_builtins(request.tool_choice) if request.tool_choice is not None else "auto",
        "tools": [msgspec.to_builtins(tool) for tool in request.tools or ()],
        "top_logprobs": request.top_logprobs or 0,
        "top_p": 1.0 if request.top_p is None else request.top_p,
        "truncation": "disabled",
        "usage": None,
        "user": request.user if isinstance(request.user, str) else None,
    }


def _present(form: FlatFormat) -> Json:
    described: Json = msgspec.to_builtins(form)
    return {key: value for key, value in described.items() if value is not None}


class EventNumbers:
    """Writes events, numbered one by one."""

    def __init__(self) -> None:
        self._next = 0

    def write(self, event: Json) -> bytes:
        """`event` is {"type": …, …}."""
        numbered = event | {"sequence_number": self._next}
        self._next += 1
        kind: str = event["type"]
        return b"event: " + kind.encode() + b"\ndata: " + msgspec.json.encode(numbered) + b"\n\n"
