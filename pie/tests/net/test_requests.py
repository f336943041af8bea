"""Requests about programs, the server and MCP servers; what operators may ask."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine_fakes.dummy_engine import program
from net_fakes.client import TOKEN, Client, FakeLibrary
from pie.auth import api_keys, users
from pie.auth.credentials import Credentials
from pie.config.home import Home
from pie.host.guest import Guest
from pie.host.relay import McpError
from pie.net.hub import Hub
from pie_wire.chunks import count, hash_of, split
from pie_wire.messages import (
    AddProgram,
    AttachProcess,
    AuthByToken,
    CheckProgram,
    Drain,
    LaunchDaemon,
    McpResponse,
    Query,
    RegisterMcpServer,
    ReloadConfig,
    Response,
    SubmitWorkflow,
    TerminateProcess,
    TransferFile,
)

MANIFEST = '[package]\nname = "hello"\nversion = "0.1.0"\n'


async def upload(client: Client, wasm: bytes, manifest: str = MANIFEST, *, force: bool = False, name: str = "") -> Response:
    corr_id = client.corr_id()
    total = count(len(wasm))
    for index, chunk in enumerate(split(wasm)):
        client.send(AddProgram(corr_id, name or hash_of(wasm), manifest, force, index, total, chunk))
    return await client.response(corr_id)


async def test_an_upload_is_answered_once_after_it_was_installed(hub: Hub, library: FakeLibrary) -> None:
    ada = await Client(hub).log_in()
    wasm = b"x" * 600_000
    assert (await upload(ada, wasm, force=True)) == Response(2, True, "Program installed successfully")
    assert library.added == [("", wasm, MANIFEST, True)]
    assert len(ada.responses()) == 2
    assert hub.statistics().uploads_bytes == 0


async def test_a_wrong_upload_is_refused_with_the_known_texts(hub: Hub, library: FakeLibrary) -> None:
    ada = await Client(hub).log_in()
    assert (await upload(ada, b"x", "no toml")).result.startswith("Invalid manifest: ")
    assert (await upload(ada, b"x", MANIFEST.replace("hello", "../up"))).result.startswith("Invalid manifest: package.name")
    assert (await upload(ada, b"x", name=hash_of(b"y"))).result.startswith("Hash mismatch")
    assert (await upload(ada, b"x" * ((1 << 20) + 1))).result == "upload exceeds max_upload_mb cap of 1 MiB"
    assert library.added == []


async def test_later_chunks_of_a_discarded_upload_are_refused_too(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    ada.send(AddProgram(9, "h", MANIFEST, True, 2, 4, b""))
    ada.send(AddProgram(9, "h", MANIFEST, True, 3, 4, b""))
    await ada.until(lambda: len(ada.responses()) == 3)
    assert {answer.result for answer in ada.responses()[1:]} == {"First chunk index must be 0"}


async def test_check_program_says_true_or_false_or_what_is_wrong(hub: Hub, library: FakeLibrary) -> None:
    ada = await Client(hub).log_in()
    library.programs["hello@0.1.0"] = library.programs["echo"]
    assert (await ada.ask(lambda n: CheckProgram(n, "hello", "0.1.0"))).result == "true"
    assert (await ada.ask(lambda n: CheckProgram(n, "hello", "0.2.0"))).result == "false"
    answer = await ada.ask(lambda n: CheckProgram(n, "../x", "0.1.0"))
    assert answer.result == "Invalid program identifier '../x@0.1.0': expected 'name@major.minor.patch'"


async def test_files_to_a_process_are_checked_and_arrive_in_order_with_signals(hub: Hub, library: FakeLibrary) -> None:
    async def receives(guest: Guest) -> str:
        file = await guest.files.receive()
        assert file is not None
        return f"{file.name}: {len(file.data)}"

    library.programs["receives"] = program(receives)
    ada = await Client(hub).log_in()
    process_id = await ada.launch("receives")
    ada.send(TransferFile(process_id, hash_of(b"y"), 0, 1, b"x"))
    assert "Hash mismatch" in (await ada.until(lambda: ada.events(process_id)))[0].value
    data = b"x" * 300_000
    for index, chunk in enumerate(split(data)):
        ada.send(TransferFile(process_id, hash_of(data), index, 2, chunk, "a.txt", 77))
    assert (await ada.response(77)).result == "File sent"
    assert (await ada.ended(process_id))[-1].value == "a.txt: 300000"


async def test_files_for_the_processes_of_others_go_nowhere(hub: Hub) -> None:
    ada, bob = await Client(hub).log_in(), await Client(hub).log_in("bob")
    process_id = await ada.launch("waits")
    bob.send(TransferFile(process_id, hash_of(b""), 0, 1, b""))
    assert hub.statistics().messages_ignored == 1
    assert ada.events(process_id) == []


async def test_model_status_is_one_flat_object(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    status = json.loads((await ada.ask(lambda n: Query(n, "model_status", ""))).result)
    assert status["dummy.kv_pages_total"] > 0
    assert status["dummy.kv_pages_used"] == 0
    assert len(status["dummy.batch_size_hist"]) == 8
    assert all(key.startswith("dummy.") for key in status)


async def test_an_unknown_query_is_answered(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    answer = await ada.ask(lambda n: Query(n, "weather", ""))
    assert not answer.ok
    assert "model_status" in answer.result


async def test_what_is_not_supported_is_said(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    assert "daemons are not supported" in (await ada.ask(LaunchDaemon)).result
    assert "workflows are not supported" in (await ada.ask(SubmitWorkflow)).result


# --- several users, with authentication ---------------------------------------------------------------------------------

KEYS = {"ada": api_keys.generate(), "bob": api_keys.generate(), "op": api_keys.generate()}


@pytest.fixture
def guarded(hub: Hub, tmp_path: Path) -> Hub:
    """A hub with authentication: ada, bob, and op, who is an operator."""
    home = Home(tmp_path / "guarded")
    for name, key in KEYS.items():
        users.change(home.users, lambda all_, name=name: users.with_user(all_, name, operator=name == "op"))
        api_keys.change(home.api_keys, lambda all_, name=name, key=key: api_keys.with_key(all_, name, "k", key, ""))
    hub.credentials = Credentials(home, enabled=True)
    return hub


async def as_user(hub: Hub, name: str) -> Client:
    client = Client(hub)
    token = KEYS.get(name, TOKEN)
    assert (await client.ask(lambda n: AuthByToken(n, token))).ok
    return client


async def test_operators_see_and_end_everybodys_processes_and_others_do_not(guarded: Hub) -> None:
    ada, bob, operator = [await as_user(guarded, name) for name in ("ada", "bob", "op")]
    process_id = await ada.launch("waits")
    assert (await bob.ask(lambda n: TerminateProcess(n, process_id))).result == "Permission denied"
    assert not (await bob.ask(lambda n: Query(n, "processes", ""))).ok
    assert not (await bob.ask(lambda n: Query(n, "status", ""))).ok
    (listed,) = json.loads((await operator.ask(lambda n: Query(n, "processes", ""))).result)
    assert (listed["id"], listed["username"]) == (process_id, "ada")
    assert (await operator.ask(lambda n: TerminateProcess(n, process_id))).ok
    assert (await ada.ended(process_id))[-1].event == "error"


async def test_draining_and_reloading_are_for_operators(guarded: Hub) -> None:
    ada, operator, internal = [await as_user(guarded, name) for name in ("ada", "op", "internal")]
    assert not (await ada.ask(Drain)).ok
    assert not (await ada.ask(ReloadConfig)).ok
    assert (await operator.ask(lambda n: Drain(n, True))).ok
    assert json.loads((await internal.ask(ReloadConfig)).result) == ["limits.connections"]
    assert json.loads((await internal.ask(lambda n: Query(n, "status", ""))).result) == {"fine": True}
    assert guarded.operations.asked == ["drain True", "reload"]  # type: ignore[attr-defined]


async def test_uploads_belong_to_their_user(guarded: Hub, library: FakeLibrary) -> None:
    await upload(await as_user(guarded, "ada"), b"x")
    assert library.added[0][0] == "ada"


# --- MCP ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def asker(hub: Hub, library: FakeLibrary) -> AsyncIterator[Client]:
    """A client with an MCP server, and a program `mcp` that asks it."""

    async def asks(guest: Guest) -> str:
        assert guest.relay is not None
        names = guest.relay.servers()
        try:
            return f"{','.join(names)}: {await guest.relay.request('tools', 'tools/list', '{}')}"
        except McpError as error:
            return f"{error.number} {error.message}"

    library.programs["mcp"] = program(asks)
    client = await Client(hub).log_in()
    assert (await client.ask(lambda n: RegisterMcpServer(n, "tools", "stdio", "tool"))).result == "MCP server registered"
    yield client
    await client.leave()


async def test_a_request_to_an_mcp_server_travels_through_the_client(asker: Client) -> None:
    process_id = await asker.launch("mcp")
    (request,) = await asker.until(asker.mcp_requests)
    assert (request.corr_id, request.process_id, request.server_name) == (1, process_id, "tools")
    asker.send(McpResponse(1, True, '{"tools": []}'))
    assert (await asker.ended(process_id))[-1].value == 'tools: {"tools": []}'


@pytest.mark.parametrize(
    ("result", "told"),
    [('{"code": -7, "message": "no"}', "-7 no"), ("broken", "-32000 broken"), ('{"code": "x"}', '-32000 {"code": "x"}')],
)
async def test_an_error_of_an_mcp_server_reaches_the_program(asker: Client, result: str, told: str) -> None:
    process_id = await asker.launch("mcp")
    await asker.until(asker.mcp_requests)
    asker.send(McpResponse(1, False, result))
    assert (await asker.ended(process_id))[-1].value == told


async def test_a_client_that_leaves_fails_what_it_was_asked(asker: Client, hub: Hub) -> None:
    await asker.launch("mcp")
    (request,) = await asker.until(asker.mcp_requests)
    await asker.leave()
    while hub.engine.processes():
        await asyncio.sleep(0)
    again = await Client(hub).log_in()
    await again.ask(lambda n: AttachProcess(n, request.process_id))
    assert "closed its connection" in (await again.ended(request.process_id))[-1].value


async def test_an_answer_that_nobody_waits_for_is_counted(asker: Client, hub: Hub) -> None:
    asker.send(McpResponse(99, True, "{}"))
    assert hub.statistics().messages_ignored == 1
