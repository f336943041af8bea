"""Requests to MCP servers beside a client: bounded, and answered or failed."""

import asyncio

import pytest

from pie.host.relay import McpError
from pie.limits import MCP_REQUESTS_MAX, MCP_SERVERS_MAX
from pie.net.refused import RefusedError
from pie.net.relay import SessionRelay
from pie_wire.frames import decode_server_message
from pie_wire.limits import FRAME_BYTES_MAX
from pie_wire.messages import McpRequest, McpResponse, RegisterMcpServer


def sent_by(frames: list[bytes]) -> list[McpRequest]:
    return [message for frame in frames if isinstance(message := decode_server_message(frame), McpRequest)]


async def test_answers_find_their_requests_in_any_order() -> None:
    frames: list[bytes] = []
    relay = SessionRelay(frames.append)
    asked = [asyncio.ensure_future(relay.of_process("p").request("s", "m", str(number))) for number in range(3)]
    await asyncio.sleep(0)
    for request in reversed(sent_by(frames)):
        assert relay.answered(McpResponse(request.corr_id, True, request.params))
    assert await asyncio.gather(*asked) == ["0", "1", "2"]


async def test_a_server_that_does_not_answer_fails_the_request() -> None:
    relay = SessionRelay(lambda _: None, timeout_s=0.01)
    with pytest.raises(McpError, match="has not answered"):
        await relay.request("p", "s", "m", "{}")
    assert not relay.answered(McpResponse(1, True, "late"))


async def test_a_request_that_is_given_up_leaves_nothing() -> None:
    relay = SessionRelay(lambda _: None)
    asked = asyncio.ensure_future(relay.request("p", "s", "m", "{}"))
    await asyncio.sleep(0)
    asked.cancel()
    await asyncio.wait([asked])
    assert not relay.answered(McpResponse(1, True, "late"))


async def test_a_client_that_answers_nothing_is_asked_only_so_much() -> None:
    relay = SessionRelay(lambda _: None)
    asked = [asyncio.ensure_future(relay.request("p", "s", "m", "{}")) for _ in range(MCP_REQUESTS_MAX)]
    await asyncio.sleep(0)
    with pytest.raises(McpError, match="has not answered 256 requests"):
        await relay.request("p", "s", "m", "{}")
    relay.close()
    failed = await asyncio.gather(*asked, return_exceptions=True)
    assert {str(error) for error in failed} == {"the client has closed its connection"}
    with pytest.raises(McpError, match="no client is attached"):
        await relay.request("p", "s", "m", "{}")


async def test_parameters_that_fit_no_frame_are_refused() -> None:
    relay = SessionRelay(lambda _: None)
    with pytest.raises(McpError, match="too long"):
        await relay.request("p", "s", "m", "x" * FRAME_BYTES_MAX)


def test_so_many_servers_may_be_registered_and_each_again() -> None:
    relay = SessionRelay(lambda _: None)
    for number in range(MCP_SERVERS_MAX):
        relay.register(RegisterMcpServer(1, str(number), "stdio"))
    relay.register(RegisterMcpServer(1, "0", "stdio"))
    for refused in (RegisterMcpServer(1, "one more", "stdio"), RegisterMcpServer(1, "", "stdio")):
        with pytest.raises(RefusedError):
            relay.register(refused)
    assert len(relay.servers()) == MCP_SERVERS_MAX
