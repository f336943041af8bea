"""MCP requests travel through whatever relay is attached; whatever goes wrong there, the guest gets an answer."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from pie.host import mcp
from pie.host.guest import Guest
from pie.host.mcp import Failure, FutureResult, McpSession
from pie.host.relay import McpError
from pie.limits import MCP_REQUESTS_MAX
from pie.sandbox.interface import Err, GuestFault, Ok


@dataclass
class FakeRelay:
    """A client with one server, which says what it was asked."""

    names: tuple[str, ...] = ("tools",)
    error: Exception | None = None
    cancelled: bool = False
    silent: bool = False
    asked: list[str] = field(default_factory=list)

    def servers(self) -> Sequence[str]:
        return self.names

    async def request(self, server: str, method: str, params: str) -> str:
        self.asked.append(method)
        if self.error is not None:
            raise self.error
        if self.silent:
            await self._wait()
        return json.dumps([server, method, json.loads(params)])

    async def _wait(self) -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            self.cancelled = True
            raise


async def answer(guest: Guest, result: FutureResult) -> object:
    await asyncio.wait([result.future])
    found = mcp.get(guest, result)
    result.drop()
    return json.loads(found.value) if isinstance(found, Ok) else found


async def test_servers_are_those_of_the_attached_client(guest: Guest) -> None:
    assert mcp.available_servers(guest) == []
    guest.relay = FakeRelay(("a", "b"))
    assert mcp.available_servers(guest) == ["a", "b"]


async def test_connecting_fails_without_a_client_and_to_an_unknown_server(guest: Guest) -> None:
    with pytest.raises(GuestFault) as nobody:
        mcp.connect(guest, "tools")
    assert nobody.value.payload.number == -32000
    guest.relay = FakeRelay()
    with pytest.raises(GuestFault) as unknown:
        mcp.connect(guest, "other")
    assert unknown.value.payload == Failure(-1, "MCP server 'other' not registered")


CALLS: list[tuple[Callable[[Guest, McpSession], FutureResult], str, dict[str, object]]] = [
    (mcp.list_tools, "tools/list", {}),
    (mcp.list_resources, "resources/list", {}),
    (mcp.list_prompts, "prompts/list", {}),
    (lambda guest, session: mcp.call_tool(guest, session, "add", '{"a": 1}'), "tools/call", {"name": "add", "arguments": {"a": 1}}),
    (lambda guest, session: mcp.get_prompt(guest, session, "hi", ""), "prompts/get", {"name": "hi", "arguments": {}}),
    (lambda guest, session: mcp.read_resource(guest, session, "file:///x"), "resources/read", {"uri": "file:///x"}),
]


@pytest.mark.parametrize(("call", "method", "params"), CALLS)
async def test_a_call_is_a_request_to_the_server(
    guest: Guest, call: Callable[[Guest, McpSession], FutureResult], method: str, params: dict[str, object]
) -> None:
    guest.relay = FakeRelay()
    session = mcp.connect(guest, "tools")
    assert await answer(guest, call(guest, session)) == ["tools", method, params]


@pytest.mark.parametrize("arguments", ["{", "[1]", "[" * 100_000, '{"a": NaN}', '{"a": "' + "x" * (1 << 20) + '"}'])
async def test_arguments_that_are_no_json_object_are_not_sent(guest: Guest, arguments: str) -> None:
    guest.relay = relay = FakeRelay()
    failure = await answer(guest, mcp.call_tool(guest, McpSession("tools"), "add", arguments))
    assert isinstance(failure, Err)
    assert failure.value.number == -32602
    assert not relay.asked


async def test_the_servers_error_reaches_the_guest(guest: Guest) -> None:
    guest.relay = FakeRelay(error=McpError(7, "no such tool"))
    assert await answer(guest, mcp.list_tools(guest, McpSession("tools"))) == Err(Failure(7, "no such tool"))


async def test_a_number_that_is_no_number_of_jsonrpc_is_replaced(guest: Guest) -> None:
    guest.relay = FakeRelay(error=McpError(2**40, "odd"))
    assert await answer(guest, mcp.list_tools(guest, McpSession("tools"))) == Err(Failure(-32000, "odd"))


async def test_a_relay_that_breaks_is_an_error_and_no_trap(guest: Guest, caplog: pytest.LogCaptureFixture) -> None:
    guest.relay = FakeRelay(error=RuntimeError("a secret"))
    failure = await answer(guest, mcp.list_tools(guest, McpSession("tools")))
    assert isinstance(failure, Err)
    assert "secret" not in failure.value.message
    assert "a secret" in caplog.text


async def test_a_client_that_left_is_an_error(guest: Guest) -> None:
    guest.relay = FakeRelay()
    session = mcp.connect(guest, "tools")
    guest.relay = None
    failure = await answer(guest, mcp.list_tools(guest, session))
    assert isinstance(failure, Err)
    assert failure.value.number == -32000


async def test_who_drops_a_request_gives_it_up(guest: Guest) -> None:
    guest.relay = relay = FakeRelay(silent=True)
    result = mcp.list_tools(guest, McpSession("tools"))
    while not relay.asked:
        await asyncio.sleep(0)
    assert mcp.get(guest, result) is None
    result.drop()
    await asyncio.wait([result.future])
    assert relay.cancelled


async def test_requests_at_a_time_are_bounded(guest: Guest) -> None:
    guest.relay = FakeRelay(silent=True)
    waiting = [mcp.list_tools(guest, McpSession("tools")) for _ in range(MCP_REQUESTS_MAX)]
    assert isinstance(await answer(guest, mcp.list_tools(guest, McpSession("tools"))), Err)
    for result in waiting:
        result.drop()
    guest.relay = FakeRelay()
    assert not isinstance(await answer(guest, mcp.list_tools(guest, McpSession("tools"))), Err)
