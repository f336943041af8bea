"""Endpoints that the component handles itself: what the author registers, and the threads that run it."""

import inspect
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import msgspec

from pie_component.async_thread import AsyncThread
from pie_component.endpoints.bodies import JSON, OCTETS, TEXT, error_body
from pie_component.endpoints.exchange import Exchange, Post
from pie_component.endpoints.http import AsyncRequest, AsyncWebSocket, Request, Response, WebSocket
from pie_component.errors import GoneError
from pie_component.limits import HANDLER_THREADS_MAX, RESPONSE_HEADERS_CHARS_MAX
from pie_component.logs import log
from pie_flow import endpoint_link as link
from pie_flow.endpoint_link import HEADERS_MAX, PIECE_BYTES_MAX

Handler = Callable[[Any], Any]
Job = Callable[[], None]

_INTERNAL = "the component's handler failed"


class HandlerThreads:
    """Threads for handlers that are not `async`: made when needed, at most so many; they do not keep the process alive."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0

    def submit(self, job: Job) -> None:
        with self._lock:
            if self._idle > 0:
                self._idle -= 1
            elif self._threads < HANDLER_THREADS_MAX:
                self._threads += 1
                threading.Thread(target=self._run, name=f"handler-{self._threads}", daemon=True).start()
        self._jobs.put(job)

    def _run(self) -> None:
        while True:
            self._jobs.get()()
            with self._lock:
                self._idle += 1


class Runner:
    """Runs the handlers of one container."""

    def __init__(
        self, handlers: dict[str, Handler], async_thread: AsyncThread, post: Post, responding: frozenset[str] = frozenset()
    ) -> None:
        """`responding`: endpoints whose requests an egress answers, when the handler returns None."""
        self.handlers = handlers
        """By endpoint."""
        self._responding = responding
        self._async_thread = async_thread
        self._threads = HandlerThreads()
        self._post = post

    def begin(self, message: link.Request | link.OpenSocket, done: Callable[[], None]) -> Exchange:
        """Let the endpoint's handler have a request or a WebSocket. `done` is called, from any thread, when it has returned."""
        handler = self.handlers[message.endpoint]
        is_async = inspect.iscoroutinefunction(handler) or inspect.isasyncgenfunction(handler)
        loop = self._async_thread.loop if is_async else None
        exchange = Exchange(message.id, self._post, loop, is_socket=isinstance(message, link.OpenSocket))
        if is_async:
            self._async_thread.submit(self._run_async(handler, message, exchange, done))
        else:
            self._threads.submit(lambda: self._run(handler, message, exchange, done))
        return exchange

    def _leaves_it(self, message: link.Request, result: Any) -> bool:
        """The answer is a value with the request's id, at an egress."""
        return result is None and message.endpoint in self._responding

    def _run(self, handler: Handler, message: link.Request | link.OpenSocket, exchange: Exchange, done: Callable[[], None]) -> None:
        try:
            result = handler(_given(message, exchange))
            if isinstance(message, link.Request):
                if not self._leaves_it(message, result):
                    _answer(exchange, result)
            else:
                exchange.close_socket(1000, "")
        except GoneError:
            pass  # nobody is left to be told
        except Exception:  # whatever the author's handler raises
            _blame(message, exchange)
        finally:
            done()

    async def _run_async(
        self, handler: Handler, message: link.Request | link.OpenSocket, exchange: Exchange, done: Callable[[], None]
    ) -> None:
        try:
            result = handler(_given_async(message, exchange))
            if inspect.isawaitable(result):
                result = await result
            if isinstance(message, link.Request):
                if not self._leaves_it(message, result):
                    await _answer_async(exchange, result)
            else:
                exchange.close_socket(1000, "")
        except GoneError:
            pass  # nobody is left to be told
        except Exception:  # whatever the author's handler raises
            _blame(message, exchange)
        finally:
            done()


def _given(message: link.Request | link.OpenSocket, exchange: Exchange) -> Request | WebSocket:
    if isinstance(message, link.Request):
        return Request(exchange, message.method, message.path, message.query, message.headers)
    return WebSocket(exchange, message.path, message.query, message.headers, message.subprotocols)


def _given_async(message: link.Request | link.OpenSocket, exchange: Exchange) -> AsyncRequest | AsyncWebSocket:
    if isinstance(message, link.Request):
        return AsyncRequest(exchange, message.method, message.path, message.query, message.headers)
    return AsyncWebSocket(exchange, message.path, message.query, message.headers, message.subprotocols)


def _blame(message: link.Request | link.OpenSocket, exchange: Exchange) -> None:
    log.exception("the handler of %s failed", message.endpoint)
    if isinstance(message, link.OpenSocket):
        exchange.close_socket(1011, _INTERNAL)
    elif exchange.has_responded:
        exchange.give_up(_INTERNAL)
    else:
        exchange.respond(500, (("content-type", JSON),), error_body("component_failed", _INTERNAL), more=False)


def _answer(exchange: Exchange, result: Any) -> None:
    response = _response(result)
    if not isinstance(response.body, Iterator):
        _respond_whole(exchange, response)
        return
    exchange.respond(response.status, _headers(response, OCTETS), b"", more=True)
    try:
        for part in response.body:
            exchange.send_body(_bytes(part))
    finally:
        if hasattr(response.body, "close"):
            response.body.close()
    exchange.end_body()


async def _answer_async(exchange: Exchange, result: Any) -> None:
    response = _response(result)
    if not isinstance(response.body, AsyncIterator | Iterator):
        await _respond_whole_async(exchange, response)
        return
    exchange.respond(response.status, _headers(response, OCTETS), b"", more=True)
    if isinstance(response.body, AsyncIterator):
        try:
            async for part in response.body:
                await exchange.send_body_async(_bytes(part))
        finally:
            if hasattr(response.body, "aclose"):
                await response.body.aclose()
    else:
        for part in response.body:
            await exchange.send_body_async(_bytes(part))
    exchange.end_body()


async def _respond_whole_async(exchange: Exchange, response: Response) -> None:
    body, content_type = _whole(response.body)
    is_short = len(body) <= PIECE_BYTES_MAX
    exchange.respond(response.status, _headers(response, content_type), body if is_short else b"", more=not is_short)
    if not is_short:
        await exchange.send_body_async(body)
        exchange.end_body()


def _respond_whole(exchange: Exchange, response: Response) -> None:
    body, content_type = _whole(response.body)
    is_short = len(body) <= PIECE_BYTES_MAX
    exchange.respond(response.status, _headers(response, content_type), body if is_short else b"", more=not is_short)
    if not is_short:
        exchange.send_body(body)
        exchange.end_body()


def _response(result: Any) -> Response:
    """Nothing is an answer without a body."""
    if isinstance(result, Response):
        return result
    return Response(b"", 204) if result is None else Response(result)


def _whole(body: Any) -> tuple[bytes, str]:
    """Bytes and their content type."""
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body), OCTETS
    if isinstance(body, str):
        return body.encode(), TEXT
    return msgspec.json.encode(body), JSON


def _headers(response: Response, content_type: str) -> tuple[tuple[str, str], ...]:
    headers = response.headers
    if len(headers) >= HEADERS_MAX or sum(len(name) + len(value) for name, value in headers) > RESPONSE_HEADERS_CHARS_MAX:
        raise ValueError(f"an answer has less than {HEADERS_MAX} headers, of {RESPONSE_HEADERS_CHARS_MAX} characters together")
    if any(name.lower() == "content-type" for name, _ in headers):
        return headers
    return (("content-type", content_type), *headers)


def _bytes(part: Any) -> bytes:
    return part.encode() if isinstance(part, str) else bytes(part)
