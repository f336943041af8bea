"""HTTP requests that a container answers over its link.

caller ──body──▶ upload ──▶ container        while the answer may already come back
caller ◀─ answer ◀── container               a value, or a stream for as long as both want
"""

import asyncio

from pie_deploy.gateway import failures, headers
from pie_deploy.gateway.caller import AnswerBroken, Message, Receive, Scope, Send
from pie_deploy.gateway.endings import Endings, RouteGone
from pie_deploy.gateway.exchange import Exchange
from pie_deploy.gateway.failures import CallerGone, UpstreamError
from pie_deploy.gateway.links import Links
from pie_deploy.gateway.request import Asked
from pie_deploy.gateway.statistics import Counters
from pie_deploy.limits import GATEWAY_BODY_IDLE_S, GATEWAY_WATCH_AFTER_S
from pie_deploy.ports.routes import Link
from pie_flow.endpoint_link import PIECE_BYTES_MAX, Body, Emitted, Request, Response

_Answer = Emitted | Response

_WITHOUT_BODY = (204, 304)

_NOT_YET: Message = {"body": b"", "more_body": True}
"""A body in chunks may depend on what the answer begins with: the container is asked before the first chunk is there."""


class LinkHttp:
    def __init__(self, links: Links, endings: Endings, counters: Counters) -> None:
        self._links = links
        self._endings = endings
        self._counters = counters

    async def serve(self, asked: Asked, link: Link, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request. Raises UpstreamError before the answer has begun, AnswerBroken afterwards, CallerGone."""
        limit = asked.target.route.body_bytes_max
        headers.check_length(scope["headers"], limit)
        first = _NOT_YET if headers.is_chunked(scope["headers"]) else await _received(receive)
        exchange = await self._links.begin(asked.target.backend_id, link, asked.target.route.answer)
        upload = _Upload(exchange, receive, limit)
        try:
            exchange.expect_within(asked.target.route.timeout_ns / 1e9)
            upload.begin(_request(exchange.id, asked, scope, bool(first.get("more_body"))), first)
            is_whole = await self._answer(asked, exchange, send)
            exchange.is_complete = is_whole and upload.is_complete
        finally:
            upload.close()
            self._counters.bytes_in += upload.size_bytes
            self._links.end(asked.target.backend_id, exchange)

    async def _answer(self, asked: Asked, exchange: Exchange, send: Send) -> bool:
        """Returns whether the container has said all that it had to."""
        message, body = await exchange.next()
        exchange.settle()
        if not isinstance(message, _Answer):
            raise UpstreamError(failures.BAD_ANSWER)
        more = isinstance(message, Response) and message.more
        is_whole = not more
        if message.status in _WITHOUT_BODY:
            body, more = b"", False
        await send({"type": "http.response.start", "status": _status(message), "headers": _headers(message, body, more)})
        self._counters.answered(message.status)
        self._counters.bytes_out += len(body)
        if not more:
            await _send_whole(body, send)
            return is_whole
        self._endings.add(asked.token, exchange, lambda: exchange.fail(RouteGone()))
        try:
            return await self._stream(exchange, body, send)
        except UpstreamError as error:
            raise AnswerBroken from error
        finally:
            self._endings.discard(asked.token, exchange)

    async def _stream(self, exchange: Exchange, piece: bytes, send: Send) -> bool:
        """Pass the pieces on. When the route goes, the answer ends as if it were whole: a caller that asks again gets the 404."""
        more = True
        while more:
            if piece:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                self._counters.bytes_out += len(piece)
                exchange.consumed(len(piece))
            try:
                message, piece = await exchange.next()
            except RouteGone:
                await send({"type": "http.response.body", "body": b""})
                return False
            if not isinstance(message, Body):
                raise UpstreamError(failures.BAD_ANSWER)
            more = message.more
        self._counters.bytes_out += len(piece)
        await send({"type": "http.response.body", "body": piece})
        return True


class _Upload:
    """Brings the request's body to the container, and notices when the caller goes.

    Most requests have all of their body with them and get an answer at once: they need no task.
    """

    def __init__(self, exchange: Exchange, receive: Receive, limit_bytes: int) -> None:
        self._exchange = exchange
        self._receive = receive
        self._limit_bytes = limit_bytes
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._later: asyncio.TimerHandle | None = None
        self.size_bytes = 0
        self.is_complete = False

    def begin(self, request: Request, first: Message) -> None:
        """Raises UpstreamError."""
        body: bytes = first.get("body", b"")
        self._count(body)
        self._exchange.send(request, body)
        if request.more:
            self._start()
        else:
            self.is_complete = True
            self._later = self._loop.call_later(GATEWAY_WATCH_AFTER_S, self._start)

    def close(self) -> None:
        if self._later is not None:
            self._later.cancel()
        if self._task is not None:
            self._task.cancel()

    def _start(self) -> None:
        self._task = self._loop.create_task(self._run())

    async def _run(self) -> None:
        try:
            while not self.is_complete:
                message = await _received(self._receive)
                body: bytes = message.get("body", b"")
                self._count(body)
                more = bool(message.get("more_body"))
                await self._exchange.send_body(body, more)
                self.is_complete = not more
            while (await self._receive())["type"] != "http.disconnect":
                pass
            raise CallerGone
        except (UpstreamError, CallerGone, RouteGone) as failure:
            self._exchange.fail(failure)

    def _count(self, body: bytes) -> None:
        self.size_bytes += len(body)
        if self.size_bytes > self._limit_bytes:
            raise UpstreamError(failures.TOO_LARGE)


async def _received(receive: Receive) -> Message:
    """The next piece of the body. Raises UpstreamError, CallerGone."""
    try:
        async with asyncio.timeout(GATEWAY_BODY_IDLE_S):
            message = await receive()
    except TimeoutError as error:
        raise UpstreamError(failures.BODY_LATE) from error
    if message["type"] == "http.disconnect":
        raise CallerGone
    return message


async def _send_whole(body: bytes, send: Send) -> None:
    """In pieces: the server waits for the caller between them, so that what it has not taken is held, and counted, here."""
    for begin in range(0, len(body) or 1, PIECE_BYTES_MAX):
        end = begin + PIECE_BYTES_MAX
        await send({"type": "http.response.body", "body": body[begin:end], "more_body": end < len(body)})


def _request(id_: int, asked: Asked, scope: Scope, more: bool) -> Request:
    return Request(
        id=id_,
        endpoint=asked.target.route.endpoint,
        method=scope["method"],
        path=asked.path,
        query=scope["query_string"].decode("latin-1"),
        headers=headers.as_text(scope["headers"]),
        more=more,
    )


def _status(message: _Answer) -> int:
    if not 200 <= message.status <= 599:
        raise UpstreamError(failures.BAD_ANSWER)
    return message.status


def _headers(message: _Answer, body: bytes, more: bool) -> headers.Pairs:
    try:
        if isinstance(message, Emitted):
            pairs = headers.from_container((("content-type", message.content_type),))
        else:
            pairs = headers.from_container(message.headers)
    except ValueError as error:
        raise UpstreamError(failures.BAD_ANSWER) from error
    if not more and message.status not in _WITHOUT_BODY:
        pairs.append((b"content-length", str(len(body)).encode()))
    return pairs
