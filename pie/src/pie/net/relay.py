"""MCP servers beside the client: their names, and requests to them, which travel through the client's connection."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from pie.host.relay import McpError
from pie.limits import MCP_REQUESTS_MAX, MCP_SERVERS_MAX, MCP_TIMEOUT_S
from pie.net.refused import RefusedError
from pie_wire.frames import encode
from pie_wire.limits import FRAME_BYTES_MAX
from pie_wire.messages import McpRequest, McpResponse, RegisterMcpServer

TRANSPORT_ERROR = -32000
INVALID_PARAMS = -32602
_CORR_IDS = 1 << 32


class _ErrorObject(msgspec.Struct):
    """What a client sends in place of a result."""

    code: int = TRANSPORT_ERROR
    message: str = ""


_errors = msgspec.json.Decoder(_ErrorObject)


class SessionRelay:
    """The MCP servers of one connection."""

    def __init__(self, send: Callable[[bytes], None], *, timeout_s: float = MCP_TIMEOUT_S) -> None:
        """`send` takes a frame for the client."""
        self._send = send
        self._timeout_s = timeout_s
        self._servers: dict[str, None] = {}
        self._pending: dict[int, asyncio.Future[str]] = {}
        self._corr_id = 0
        self._is_closed = False

    def register(self, message: RegisterMcpServer) -> None:
        """One more server, or the same again. Raises `RefusedError`."""
        if not message.name:
            raise RefusedError("an MCP server needs a name")
        if len(self._servers) >= MCP_SERVERS_MAX and message.name not in self._servers:
            raise RefusedError(f"a connection may register {MCP_SERVERS_MAX} MCP servers")
        self._servers[message.name] = None

    def of_process(self, process_id: str) -> "ProcessRelay":
        return ProcessRelay(self, process_id)

    def servers(self) -> Sequence[str]:
        return tuple(self._servers)

    async def request(self, process_id: str, server: str, method: str, params: str) -> str:
        """Raises `McpError`: what the server said, or that it could not be asked."""
        corr_id, frame = self._frame(process_id, server, method, params)
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._pending[corr_id] = answer
        self._send(frame)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await answer
        except TimeoutError:
            raise McpError(TRANSPORT_ERROR, f"MCP server '{server}' has not answered for {self._timeout_s:g} s") from None
        finally:
            del self._pending[corr_id]

    def answered(self, message: McpResponse) -> bool:
        """Whether somebody was waiting for it."""
        answer = self._pending.get(message.corr_id)
        if answer is None or answer.done():
            return False
        if message.ok:
            answer.set_result(message.result)
        else:
            answer.set_exception(_error(message.result))
        return True

    def close(self) -> None:
        """The client is gone, and so are its servers."""
        self._is_closed = True
        self._servers.clear()
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(McpError(TRANSPORT_ERROR, "the client has closed its connection"))

    def _frame(self, process_id: str, server: str, method: str, params: str) -> tuple[int, bytes]:
        if self._is_closed:
            raise McpError(TRANSPORT_ERROR, "no client is attached to this process")
        if len(self._pending) >= MCP_REQUESTS_MAX:
            raise McpError(TRANSPORT_ERROR, f"the client has not answered {MCP_REQUESTS_MAX} requests yet")
        self._corr_id = self._corr_id % (_CORR_IDS - 1) + 1
        frame = encode(McpRequest(self._corr_id, process_id, server, method, params))
        if len(frame) > FRAME_BYTES_MAX:
            raise McpError(INVALID_PARAMS, f"the parameters are too long: a frame has at most {FRAME_BYTES_MAX} bytes")
        return self._corr_id, frame


class ProcessRelay:
    """The same, for one process: an `McpRelay`."""

    def __init__(self, session: SessionRelay, process_id: str) -> None:
        self._session = session
        self._process_id = process_id

    def servers(self) -> Sequence[str]:
        return self._session.servers()

    async def request(self, server: str, method: str, params: str) -> str:
        return await self._session.request(self._process_id, server, method, params)


def _error(text: str) -> McpError:
    try:
        error = _errors.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return McpError(TRANSPORT_ERROR, text)
    return McpError(error.code, error.message or text)
