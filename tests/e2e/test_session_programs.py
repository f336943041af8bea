"""Programs that talk to their client: files both ways, MCP servers beside the client, a conversation of many turns."""

import asyncio
import json
from collections.abc import Sequence

import pytest
from e2e.conftest import installed

from pie.config.home import Home
from pie.engine.engine import Engine
from pie.engine.launched import LaunchedProcess
from pie.host.relay import McpError
from pie.processes.events import ProcessEvent

pytestmark = pytest.mark.slow


class Tools:
    """A client with an MCP server that adds numbers."""

    def servers(self) -> Sequence[str]:
        return ["adder"]

    async def request(self, server: str, method: str, params: str) -> str:
        await asyncio.sleep(0)
        given = json.loads(params)
        if method == "tools/list":
            return json.dumps({"tools": [{"name": "add", "inputSchema": {"type": "object"}}]})
        if given["name"] != "add":
            raise McpError(-32602, f"no tool {given['name']}")
        return json.dumps({"content": [{"type": "text", "text": str(sum(given["arguments"]["numbers"]))}]})


async def launch(engine: Engine, home: Home, name: str, **program_input: object) -> LaunchedProcess:
    return engine.launch(await installed(engine, home, name), json.dumps(program_input))


async def test_a_file_comes_back_changed_however_large(dummy_engine: Engine, home: Home) -> None:
    launched = await launch(dummy_engine, home, "file-echo", count=3, change="reverse")
    large = bytes(range(256)) * 8192
    assert launched.put_file(b"abc", "small.txt")
    assert launched.put_file(b"")
    assert launched.put_file(large, "large.bin")
    *files, end = [event async for event in launched.events()]
    assert files == [
        ProcessEvent("file", "small.txt", b"cba"),
        ProcessEvent("file", "", b""),
        ProcessEvent("file", "large.bin", large[::-1]),
    ]
    assert end == ProcessEvent("return", f"[3, 0, {len(large)}]")


async def test_a_program_whose_client_left_gets_no_file(dummy_engine: Engine, home: Home) -> None:
    launched = await launch(dummy_engine, home, "file-echo")
    launched.close_input()
    assert "no file can come any more" in (await launched.outcome()).value


async def test_a_program_calls_a_tool_beside_its_client(dummy_engine: Engine, home: Home) -> None:
    launched = await launch(dummy_engine, home, "mcp-tools", tool="add", arguments='{"numbers": [3, 4]}')
    launched.relay = Tools()
    assert await launched.outcome() == ProcessEvent("return", "7")


async def test_what_the_server_refuses_is_an_error_of_the_program(dummy_engine: Engine, home: Home) -> None:
    launched = await launch(dummy_engine, home, "mcp-tools", tool="subtract")
    launched.relay = Tools()
    assert await launched.outcome() == ProcessEvent("error", "no tool subtract")


async def test_without_a_client_there_is_no_server(dummy_engine: Engine, home: Home) -> None:
    launched = await launch(dummy_engine, home, "mcp-tools", server="adder")
    assert await launched.outcome() == ProcessEvent("error", "the client has registered no MCP server")


async def test_a_conversation_goes_on_until_the_client_is_done(dummy_engine: Engine, home: Home) -> None:
    launched = await launch(dummy_engine, home, "chat-agent", max_tokens=8)
    answers = 0
    launched.signal("Hello")
    async for event in launched.events():
        if event == ProcessEvent("message", "\n"):
            answers += 1
            launched.signal("And then?" if answers < 3 else "bye")
    assert answers == 3
    assert event.kind == "return", event.value
    assert json.loads(event.value)["turns"] == 3
