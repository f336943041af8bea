"""The verbs of the client, against an engine that is not one."""

import asyncio
import base64
import gc
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from fake_engine import CHALLENGE, FakeEngine, until
from pie_client import (
    Event,
    InstallError,
    LaunchError,
    LoginError,
    NotCapturedError,
    NotConnectedError,
    ParsedPrivateKey,
    PieClient,
    PieClientError,
    ProcessEndedError,
    ProcessFailedError,
    ProcessNotFoundError,
    RefusedError,
    UnreachableError,
)
from pie_wire import messages

MANIFEST = '[package]\nname = "mine"\nversion = "0.1.0"\n'


async def test_a_process_says_what_it_has_to_say_and_returns(client: PieClient) -> None:
    process = await client.launch_process("count", {"to": 2})
    assert [tuple(event) async for event in process] == [(Event.Message, "0"), (Event.Message, "1"), (Event.Return, "done")]


async def test_recv_gives_event_and_value_as_in_pie_0_4(client: PieClient) -> None:
    event, value = await (await client.launch_process("echo@0.1.0", input={"a": 1})).recv()
    assert (event, value) == (Event.Return, '{"a": 1}')


async def test_after_the_last_event_recv_says_so(client: PieClient) -> None:
    process = await client.launch_process("echo")
    await process.recv()
    with pytest.raises(ProcessEndedError):
        await process.recv()
    assert [event async for event in process] == []


async def test_run_takes_keywords_and_result_decodes_json(client: PieClient) -> None:
    assert await (await client.run("echo", prompt="Hi", n=2)).result() == {"prompt": "Hi", "n": 2}


async def test_result_keeps_what_was_said(client: PieClient) -> None:
    process = await client.launch_process("count", {"to": 3})
    assert await process.result() == "done"
    assert process.output == ["0", "1", "2"]


async def test_a_failed_process_raises_from_result(client: PieClient) -> None:
    process = await client.launch_process("converse")
    await process.terminate()
    with pytest.raises(ProcessFailedError, match="Signal"):
        await process.result()


async def test_a_process_used_as_a_block_is_terminated_at_its_end(client: PieClient, engine: FakeEngine) -> None:
    async with await client.launch_process("converse") as process:
        await process.recv()
    assert engine.processes[process.process_id].ended


async def test_a_process_that_ended_inside_its_block_is_left_alone(client: PieClient) -> None:
    async with await client.launch_process("echo") as process:
        assert await process.result() == {}


async def test_signals_arrive_in_order(client: PieClient) -> None:
    process = await client.launch_process("converse")
    for text in ("one", "two", "end"):
        await process.signal(text)
    assert [value async for _, value in process] == ["hello", "one", "two", "bye"]


async def test_a_confirmed_signal_is_refused_when_it_is_dropped(client: PieClient, engine: FakeEngine) -> None:
    process = await client.launch_process("converse")
    await process.signal("taken", confirm=True)
    engine.signals_max = 0
    with pytest.raises(RefusedError, match="Failed to signal process: the signal was dropped"):
        await process.signal("dropped", confirm=True)


async def test_several_processes_are_launched_at_once(client: PieClient) -> None:
    processes = await client.launch_processes("echo", [{"n": 1}, None, {"n": 3}])
    assert [await process.result() for process in processes] == [{"n": 1}, {}, {"n": 3}]


async def test_several_processes_are_run_at_once(client: PieClient) -> None:
    assert await client.run_processes("echo", [{"n": 1}, None]) == ['{"n": 1}', "{}"]


async def test_an_unknown_program_is_a_launch_error_with_the_engines_text(client: PieClient) -> None:
    with pytest.raises(LaunchError, match="Failed to launch process: Program 'nope' not found") as raised:
        await client.launch_process("nope")
    assert raised.value.reason == "Program 'nope' not found"


async def test_without_captured_outputs_there_is_nothing_to_read(client: PieClient) -> None:
    process = await client.launch_process("echo", capture_outputs=False)
    assert process.process_id == ""
    with pytest.raises(NotCapturedError):
        await process.recv()


async def test_token_budgets_are_passed_on(client: PieClient, engine: FakeEngine) -> None:
    await client.launch_process("echo", token_budget=7)
    launched = engine.got[-1]
    assert isinstance(launched, messages.LaunchProcess)
    assert launched.token_budget == 7


async def test_a_process_of_another_session_can_be_attached_to(engine: FakeEngine, client: PieClient) -> None:
    waiting = engine.start("converse", {}, None)
    engine.run(waiting)
    await until(lambda: bool(waiting.waiting))
    process = await client.attach_process(waiting.id)
    assert await process.recv() == (Event.Message, "hello")


async def test_attaching_to_nothing_is_an_error(client: PieClient) -> None:
    with pytest.raises(ProcessNotFoundError, match="Process not found"):
        await client.attach_process("00000000-0000-4000-8000-000000000000")


async def test_listed_processes_have_fields_and_read_like_the_dicts_of_pie_0_4(client: PieClient) -> None:
    process = await client.launch_process("converse", {"a": 1})
    (listed,) = await client.list_processes()
    assert (listed.id, listed.program, listed.attached) == (process.process_id, "converse@0.1.0", True)
    assert listed["id"] == listed.id
    assert listed.get("arguments", "none") == "none"
    assert dict(listed)["elapsed_secs"] == 1.5
    with pytest.raises(KeyError):
        listed["arguments"]


async def test_a_query_tells_whether_it_was_answered(client: PieClient) -> None:
    assert await client.query("model_status", "") == (True, "{}")
    assert await client.query("weather") == (False, "unknown subject")


async def test_ping_is_answered(client: PieClient) -> None:
    await client.ping()


async def test_operators_verbs(client: PieClient) -> None:
    await client.launch_process("converse")
    assert [process.program for process in await client.processes_of_all()] == ["converse@0.1.0"]
    assert await client.status() == {"draining": False}
    await client.drain()
    await client.drain(False)
    assert await client.reload_config() == ["limits.processes"]


async def test_a_program_is_installed_in_chunks(client: PieClient, engine: FakeEngine) -> None:
    wasm = bytes(700_000)
    await client.install_program_bytes(wasm, MANIFEST)
    assert engine.installed["mine@0.1.0"] == (wasm, MANIFEST)


async def test_checks_compare_the_files(client: PieClient, tmp_path: Path) -> None:
    wasm, manifest = tmp_path / "mine.wasm", tmp_path / "Pie.toml"
    wasm.write_bytes(b"one")
    manifest.write_text(MANIFEST)
    assert not await client.check_program("mine@0.1.0")
    await client.install_program(wasm, manifest)
    assert await client.check_program("mine@0.1.0", wasm, manifest)
    wasm.write_bytes(b"two")
    assert await client.check_program("mine@0.1.0")
    assert not await client.check_program("mine@0.1.0", wasm, manifest)


async def test_check_program_wants_a_version(client: PieClient) -> None:
    with pytest.raises(ValueError, match="name@version"):
        await client.check_program("mine")


async def test_a_file_reaches_a_process_whole(client: PieClient, engine: FakeEngine) -> None:
    process = await client.launch_process("converse")
    for size in (0, 1, 600_000):
        await process.transfer_file(bytes(size))
    await client.ping()
    assert [len(file) for file in engine.processes[process.process_id].files] == [0, 1, 600_000]


async def test_a_confirmed_file_has_arrived(client: PieClient, engine: FakeEngine) -> None:
    process = await client.launch_process("converse")
    await process.transfer_file(bytes(600_000), "a.bin", confirm=True)
    assert [len(file) for file in engine.processes[process.process_id].files] == [600_000]
    sent = engine.got[-1]
    assert isinstance(sent, messages.TransferFile)
    assert sent.name == "a.bin"


async def test_a_file_comes_with_its_name(client: PieClient, engine: FakeEngine) -> None:
    process = await client.launch_process("converse")
    await engine.processes[process.process_id].give_file(b"x" * 300_000, "../a.txt")
    await process.recv()
    event, file = await process.recv()
    assert (event, len(file), file.name, file.file_name()) == (Event.File, 300_000, "../a.txt", "a.txt")


async def test_daemons_are_refused_by_the_engine(client: PieClient) -> None:
    with pytest.raises(LaunchError, match="daemons are not supported"):
        await client.launch_daemon("echo", 8000)


async def test_a_user_without_a_key_is_told_that_one_is_needed() -> None:
    async with FakeEngine(require_key=True) as engine, PieClient(engine.uri) as client:
        with pytest.raises(LoginError, match="no private key provided"):
            await client.authenticate("alice")


async def test_the_challenge_is_signed() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()).decode()
    async with FakeEngine(require_key=True) as engine, PieClient(engine.uri) as client:
        await client.authenticate("alice", ParsedPrivateKey.parse(pem))
        proof = engine.got[-1]
    assert isinstance(proof, messages.AuthProve)
    key.public_key().verify(base64.b64decode(proof.signature), CHALLENGE)


async def test_login_errors_are_plain_exceptions_with_the_engines_text(engine: FakeEngine) -> None:
    async with PieClient(engine.uri) as client:
        with pytest.raises(Exception, match="Username 'nobody' rejected by server: User 'nobody' is not authorized"):
            await client.authenticate("nobody")
        with pytest.raises(LoginError, match="Invalid token"):
            await client.auth_by_token("sesame")
        await client.auth_by_token("open sesame")


async def test_without_an_engine_connecting_fails() -> None:
    async with FakeEngine() as engine:
        uri = engine.uri
    with pytest.raises(UnreachableError, match="no engine at"):
        await PieClient(uri).connect()


@pytest.mark.parametrize("uri", ["http://127.0.0.1:1", "nonsense", "ws://", "ws://127.0.0.1:99999"])
async def test_a_wrong_address_is_unreachable(uri: str) -> None:
    with pytest.raises(UnreachableError):
        await PieClient(uri).connect()


async def test_before_connect_and_after_close_requests_say_so(engine: FakeEngine) -> None:
    client = PieClient(engine.uri)
    with pytest.raises(NotConnectedError, match="connect"):
        await client.ping()
    await client.connect()
    await client.close()
    await client.close()
    with pytest.raises(NotConnectedError, match="closed"):
        await client.ping()


async def test_closing_ends_processes_as_in_pie_0_4(engine: FakeEngine) -> None:
    async with PieClient(engine.uri) as client:
        process = await client.launch_process("converse")
        await process.recv()
    assert await process.recv() == (Event.Error, "WebSocket connection closed")


async def test_a_cancelled_receive_loses_nothing(client: PieClient, engine: FakeEngine) -> None:
    process = await client.launch_process("converse")
    await process.recv()
    receiving = asyncio.create_task(process.recv())
    await asyncio.sleep(0)
    receiving.cancel()
    await process.signal("still here")
    assert await process.recv() == (Event.Message, "still here")


async def test_a_cancelled_request_does_not_disturb_the_next(client: PieClient, engine: FakeEngine) -> None:
    pinging = asyncio.create_task(client.ping())
    await asyncio.sleep(0)
    pinging.cancel()
    await client.ping()


async def test_a_launch_that_nobody_waits_for_any_more_is_terminated(client: PieClient, engine: FakeEngine) -> None:
    engine.silent = True
    launching = asyncio.create_task(client.launch_process("converse"))
    await until(lambda: isinstance(engine.got[-1], messages.LaunchProcess))
    launching.cancel()
    engine.silent = False
    launch = engine.got[-1]
    assert isinstance(launch, messages.LaunchProcess)
    await engine.sessions[0].on_launch_process(launch)
    await until(lambda: all(process.ended for process in engine.processes.values()))


async def test_a_cancelled_upload_can_be_made_again(client: PieClient, engine: FakeEngine) -> None:
    wasm = bytes(8 << 20)
    uploading = asyncio.create_task(client.install_program_bytes(wasm, MANIFEST))
    await until(lambda: isinstance(engine.got[-1], messages.AddProgram))
    uploading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await uploading
    await client.install_program_bytes(wasm, MANIFEST)
    assert "mine@0.1.0" in engine.installed


async def test_a_refused_upload_says_why(client: PieClient, engine: FakeEngine) -> None:
    refused = asyncio.create_task(client.install_program_bytes(b"", MANIFEST.replace("0.1.0", "zero")))
    engine.silent = True
    await until(lambda: isinstance(engine.got[-1], messages.AddProgram))
    upload = engine.got[-1]
    assert isinstance(upload, messages.AddProgram)
    await engine.sessions[0].answer(upload.corr_id, "Invalid manifest: version", ok=False)
    with pytest.raises(InstallError, match="Upload failed: Invalid manifest: version"):
        await refused


async def test_events_of_a_process_that_nobody_holds_are_dropped(client: PieClient, engine: FakeEngine) -> None:
    process = await client.launch_process("count", {"to": 20_000, "length": 1000})
    process_id = process.process_id
    del process
    gc.collect()
    await until(lambda: engine.processes[process_id].ended)
    await client.ping()
    assert client.statistics().unreadable_frames == 0


async def test_refusals_are_plain_exceptions(client: PieClient) -> None:
    assert issubclass(RefusedError, PieClientError)
    with pytest.raises(Exception, match="Failed to terminate process: Process not found"):
        await client.terminate_process("nope")


async def test_the_input_is_json(client: PieClient, engine: FakeEngine) -> None:
    await client.launch_process("echo", input=[1, "zwei", None])
    assert json.loads(next(m for m in reversed(engine.got) if isinstance(m, messages.LaunchProcess)).input) == [1, "zwei", None]
