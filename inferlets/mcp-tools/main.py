"""Uses an MCP server that runs beside the client: asks what it offers, and calls one of its tools."""

import json

from inferlet import mcp


async def main(input):
    servers = mcp.available_servers()
    if not servers:
        raise RuntimeError("the client has registered no MCP server")

    with mcp.connect(input.get("server", servers[0])) as server:
        tools = await server.tools()
        print(f"{server.server_name} offers {', '.join(tool['name'] for tool in tools) or 'no tools'}")
        if "tool" not in input:
            return [tool["name"] for tool in tools]

        result = await server.call(input["tool"], json.loads(input.get("arguments", "{}")))
        text = "".join(part["text"] for part in result["content"] if part["type"] == "text")
        if result.get("isError"):
            raise RuntimeError(f"the tool failed: {text}")
        return text
