"""WebSockets that a container serves over its link: messages both ways, under credit."""

import asyncio
from contextlib import suppress

from pie_deploy.gateway import failures, headers
from pie_deploy.gateway.caller import Message, Receive, Scope, Send
from pie_deploy.gateway.endings import Endings, RouteGone
from pie_deploy.gateway.exchange import Exchange
from pie_deploy.gateway.failures import CallerGone, UpstreamError
from pie_deploy.gateway.links import Links
from pie_deploy.gateway.request import Asked
from pie_deploy.gateway.socket_codes import GOING_AWAY, INTERNAL, NORMAL, RESTART, TOO_BIG, proper_code, proper_reason
from pie_deploy.gateway.statistics import Counters
from pie_deploy.ports.routes import Link
from pie_flow.endpoint_link import BODY_BYTES_MAX, AcceptSocket, CloseSocket, OpenSocket, Response, SocketMessage


class _Ended(Exception):
    """The socket is to be closed, with this code."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class LinkWebSocket:
    def __init__(self, links: Links, endings: Endings, counters: Counters) -> None:
        self._links = links
        self._endings = endings
        self._counters = counters

    async def serve(self, asked: Asked, link: Link, scope: Scope, receive: Receive, send: Send) -> None:
        """From the handshake to the end. Raises UpstreamError before the handshake is accepted, CallerGone."""
        backend_id = asked.target.backend_id
        exchange = await self._links.begin(backend_id, link)
        try:
            await self._handshake(asked, exchange, scope, send)
            await self._converse(asked, exchange, receive, send)
        finally:
            self._links.end(backend_id, exchange)

    async def _handshake(self, asked: Asked, exchange: Exchange, scope: Scope, send: Send) -> None:
        exchange.expect_within(asked.target.route.timeout_ns / 1e9)
        offered = tuple(scope.get("subprotocols", ()))
        exchange.send(
            OpenSocket(
                id=exchange.id,
                endpoint=asked.target.route.endpoint,
                path=asked.path,
                query=scope["query_string"].decode("latin-1"),
                headers=headers.as_text([pair for pair in scope["headers"] if pair[0] not in headers.OF_THE_HANDSHAKE]),
                subprotocols=offered,
            )
        )
        answer, _ = await exchange.next()
        exchange.settle()
        if not isinstance(answer, AcceptSocket):
            exchange.is_complete = isinstance(answer, CloseSocket | Response)
            raise UpstreamError(failures.REFUSED if exchange.is_complete else failures.BAD_ANSWER)
        if answer.subprotocol is not None and answer.subprotocol not in offered:
            raise UpstreamError(failures.BAD_ANSWER)
        await send({"type": "websocket.accept", "subprotocol": answer.subprotocol, "headers": []})

    async def _converse(self, asked: Asked, exchange: Exchange, receive: Receive, send: Send) -> None:
        self._endings.add(asked.token, exchange, lambda: exchange.fail(RouteGone()))
        from_caller = asyncio.create_task(
            self._from_caller(exchange, receive, min(asked.target.route.body_bytes_max, BODY_BYTES_MAX))
        )
        try:
            await self._to_caller(exchange, send)
        except _Ended as end:
            await send({"type": "websocket.close", "code": end.code, "reason": end.reason})
        except RouteGone:
            await send({"type": "websocket.close", "code": GOING_AWAY, "reason": "the endpoint is gone"})
        except UpstreamError as error:
            code = RESTART if error.refusal in (failures.LOST, failures.LINK_DOWN) else INTERNAL
            await send({"type": "websocket.close", "code": code, "reason": error.refusal.message})
        finally:
            self._endings.discard(asked.token, exchange)
            from_caller.cancel()

    async def _to_caller(self, exchange: Exchange, send: Send) -> None:
        """Ends by raising."""
        while True:
            message, body = await exchange.next()
            if isinstance(message, CloseSocket):
                exchange.is_complete = True
                raise _Ended(proper_code(message.code), proper_reason(message.reason))
            if not isinstance(message, SocketMessage):
                raise UpstreamError(failures.BAD_ANSWER)
            await send(_message(message, body))
            self._counters.bytes_out += len(body)
            exchange.consumed(len(body))

    async def _from_caller(self, exchange: Exchange, receive: Receive, size_bytes_max: int) -> None:
        try:
            while True:
                message = await receive()
                if message["type"] == "websocket.disconnect":
                    await self._tell_closed(exchange, message)
                    raise CallerGone
                text = message.get("text")
                data: bytes = text.encode() if text is not None else message.get("bytes") or b""
                if len(data) > size_bytes_max:
                    raise _Ended(TOO_BIG, "the message is larger than the endpoint takes")
                self._counters.bytes_in += len(data)
                await exchange.send_message(data, text is not None)
        except (UpstreamError, CallerGone, RouteGone, _Ended) as failure:
            exchange.fail(failure)

    async def _tell_closed(self, exchange: Exchange, message: Message) -> None:
        with suppress(UpstreamError):
            exchange.send(CloseSocket(id=exchange.id, code=message.get("code") or NORMAL, reason=message.get("reason") or ""))
            exchange.is_complete = True


def _message(message: SocketMessage, body: bytes) -> Message:
    if not message.text:
        return {"type": "websocket.send", "bytes": body}
    try:
        return {"type": "websocket.send", "text": body.decode()}
    except UnicodeDecodeError as error:
        raise UpstreamError(failures.BAD_ANSWER) from error
