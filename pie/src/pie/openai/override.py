"""A program that answers a route: `[openai]` in the configuration names it.

Its input is the request as it came, with `stream` always in it. Messages that it sends are pieces of the answer's text, which a
stream hands on as they come. What it returns is the answer: an object is taken as the whole body, anything else as text. If it
returns nothing, the messages are the text.
"""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec

from pie.engine.launched import LaunchedProcess
from pie.errors import GuestError
from pie.openai.api_error import invalid
from pie.openai.http import Exchange
from pie.openai.service import OpenAIService

Json = dict[str, Any]
Wrap = Callable[[str, str], Json]
"""(model, text) → the body of an answer."""
WrapPiece = Callable[[str, str | None], bytes]
"""(text, None while it goes on or why it ends) → events of a stream."""


async def launched(service: OpenAIService, exchange: Exchange, target: str) -> tuple[LaunchedProcess, Json]:
    """The program, started for this request, and the request. Raises `ApiError`, `PieError`."""
    request = _request(exchange.body)
    program = await service.engine.library.find(exchange.username, target)
    return service.engine.launch(program, json.dumps(request, ensure_ascii=False), exchange.username), request


async def pieces(process: LaunchedProcess) -> AsyncIterator[tuple[str, str | None]]:
    """("message", text) as they come, at last ("return", text). Raises `GuestError`. A reader that leaves ends the process."""
    try:
        async for event in process.events():
            if event.kind == "error":
                raise GuestError(event.value)
            if event.kind in ("message", "return"):
                yield event.kind, event.value
    finally:
        process.terminate()


def _request(body: bytes) -> Json:
    try:
        request = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise invalid(f"the body is no JSON: {error}", code="invalid_json") from error
    if not isinstance(request, dict):
        raise invalid("the body is no object")
    return {"stream": False, **request}
