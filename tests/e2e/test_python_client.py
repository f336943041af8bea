"""`pie_client` and `pie-client` against a real server."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from e2e import components
from e2e.conftest import dummy_config, model_without_weights
from e2e.serving import built, home_beside, new_user, serving

import mcp_server
from pie.config.config import Config
from pie.config.home import Home
from pie.server.server import Server
from pie_client import (
    Event,
    LoginError,
    ParsedPrivateKey,
    PieClient,
    ProcessFailedError,
    ProcessNotFoundError,
    Reconnect,
    SyncPieClient,
)
from pie_client.limits import HELD_BYTES_MAX

pytestmark = pytest.mark.slow

PATIENCE_S = 120
ECHO = '[package]\nname = "echo"\nversion = "0.1.0"\n'
QUICK = Reconnect(attempts_max=100, first_s=0.01, longest_s=0.2)


@pytest.fixture
def own_home(home: Home, tmp_path: Path) -> Home:
    return home_beside(home, tmp_path / "home")


@pytest.fixture
async def server(own_home: Home, tmp_path: Path) -> AsyncIterator[Server]:
    """Without authentication, on the dummy driver, with a program that returns its input."""
    async with Server(serving(dummy_config(model_without_weights(tmp_path))), own_home) as server:
        await server.install(components.echo(), ECHO)
        yield server


@pytest.fixture
async def client(server: Server) -> AsyncIterator[PieClient]:
    async with PieClient(server.url, reconnect=QUICK) as client:
        await client.authenticate("alice")
        yield client


async def install(client: PieClient, name: str, home: Home, folder: Path) -> None:
    program = await asyncio.to_thread(built, name, home, folder)
    await client.install_program(program.wasm, program.manifest)


async def break_connection(client: PieClient) -> None:
    """Without a word to the other side; returns once it was made anew."""
    socket, before = client._connection._socket, client.statistics().reconnections
    assert socket is not None
    socket.abort()
    async with asyncio.timeout(PATIENCE_S):
        while client.statistics().reconnections == before:
            await asyncio.sleep(0.01)


async def test_programs_are_uploaded_checked_and_run(client: PieClient, tmp_path: Path) -> None:
    wasm, manifest = tmp_path / "mine.wasm", tmp_path / "Pie.toml"
    wasm.write_bytes(components.echo())
    manifest.write_text(ECHO.replace('name = "echo"', 'name = "mine"'))
    assert not await client.check_program("mine@0.1.0", wasm, manifest)
    await client.install_program(wasm, manifest)
    assert await client.check_program("mine@0.1.0", wasm, manifest)
    assert await client.run_processes("mine", [{"n": 1}, None]) == ['{"n": 1}', "{}"]
    processes = await client.launch_processes("mine@latest", [{"n": n} for n in range(50)])
    assert [await process.result() for process in processes] == [{"n": n} for n in range(50)]


async def test_a_process_speaks_in_every_way(client: PieClient, home: Home, tmp_path: Path) -> None:
    await install(client, "talk", home, tmp_path)
    said: dict[Event, str] = {}
    async for event, value in await client.run("talk", do="print_and_send"):
        said[event] = said.get(event, "") + str(value)
    assert said == {
        Event.Stdout: "a print\n",
        Event.Stderr: "a complaint\n",
        Event.Message: "a message",
        Event.Return: "the value",
    }
    with pytest.raises(ProcessFailedError, match="the guest's own words"):
        await (await client.run("talk", do="fail")).result()


async def test_processes_are_listed_and_ended(client: PieClient, home: Home, tmp_path: Path) -> None:
    await install(client, "talk", home, tmp_path)
    process = await client.run("talk", do="wait")
    assert (await process.recv()).value == "waiting"
    (listed,) = await client.list_processes()
    assert (listed.id, listed["program"], listed.attached) == (process.process_id, "talk@0.1.0", True)
    assert [one.id for one in await client.processes_of_all()] == [process.process_id]
    await process.terminate()
    with pytest.raises(ProcessFailedError):
        await process.result()
    with pytest.raises(ProcessNotFoundError):
        await client.attach_process(process.process_id)


async def test_files_go_both_ways_across_broken_connections(client: PieClient, home: Home, tmp_path: Path) -> None:
    await install(client, "file-echo", home, tmp_path)
    process = await client.run("file-echo", change="reverse", count=3)
    for content in (b"", b"abc", bytes(range(256)) * 3000):
        if content:  # not after the last one: what the server has sent into a broken connection, such as the return, is lost
            await break_connection(client)
        await process.transfer_file(content)
        event, file = await process.recv()
        assert (event, file) == (Event.File, content[::-1])
    assert await process.result() == [0, 3, 768_000]


async def test_a_process_that_is_not_read_waits_and_hinders_nobody(client: PieClient, home: Home, tmp_path: Path) -> None:
    await install(client, "misbehave", home, tmp_path)
    process = await client.run("misbehave", do="send_without_end")
    inbox = process._inbox
    assert inbox is not None
    async with asyncio.timeout(PATIENCE_S):
        while not client._connection._flow.stops:
            await client.ping()
    assert inbox.size_bytes < 2 * HELD_BYTES_MAX
    assert await (await client.run("echo", a=1)).result() == {"a": 1}
    await process.terminate()
    with pytest.raises(ProcessFailedError):
        await process.result()


async def test_a_stream_goes_on_after_the_connection_broke(client: PieClient, home: Home, tmp_path: Path) -> None:
    await install(client, "talk", home, tmp_path)
    processes = [await client.run("talk", do="stream") for _ in range(4)]
    await break_connection(client)
    for process in processes:
        assert await process.result() == "one two three"


async def test_a_result_is_kept_for_who_comes_back(server: Server, client: PieClient) -> None:
    async with PieClient(server.url) as first:
        await first.authenticate("alice")
        process = await first.launch_process("echo", {"n": 1})
        await process.recv()
        await first.close(abruptly=True)
    attached = await client.attach_process(process.process_id)
    assert await attached.result() == {"n": 1}


async def test_a_detached_submission_can_be_attached_to(server: Server) -> None:
    login = ["--port", server.url.rpartition(":")[2].strip("/"), "--username", "alice"]
    process_id = (await command("submit", "echo", *login, "--detach", "--", "--n", "1")).strip()
    assert await command("attach", process_id, *login) == '{"n": 1}\n'


async def test_programs_reach_mcp_servers_beside_the_client(client: PieClient, home: Home, tmp_path: Path) -> None:
    await install(client, "mcp-tools", home, tmp_path)
    await client.register_mcp_server("sums", "stdio", sys.executable, [str(Path(mcp_server.__file__))])
    assert await (await client.run("mcp-tools")).result() == ["add"]
    arguments = {"tool": "add", "arguments": json.dumps({"numbers": [1, 2]})}
    assert await (await client.launch_process("mcp-tools", arguments)).result() == 3
    await break_connection(client)
    assert await (await client.launch_process("mcp-tools", arguments)).result() == 3


async def test_operators_see_and_steer_the_engine(client: PieClient) -> None:
    assert await client.status()
    await client.drain()
    with pytest.raises(Exception, match="Failed to launch process"):
        await client.launch_process("echo")
    await client.drain(False)
    assert await (await client.launch_process("echo")).result() == {}


async def test_the_embedded_server_hands_out_clients(server: Server) -> None:
    client = await server.connect()
    try:
        assert await (await client.run("echo", a=1)).result() == {"a": 1}
    finally:
        await client.close()


async def test_the_blocking_client_does_the_same(server: Server) -> None:
    def use() -> object:
        with SyncPieClient(server.url) as client:
            client.authenticate("alice")
            return client.run("echo", a=1).result()

    assert await asyncio.to_thread(use) == {"a": 1}


async def test_users_need_their_keys_and_are_kept_apart(own_home: Home, tmp_path: Path) -> None:
    alice, bob = (ParsedPrivateKey.parse(new_user(own_home, name)) for name in ("alice", "bob"))
    async with Server(serving(dummy_config(model_without_weights(tmp_path)), auth=True), own_home) as server:
        await server.install(components.echo(), ECHO)
        async with PieClient(server.url, reconnect=QUICK) as hers, PieClient(server.url) as his:
            with pytest.raises(LoginError):
                await hers.authenticate("alice", bob)
            with pytest.raises(LoginError):
                await hers.authenticate("mallory", alice)
            await hers.authenticate("alice", alice)
            await his.authenticate("bob", bob)
            await break_connection(hers)
            assert await (await hers.run("echo", a=1)).result() == {"a": 1}
            with pytest.raises(Exception, match="Query 'processes' failed"):
                await his.processes_of_all()


async def test_pie_tiny_answers_through_the_command(home: Home, tiny_config: Config, own_home: Home, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(new_user(own_home, "alice"))
    key.chmod(0o600)
    async with Server(serving(tiny_config, auth=True), own_home) as server:
        port = server.url.rpartition(":")[2].strip("/")
        login = ["--port", port, "--username", "alice", "--private-key-path", str(key)]
        assert "answered in" in await command("ping", *login)
        program = await asyncio.to_thread(built, "text-completion", home, tmp_path)
        upload = ["--path", str(program.wasm), "--manifest", str(program.manifest)]
        prompt = ["--", "--prompt", "What is the capital of France?"]
        assert await command("submit", *upload, *login, *prompt) == "The capital of France is Paris.\n"
        assert await command("submit", "text-completion", *login, *prompt) == "The capital of France is Paris.\n"
        assert (await command("list", *login)).split()[0] == "ID"


async def command(*arguments: str) -> str:
    """What `pie-client` prints. It must succeed."""
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "pie_client_cli",
        *arguments,
        stdout=pipe,
        stderr=pipe,
        stdin=asyncio.subprocess.DEVNULL,
        env=dict(os.environ),
    )
    async with asyncio.timeout(PATIENCE_S):
        out, err = await child.communicate()
    assert child.returncode == 0, err.decode()
    return out.decode()
