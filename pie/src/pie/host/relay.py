"""The way to MCP servers: they run beside the client, calls travel through its connection."""

from collections.abc import Sequence
from typing import Protocol


class McpError(Exception):
    """What an MCP server, or the way to it, answers in place of a result. `number` is a JSON-RPC error code."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number
        self.message = message


class McpRelay(Protocol):
    """The client of one process, as far as MCP goes. Requests may come from many tasks at once."""

    def servers(self) -> Sequence[str]:
        """Names of the servers that the client has registered."""
        ...

    async def request(self, server: str, method: str, params: str) -> str:
        """The result of a JSON-RPC call, JSON text as `params` is. Raises `McpError`. Cancelled when the guest lets go of it."""
        ...
