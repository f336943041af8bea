"""Servers of the Model Context Protocol, which run beside the client that launched the program.

    server = mcp.connect("files")
    listing = await server.call("list_folder", {"path": "/"})

The methods of `McpSession` that wait with `await` let other tasks of the program run, and give and take values. The others stop the
whole program until the answer is there, and give and take JSON text.
"""

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from inferlet import _host as host
from inferlet import checked
from inferlet._loop import running_loop
from inferlet.errors import McpError


def available_servers() -> list[str]:
    """Names of the servers that can be connected to now; none while no client is attached."""
    return list(host.mcp.available_servers())


def connect(server_name: str) -> "McpSession":
    """Raises `McpError` if there is no such server."""
    try:
        return McpSession(host.mcp.connect(checked.text(server_name)), server_name)
    except host.Err as fault:
        raise McpError(fault.value.number, fault.value.message) from None


class McpSession:
    """One server. What its methods raise is `McpError`."""

    __slots__ = ("_handle", "server_name")

    def __init__(self, handle: Any, server_name: str) -> None:
        self._handle = handle
        self.server_name = server_name

    # --- values, beside other tasks ---

    async def tools(self) -> list[dict[str, Any]]:
        """The server's tools: `name`, `description`, `inputSchema`."""
        return list((await _value(self._handle.list_tools()))["tools"])

    async def call(self, name: str, arguments: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The result of a tool: `content`, and `isError` if the tool says that it failed."""
        return dict(await _value(self._handle.call_tool(checked.text(name), _json(arguments))))

    async def resources(self) -> list[dict[str, Any]]:
        return list((await _value(self._handle.list_resources()))["resources"])

    async def resource(self, uri: str) -> list[dict[str, Any]]:
        """The contents of a resource."""
        return list((await _value(self._handle.read_resource(checked.text(uri))))["contents"])

    async def prompts(self) -> list[dict[str, Any]]:
        return list((await _value(self._handle.list_prompts()))["prompts"])

    async def prompt(self, name: str, arguments: Mapping[str, str] | None = None) -> dict[str, Any]:
        """A prompt filled in: `messages`, `description`."""
        return dict(await _value(self._handle.get_prompt(checked.text(name), _json(arguments))))

    # --- JSON texts, at once ---

    def list_tools(self) -> str:
        return _text(self._handle.list_tools())

    def call_tool(self, name: str, args: str) -> str:
        return _text(self._handle.call_tool(checked.text(name), checked.text(args)))

    def list_resources(self) -> str:
        return _text(self._handle.list_resources())

    def read_resource(self, uri: str) -> str:
        return _text(self._handle.read_resource(checked.text(uri)))

    def list_prompts(self) -> str:
        return _text(self._handle.list_prompts())

    def get_prompt(self, name: str, args: str) -> str:
        return _text(self._handle.get_prompt(checked.text(name), checked.text(args)))

    def __enter__(self) -> "McpSession":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._handle.__exit__(kind, error, trace)


async def _value(future: Any) -> Any:
    """Waits for an answer; other tasks run meanwhile."""
    with future:
        while (answer := future.get()) is None:
            with future.subscribe() as pollable:
                await running_loop().wait(pollable)
    return json.loads(_result(answer))


def _text(future: Any) -> str:
    """Waits for an answer; the program stands still meanwhile."""
    with future:
        while (answer := future.get()) is None:
            with future.subscribe() as pollable:
                pollable.block()
    return _result(answer)


def _result(answer: Any) -> str:
    if isinstance(answer, host.Err):
        raise McpError(answer.value.number, answer.value.message)
    return str(answer.value)


def _json(arguments: Mapping[str, Any] | None) -> str:
    return checked.text(json.dumps(dict(arguments or {}), default=str))
