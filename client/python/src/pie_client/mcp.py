"""MCP servers beside the client: spawned here, spoken to in newline-delimited JSON-RPC over their stdin and stdout.

Processes in the engine reach them through the client. `JsonRpc` is the conversation without I/O, `StdioServer` a child with it,
`McpBridge` all servers of one client.
"""

import asyncio
import json
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from typing import Final

from pie_client import limits
from pie_client.errors import McpServerError
from pie_wire.messages import McpRequest, McpResponse

PROTOCOL_VERSION: Final = "2024-11-05"
TRANSPORT_ERROR: Final = -32000
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603

Json = Mapping[str, object]


class JsonRpcError(Exception):
    """What a server answered instead of a result, or why it did not."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def as_json(self) -> str:
        error: dict[str, object] = {"code": self.code, "message": self.message}
        return json.dumps(error if self.data is None else error | {"data": self.data})


class JsonRpc:
    """Numbers requests and tells answers from what the server wants of us. No I/O."""

    def __init__(self) -> None:
        self._next_id = 1

    def request(self, method: str, params: object) -> tuple[int, bytes]:
        """The number of a request, and its line."""
        number, self._next_id = self._next_id, self._next_id + 1
        return number, _line({"id": number, "method": method, "params": params})

    def notification(self, method: str) -> bytes:
        return _line({"method": method})

    def receive(self, line: bytes) -> tuple[int, object | JsonRpcError] | bytes | None:
        """An answer with its number; a line to send back; or None if there is nothing to do. Raises `ValueError`: no JSON-RPC."""
        message = json.loads(line)
        if not isinstance(message, dict):
            raise ValueError("not a JSON-RPC message")
        number, method = message.get("id"), message.get("method")
        if isinstance(method, str):
            return None if number is None else _reply(number, method)
        if not isinstance(number, int):
            return None
        return number, _error(message["error"]) if "error" in message else message.get("result")


class StdioServer:
    """One MCP server as a child process, in a process group of its own so that all it started ends with it."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self._child = child
        self._rpc = JsonRpc()
        self._answers: dict[int, asyncio.Future[object]] = {}
        self._reader = asyncio.create_task(self._read(), name="pie_client mcp")
        self._why_gone: str | None = None

    @classmethod
    async def start(cls, command: str, arguments: Sequence[str]) -> "StdioServer":
        """Spawn it and shake hands. Raises `McpServerError`."""
        try:
            pipe = asyncio.subprocess.PIPE
            child = await asyncio.create_subprocess_exec(
                command, *arguments, stdin=pipe, stdout=pipe, limit=limits.MCP_LINE_BYTES_MAX, start_new_session=True
            )
        except (OSError, ValueError) as error:
            raise McpServerError(f"cannot start {command!r}: {error}") from error
        server = cls(child)
        try:
            await server._shake_hands()
        except BaseException:
            await server.close()
            raise
        return server

    async def call(self, method: str, params: object, timeout_s: float = limits.MCP_CALL_TIMEOUT_S) -> object:
        """The result. Raises `JsonRpcError`."""
        if self._why_gone is not None:
            raise JsonRpcError(TRANSPORT_ERROR, self._why_gone)
        number, line = self._rpc.request(method, params)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout_s):
                await self._write(line)
                return await answer
        except TimeoutError as error:
            raise JsonRpcError(TRANSPORT_ERROR, f"the MCP server did not answer {method} within {timeout_s:g} s") from error
        finally:
            self._answers.pop(number, None)

    async def close(self) -> None:
        """End it: politely, then not."""
        assert self._child.stdin is not None
        self._child.stdin.close()
        try:
            if not await self._ended():
                self._signal(signal.SIGTERM)
                await self._ended()
        finally:
            self._signal(signal.SIGKILL)  # also what it may have left behind
        await self._child.wait()
        await self._reader

    async def _ended(self) -> bool:
        """Whether it ends soon."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limits.MCP_STOP_TIMEOUT_S):
                await self._child.wait()
        return self._child.returncode is not None

    async def _shake_hands(self) -> None:
        hello = {
            "protocolVersion": PROTOCOL_VERSION,
            "capabilities": {},
            "clientInfo": {"name": "pie-client-python", "version": version("pie-client")},
        }
        try:
            await self.call("initialize", hello, limits.MCP_START_TIMEOUT_S)
            await self._write(self._rpc.notification("notifications/initialized"))
        except JsonRpcError as error:
            raise McpServerError(f"the MCP server refused to start: {error}") from error

    async def _write(self, line: bytes) -> None:
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(line)
            await self._child.stdin.drain()
        except (OSError, RuntimeError) as error:
            raise JsonRpcError(TRANSPORT_ERROR, "the MCP server has ended") from error

    async def _read(self) -> None:
        assert self._child.stdout is not None
        why = "the MCP server has ended"
        try:
            while line := await self._child.stdout.readline():
                await self._take(line)
        except ValueError:  # what the stream raises for a line that is too long
            why = f"the MCP server sent a line of more than {limits.MCP_LINE_BYTES_MAX} bytes"
            self._signal(signal.SIGKILL)
        finally:
            self._why_gone = why
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(JsonRpcError(TRANSPORT_ERROR, why))

    async def _take(self, line: bytes) -> None:
        try:
            taken = self._rpc.receive(line)
        except (ValueError, RecursionError):
            return  # servers print other things on their stdout; MCP has clients ignore them
        if isinstance(taken, bytes):
            with suppress(JsonRpcError):
                await self._write(taken)
        elif taken is not None:
            number, outcome = taken
            answer = self._answers.get(number)
            if answer is not None and not answer.done():
                answer.set_exception(outcome) if isinstance(outcome, JsonRpcError) else answer.set_result(outcome)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, number)


class McpBridge:
    """The servers of one client, by name."""

    def __init__(self) -> None:
        self._servers: dict[str, StdioServer] = {}
        self._calls = 0

    async def start(self, name: str, command: str, arguments: Sequence[str]) -> None:
        """A server of the same name is replaced. Raises `McpServerError`."""
        server = await StdioServer.start(command, arguments)
        previous, self._servers[name] = self._servers.get(name), server
        if previous is not None:
            await previous.close()

    async def stop(self, name: str) -> None:
        if server := self._servers.pop(name, None):
            await server.close()

    async def answer(self, request: McpRequest) -> McpResponse:
        """What the server that a process asks says; errors are JSON with `code`, `message`, and `data` if there is any."""
        self._calls += 1
        try:
            return McpResponse(request.corr_id, True, await self._result(request))
        except JsonRpcError as error:
            return McpResponse(request.corr_id, False, error.as_json())
        finally:
            self._calls -= 1

    async def close(self) -> None:
        servers, self._servers = self._servers, {}
        await asyncio.gather(*(server.close() for server in servers.values()))

    async def _result(self, request: McpRequest) -> str:
        server = self._servers.get(request.server_name)
        if server is None:
            raise JsonRpcError(TRANSPORT_ERROR, f"MCP server '{request.server_name}' is not registered locally")
        if self._calls > limits.MCP_REQUESTS_MAX:
            raise JsonRpcError(TRANSPORT_ERROR, f"more than {limits.MCP_REQUESTS_MAX} MCP requests at the same time")
        text = _text(await server.call(request.method, _params(request.params)))
        if len(text) > limits.MCP_RESULT_BYTES_MAX:
            raise JsonRpcError(TRANSPORT_ERROR, f"the result is larger than {limits.MCP_RESULT_BYTES_MAX} bytes")
        return text


def _params(text: str) -> object:
    try:
        return json.loads(text) if text else {}
    except (ValueError, RecursionError) as error:
        raise JsonRpcError(INVALID_PARAMS, f"the parameters are not JSON: {error}") from error


def _text(result: object) -> str:
    try:
        return json.dumps(result, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise JsonRpcError(INTERNAL_ERROR, f"the result cannot be written as JSON: {error}") from error


def _reply(number: object, method: str) -> bytes:
    """To a request of the server: we are there, and can do nothing else for it."""
    if method == "ping":
        return _line({"id": number, "result": {}})
    return _line({"id": number, "error": {"code": METHOD_NOT_FOUND, "message": f"this client does not do {method}"}})


def _error(error: object) -> JsonRpcError:
    if not isinstance(error, dict):
        return JsonRpcError(TRANSPORT_ERROR, str(error))
    code = error.get("code")
    return JsonRpcError(code if isinstance(code, int) else TRANSPORT_ERROR, str(error.get("message", "")), error.get("data"))


def _line(message: Json) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"
