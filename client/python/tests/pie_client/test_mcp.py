"""MCP servers beside the client."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

import mcp_server
from fake_engine import PATIENCE_S, FakeEngine, until
from pie_client import McpServerError, PieClient, limits
from pie_client.mcp import JsonRpc, JsonRpcError, McpBridge
from pie_wire.messages import McpRequest, RegisterMcpServer

SCRIPT = str(Path(mcp_server.__file__))


async def registered(client: PieClient, *faults: str) -> None:
    await client.register_mcp_server("files", "stdio", sys.executable, [SCRIPT, *faults])


async def asked(engine: FakeEngine, method: str, params: object, server: str = "files", corr_id: int = 1) -> tuple[bool, object]:
    await until(lambda: bool(engine.sessions))
    await engine.sessions[0].send(McpRequest(corr_id, "p", server, method, json.dumps(params)))
    answer = await asyncio.wait_for(engine.mcp_answers.get(), PATIENCE_S)
    assert answer.corr_id == corr_id
    return answer.ok, json.loads(answer.result)


def call(tool: str, **arguments: object) -> dict[str, object]:
    return {"name": tool, "arguments": arguments}


def alive(process_id: int) -> bool:
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_a_process_reaches_the_tools_of_a_server(client: PieClient, engine: FakeEngine) -> None:
    await registered(client)
    assert await asked(engine, "tools/list", {}) == (True, {"tools": [{"name": "add", "inputSchema": {"type": "object"}}]})
    assert await asked(engine, "tools/call", call("add", numbers=[1, 2])) == (True, {"content": [{"type": "text", "text": "3"}]})


async def test_the_engine_is_told_about_the_server(client: PieClient, engine: FakeEngine) -> None:
    await registered(client)
    told = engine.got[-1]
    assert isinstance(told, RegisterMcpServer)
    assert (told.name, told.transport, told.command) == ("files", "stdio", sys.executable)


async def test_errors_of_the_server_come_as_code_message_and_data(client: PieClient, engine: FakeEngine) -> None:
    await registered(client)
    error = {"code": -32602, "message": "no tool fly", "data": {"known": ["add"]}}
    assert await asked(engine, "tools/call", call("fly")) == (False, error)
    assert await asked(engine, "resources/list", {}) == (False, {"code": -32601, "message": "no method resources/list"})


async def test_a_server_that_nobody_registered_is_an_error(client: PieClient, engine: FakeEngine) -> None:
    ok, error = await asked(engine, "tools/list", {}, server="nope")
    assert not ok
    assert error == {"code": -32000, "message": "MCP server 'nope' is not registered locally"}


async def test_a_slow_call_does_not_hold_up_anything_else(client: PieClient, engine: FakeEngine) -> None:
    await registered(client)
    await engine.sessions[0].send(McpRequest(1, "p", "files", "tools/call", json.dumps(call("slow", seconds=0.3))))
    await client.ping()
    assert await client.run_processes("echo", [{}]) == ["{}"]
    assert (await asyncio.wait_for(engine.mcp_answers.get(), PATIENCE_S)).result == '"slept"'


async def test_an_answer_does_not_go_to_another_connection(client: PieClient, engine: FakeEngine) -> None:
    await registered(client)
    await engine.sessions[0].send(McpRequest(1, "p", "files", "tools/call", json.dumps(call("slow", seconds=0.3))))
    await client.ping()
    await engine.drop()
    assert (await asked(engine, "tools/call", call("add", numbers=[1]), corr_id=2))[0]
    assert engine.mcp_answers.empty()


async def test_a_server_that_dies_gives_errors(client: PieClient, engine: FakeEngine) -> None:
    await registered(client)
    assert await asked(engine, "tools/call", call("die")) == (False, {"code": -32000, "message": "the MCP server has ended"})
    assert await asked(engine, "tools/list", {}) == (False, {"code": -32000, "message": "the MCP server has ended"})


async def test_a_result_that_fits_no_frame_is_an_error(client: PieClient, engine: FakeEngine) -> None:
    await registered(client)
    ok, error = await asked(engine, "tools/call", call("long", length=2 * limits.MCP_RESULT_BYTES_MAX))
    assert not ok
    assert "larger than" in str(error)


async def test_a_result_that_is_no_json_is_an_error(client: PieClient, engine: FakeEngine) -> None:
    await registered(client)
    ok, error = await asked(engine, "tools/call", call("not_a_number"))
    assert not ok
    assert isinstance(error, dict)
    assert error["code"] == -32603


async def test_parameters_that_are_no_json_are_an_error(client: PieClient, engine: FakeEngine) -> None:
    await registered(client)
    await engine.sessions[0].send(McpRequest(1, "p", "files", "tools/list", "{"))
    answer = await asyncio.wait_for(engine.mcp_answers.get(), PATIENCE_S)
    assert json.loads(answer.result)["code"] == -32602


@pytest.mark.parametrize("fault", ["", "stay"])
async def test_a_server_and_its_children_end_with_the_client(
    engine: FakeEngine, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MCP_STOP_TIMEOUT_S", 0.1)
    async with PieClient(engine.uri) as client:
        await registered(client, fault)
        _, server = await asked(engine, "tools/call", call("process_id"))
        _, child = await asked(engine, "tools/call", call("child"))
    assert isinstance(server, dict)
    assert isinstance(child, dict)
    await until(lambda: not alive(server["pid"]) and not alive(child["pid"]))


async def test_registering_a_name_again_replaces_the_server(client: PieClient, engine: FakeEngine) -> None:
    await registered(client)
    _, first = await asked(engine, "tools/call", call("process_id"))
    await registered(client)
    _, second = await asked(engine, "tools/call", call("process_id"))
    assert isinstance(first, dict)
    assert first != second
    assert not alive(first["pid"])


async def test_servers_are_announced_again_on_a_new_connection(client: PieClient, engine: FakeEngine) -> None:
    await registered(client)
    await engine.drop()
    await until(lambda: client.statistics().reconnections == 1)
    assert sum(isinstance(message, RegisterMcpServer) for message in engine.got) == 2
    assert (await asked(engine, "tools/list", {}))[0]


async def test_a_server_that_cannot_be_started_is_an_error(client: PieClient) -> None:
    with pytest.raises(McpServerError, match="cannot start '/no/such/command'"):
        await client.register_mcp_server("x", "stdio", "/no/such/command")
    with pytest.raises(McpServerError, match="ended"):
        await registered(client, "refuse")


async def test_other_transports_are_refused(client: PieClient) -> None:
    with pytest.raises(McpServerError, match="'http' is not yet supported"):
        await client.register_mcp_server("x", "http", url="http://127.0.0.1")
    with pytest.raises(ValueError, match="command"):
        await client.register_mcp_server("x", "stdio")


async def test_calls_beyond_the_bound_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MCP_REQUESTS_MAX", 1)
    bridge = McpBridge()
    await bridge.start("s", sys.executable, [SCRIPT])
    slow = asyncio.create_task(bridge.answer(McpRequest(1, "p", "s", "tools/call", json.dumps(call("slow", seconds=0.2)))))
    await asyncio.sleep(0)
    refused = await bridge.answer(McpRequest(2, "p", "s", "tools/list", "{}"))
    assert "more than 1 MCP requests" in refused.result
    assert (await slow).ok
    await bridge.close()


@pytest.mark.parametrize(
    ("line", "taken"),
    [
        (b'{"id": 3, "result": {"a": 1}}', (3, {"a": 1})),
        (b'{"id": 3}', (3, None)),
        (b'{"method": "notifications/message", "params": {}}', None),
        (b'{"id": "text", "result": 1}', None),
        (b'{"id": 9, "method": "ping"}', b'{"jsonrpc": "2.0", "id": 9, "result": {}}\n'),
    ],
)
def test_lines_of_a_server_are_told_apart(line: bytes, taken: object) -> None:
    assert JsonRpc().receive(line) == taken


def test_an_error_that_is_none_is_one_all_the_same() -> None:
    taken = JsonRpc().receive(b'{"id": 1, "error": "bad"}')
    assert isinstance(taken, tuple)
    assert isinstance(taken[1], JsonRpcError)
    assert json.loads(taken[1].as_json()) == {"code": -32000, "message": "bad"}


def test_the_children_of_this_test_process_are_gone() -> None:
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    assert not [child for child in children if "mcp_server" in Path(f"/proc/{child}/cmdline").read_text()]
