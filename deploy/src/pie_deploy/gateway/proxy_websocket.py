"""WebSockets that a command serves on its loopback port."""

import asyncio

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from pie_deploy.gateway import failures, headers
from pie_deploy.gateway.caller import Message, Receive, Scope, Send
from pie_deploy.gateway.endings import Endings
from pie_deploy.gateway.failures import CallerGone, UpstreamError
from pie_deploy.gateway.proxy_http import LOOPBACK
from pie_deploy.gateway.request import Asked
from pie_deploy.gateway.socket_codes import GOING_AWAY, NORMAL, RESTART, proper_code, proper_reason
from pie_deploy.gateway.statistics import Counters
from pie_deploy.limits import GATEWAY_CONNECT_TIMEOUT_S
from pie_deploy.ports.routes import Port

_ABNORMAL = (None, 1006)
"""The command ended without a word."""

_QUEUE_MESSAGES_MAX = 4
"""That wait for a slow caller; then the command's side is not read."""


class ProxyWebSocket:
    def __init__(self, endings: Endings, counters: Counters) -> None:
        self._endings = endings
        self._counters = counters

    async def serve(self, asked: Asked, port: Port, scope: Scope, receive: Receive, send: Send) -> None:
        """From the handshake to the end. Raises UpstreamError before the handshake is accepted, CallerGone."""
        upstream = await _connected(asked, port, scope)
        try:
            await send({"type": "websocket.accept", "subprotocol": upstream.subprotocol, "headers": []})
            await self._converse(asked, upstream, receive, send)
        finally:
            await upstream.close()

    async def _converse(self, asked: Asked, upstream: ClientConnection, receive: Receive, send: Send) -> None:
        route_gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        to_caller = asyncio.ensure_future(self._to_caller(upstream, send))
        from_caller = asyncio.ensure_future(self._from_caller(upstream, receive))
        self._endings.add(asked.token, route_gone, lambda: route_gone.set_result(None))
        try:
            await asyncio.wait((route_gone, to_caller, from_caller), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._endings.discard(asked.token, route_gone)
            for task in (to_caller, from_caller):
                task.cancel()
            await asyncio.gather(to_caller, from_caller, return_exceptions=True)
        if route_gone.done():
            await send({"type": "websocket.close", "code": GOING_AWAY, "reason": "the endpoint is gone"})
            return
        last = None if from_caller.cancelled() or from_caller.exception() is not None else from_caller.result()
        if last is not None:
            await upstream.close(proper_code(last.get("code") or NORMAL), proper_reason(last.get("reason") or ""))
            raise CallerGone
        code = RESTART if upstream.close_code in _ABNORMAL else proper_code(upstream.close_code or NORMAL)
        await send({"type": "websocket.close", "code": code, "reason": proper_reason(upstream.close_reason or "")})

    async def _to_caller(self, upstream: ClientConnection, send: Send) -> None:
        async for message in upstream:
            self._counters.bytes_out += len(message)
            await send({"type": "websocket.send", "text" if isinstance(message, str) else "bytes": message})

    async def _from_caller(self, upstream: ClientConnection, receive: Receive) -> Message | None:
        """Returns how the caller left; None: it was the command."""
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return message
            data: str | bytes | None = message.get("text")
            if data is None:
                data = message.get("bytes") or b""
            self._counters.bytes_in += len(data)
            try:
                await upstream.send(data)
            except ConnectionClosed:
                return None


async def _connected(asked: Asked, port: Port, scope: Scope) -> ClientConnection:
    query = scope["query_string"].decode("latin-1")
    dropped = headers.OF_THE_HANDSHAKE | headers.FORWARDED | {b"host"}
    pairs = [pair for pair in headers.passing(scope["headers"]) if pair[0] not in dropped] + headers.forwarded(scope)
    offered = [Subprotocol(name) for name in scope.get("subprotocols", ())]
    try:
        return await connect(
            f"ws://{LOOPBACK}:{port.port}{asked.path}{'?' + query if query else ''}",
            additional_headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs],
            subprotocols=offered or None,
            user_agent_header=None,
            compression=None,
            proxy=None,
            ping_interval=None,
            open_timeout=asked.target.route.timeout_ns / 1e9,
            close_timeout=GATEWAY_CONNECT_TIMEOUT_S,
            max_size=asked.target.route.body_bytes_max,
            max_queue=_QUEUE_MESSAGES_MAX,
        )
    except InvalidStatus as error:
        raise UpstreamError(failures.REFUSED) from error
    except InvalidHandshake as error:
        raise UpstreamError(failures.BAD_ANSWER) from error
    except TimeoutError as error:
        raise UpstreamError(failures.TIMED_OUT) from error
    except OSError as error:
        raise UpstreamError(failures.LINK_DOWN) from error
