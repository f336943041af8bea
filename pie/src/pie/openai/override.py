"""A program that answers a route: `[openai]` in the configuration names it.

Its input is the request as it came, with `stream` always in it. Messages that it sends are pieces of the answer's text, which a
stream hands on as they come. What it returns is the answer: an object is taken as the whole body, anything else as the text. If it
has sent messages, they are the text.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from pie.engine.launched import LaunchedProcess
from pie.errors import GuestError
from pie.openai.api_error import invalid
from pie.openai.http import Exchange
from pie.openai.service import OpenAIService

Json = dict[str, Any]


class Dress(Protocol):
    """How one route writes a text that is not a model's: each a pure function of what the program said."""

    def body(self, text: str) -> Json:
        """A whole answer."""
        ...

    def text(self, body: Json) -> str:
        """The text in a whole answer."""
        ...

    def opening(self) -> bytes:
        """What a stream begins with."""
        ...

    def piece(self, text: str) -> bytes:
        """More text of a stream."""
        ...

    def ending(self) -> bytes:
        """What a stream ends with."""
        ...


DressFor = Callable[[Json], Dress]
"""Made for one request. Raises `ApiError` for a request that the route cannot answer even so."""


@dataclass(frozen=True, slots=True)
class Override:
    """Answers a route by a program."""

    service: OpenAIService
    target: str
    """`name` or `name@version`."""
    dress_for: DressFor

    async def __call__(self, exchange: Exchange) -> None:
        request = _request(exchange.body)
        dress = self.dress_for(request)
        async with self._running(exchange, request) as process:
            if request["stream"]:
                await _stream(exchange, process, dress)
            else:
                await exchange.reply(msgspec.json.encode(await _whole(process, dress)))

    @asynccontextmanager
    async def _running(self, exchange: Exchange, request: Json) -> AsyncIterator[LaunchedProcess]:
        """The program at work on the request; ended when nobody wants its answer any more."""
        program = await self.service.engine.library.find(exchange.username, self.target)
        process = self.service.engine.launch(program, json.dumps(request, ensure_ascii=False), exchange.username)
        try:
            yield process
        finally:
            process.terminate()


async def _whole(process: LaunchedProcess, dress: Dress) -> Json:
    texts: list[str] = []
    async for kind, value in _said(process):
        if kind == "return" and not texts:
            answer = _returned(value)
            return answer if isinstance(answer, dict) else dress.body(answer)
        if kind == "message":
            texts.append(value)
    return dress.body("".join(texts))


async def _stream(exchange: Exchange, process: LaunchedProcess, dress: Dress) -> None:
    async with aclosing(_texts(process, dress)) as texts:
        first = await anext(texts, "")  # a program that fails at once is an error, not a stream
        await exchange.open_stream()
        await exchange.write(dress.opening() + dress.piece(first))
        async for text in texts:
            await exchange.write(dress.piece(text))
    await exchange.close_stream(dress.ending())


async def _texts(process: LaunchedProcess, dress: Dress) -> AsyncGenerator[str, None]:
    """The messages as they come; without any, the text of what is returned."""
    sent = False
    async for kind, value in _said(process):
        if kind == "message":
            sent = True
            yield value
        elif not sent:
            answer = _returned(value)
            yield dress.text(answer) if isinstance(answer, dict) else answer


async def _said(process: LaunchedProcess) -> AsyncIterator[tuple[str, str]]:
    """("message", text) as they come, at last ("return", text). Raises `GuestError`."""
    async for event in process.events():
        if event.kind == "error":
            raise GuestError(event.value)
        if event.kind in ("message", "return"):
            yield event.kind, event.value


def _returned(value: str) -> Json | str:
    """A returned text that is a JSON object or string is that; every other is a text."""
    try:
        answer = msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return value
    return answer if isinstance(answer, dict | str) else value


def _request(body: bytes) -> Json:
    try:
        request = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise invalid(f"the body is no JSON: {error}", code="invalid_json") from error
    if not isinstance(request, dict):
        raise invalid("the body is no object")
    if not isinstance(request.get("stream"), bool | None):
        raise invalid("'stream' is true or false", "stream")
    return request | {"stream": bool(request.get("stream"))}


def text_at(body: Json, path: Sequence[str | int]) -> str:
    """The text at a place in an answer; empty if there is none."""
    value: Any = body
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return ""
    return value if isinstance(value, str) else ""
