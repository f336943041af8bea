"""`pie:inferlet/mcp`: MCP servers that run beside the client."""

from pie.host.relay import McpError, McpRelay

__all__ = ["McpError", "McpRelay"]
