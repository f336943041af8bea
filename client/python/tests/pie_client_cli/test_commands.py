"""`pie-client` as scripts and people use it."""

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fake_engine import PATIENCE_S, FakeEngine, FakeProcess, until
from pie_wire import messages

if TYPE_CHECKING:
    from client.python.tests.pie_client_cli.conftest import Command

MANIFEST = '[package]\nname = "mine"\nversion = "0.1.0"\n'


def converse(engine: FakeEngine) -> str:
    """A process that waits; its id."""
    process = engine.start("converse", {}, None)
    engine.run(process)
    return process.id


async def test_in_a_pipe_stdout_carries_the_return_value_alone(command: "Command") -> None:
    done = await command("submit", "count", "--", "--to", "3")
    assert (done.code, done.out, done.err) == (0, "done\n", "")


async def test_arguments_become_the_input(command: "Command") -> None:
    done = await command("submit", "echo", "--", "--some-key", "1", "--flag", "-k", "v", "plain")
    assert json.loads(done.out) == {"some_key": 1, "flag": True, "k": "v", "_positional": ["plain"]}


async def test_input_may_be_json(command: "Command") -> None:
    assert json.loads((await command("submit", "echo", "--input", '{"a": [1]}')).out) == {"a": [1]}


async def test_stream_shows_messages_in_a_pipe_too(command: "Command") -> None:
    assert (await command("submit", "count", "--stream", "--", "--to", "2")).out == "01\ndone\n"


async def test_json_is_one_object_per_event(command: "Command") -> None:
    done = await command("submit", "count", "--json", "--", "--to", "1")
    launched, *events = map(json.loads, done.out.splitlines())
    assert launched["event"] == "launched"
    assert len(launched["process_id"]) == 36
    assert events == [{"event": "message", "value": "0"}, {"event": "return", "value": "done"}]


async def test_a_failed_process_gives_exit_status_1(command: "Command", engine: FakeEngine) -> None:
    async def fail(process: FakeProcess) -> None:
        await process.end("error", "out of luck")

    engine.programs["fail"] = fail
    done = await command("submit", "fail")
    assert (done.code, done.out, done.err) == (1, "", "pie-client: out of luck\n")


async def test_what_a_process_prints_goes_to_stderr(command: "Command", engine: FakeEngine) -> None:
    async def talk(process: FakeProcess) -> None:
        await process.say("stdout", "one\n")
        await process.say("stderr", "two\n")
        await process.end("return", "value")

    engine.programs["talk"] = talk
    done = await command("submit", "talk")
    assert (done.out, done.err) == ("value\n", "one\ntwo\n")
    assert (await command("submit", "talk", "-q")).err == ""


async def test_a_closed_stdin_is_no_reason_to_leave(command: "Command") -> None:
    line = f"exec {sys.executable} -m pie_client_cli submit count --port {command.engine.port} -i -- --to 1 0<&-"
    child = await asyncio.create_subprocess_shell(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = await asyncio.wait_for(child.communicate(), PATIENCE_S)
    assert (child.returncode, out, err) == (0, b"done\n", b"")


async def test_lines_of_stdin_reach_the_process(command: "Command") -> None:
    done = await command("submit", "converse", "-i", "--stream", given=b"\xffone\ntwo\nend\n")
    assert done.out == "hello\ufffdonetwo\nbye\n"


async def test_no_line_is_lost_when_the_process_is_slow(command: "Command", engine: FakeEngine) -> None:
    engine.signals_max = 1
    lines = "".join(f"{number}\n" for number in range(30))
    done = await command("submit", "converse", "-i", "--stream", given=f"{lines}end\n".encode())
    assert done.out == f"hello{''.join(map(str, range(30)))}\nbye\n"


async def test_without_i_stdin_is_left_alone(command: "Command", engine: FakeEngine) -> None:
    await command("submit", "echo", given=b"not for it\n")
    assert not any(isinstance(message, messages.SignalProcess) for message in engine.got)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupt_ends_the_process(command: "Command", engine: FakeEngine, number: signal.Signals) -> None:
    child = await command.start("submit", "converse", "--stream")
    assert child.stdout is not None
    assert await child.stdout.readexactly(5) == b"hello"
    child.send_signal(number)
    _, err = await asyncio.wait_for(child.communicate(), PATIENCE_S)
    assert (child.returncode, err) == (130, b"pie-client: Signal\n")
    assert all(process.ended for process in engine.processes.values())


async def test_detach_prints_the_id_and_leaves_the_process_running(command: "Command", engine: FakeEngine) -> None:
    done = await command("submit", "converse", "--detach")
    (process,) = engine.processes.values()
    assert (done.code, done.out) == (0, f"{process.id}\n")
    assert not process.ended
    await until(lambda: process.session is None)
    process.signals.put_nowait("end")
    assert (await command("attach", process.id)).out == "bye\n"


async def test_a_reader_that_has_enough_ends_the_process_quietly(command: "Command", engine: FakeEngine) -> None:
    line = f"{sys.executable} -m pie_client_cli submit count --port {engine.port} --stream -- --to 100000 --length 100 | head -c 5"
    child = await asyncio.create_subprocess_shell(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = await asyncio.wait_for(child.communicate(), PATIENCE_S)
    assert (out, err) == (b"0    ", b"")


async def test_on_a_terminal_text_is_shown_as_it_comes(command: "Command", engine: FakeEngine) -> None:
    ours, its = pty.openpty()
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pie_client_cli", "submit", "converse", "--port", str(engine.port), stdin=its, stdout=its, stderr=its
    )
    os.close(its)
    seen = b""
    while not seen.endswith(b"hello"):
        seen += await asyncio.wait_for(asyncio.to_thread(os.read, ours, 100), PATIENCE_S)
    next(iter(engine.processes.values())).signals.put_nowait("end")
    assert await asyncio.wait_for(child.wait(), PATIENCE_S) == 0
    assert os.read(ours, 100) == b"\r\nbye\r\n"
    os.close(ours)


async def test_what_an_old_terminal_cannot_show_is_shown_as_well_as_it_can(command: "Command", engine: FakeEngine) -> None:
    async def snow(process: FakeProcess) -> None:
        await process.end("return", "\N{SNOWMAN}!")

    engine.programs["snow"] = snow
    line = f"PYTHONIOENCODING=ascii {sys.executable} -m pie_client_cli submit snow --port {engine.port}"
    child = await asyncio.create_subprocess_shell(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = await asyncio.wait_for(child.communicate(), PATIENCE_S)
    assert (child.returncode, out, err) == (0, b"?!\n", b"")


async def test_files_are_saved_under_safe_names(command: "Command", engine: FakeEngine, tmp_path: Path) -> None:
    async def give(process: FakeProcess) -> None:
        await process.give_file(b"data", "../../evil.txt")
        await process.end("return", "")

    engine.programs["give"] = give
    done = await command("submit", "give", "--files", tmp_path / "got")
    assert (tmp_path / "got/evil.txt").read_bytes() == b"data"
    assert "a file of 4 bytes was saved as" in done.err
    assert "--files FOLDER keeps files" in (await command("submit", "give")).err


async def test_a_changed_program_of_the_same_version_is_uploaded(command: "Command", engine: FakeEngine, tmp_path: Path) -> None:
    wasm, manifest = tmp_path / "x.wasm", tmp_path / "Pie.toml"
    manifest.write_text(MANIFEST.replace("mine", "echo"))
    for content, uploads in ((b"one", 1), (b"one", 1), (b"two", 2)):
        wasm.write_bytes(content)
        done = await command("submit", "--path", wasm, "--manifest", manifest, "--", "--a", "1")
        assert json.loads(done.out) == {"a": 1}
        assert engine.installed["echo@0.1.0"][0] == content
        assert sum(isinstance(message, messages.AddProgram) for message in engine.got) == uploads


async def test_install_replaces_other_bytes_only_with_force(command: "Command", engine: FakeEngine, tmp_path: Path) -> None:
    wasm, manifest = tmp_path / "x.wasm", tmp_path / "Pie.toml"
    wasm.write_bytes(b"one")
    manifest.write_text(MANIFEST)
    arguments = ["install", "-p", wasm, "-m", manifest]
    assert (await command(*arguments)).out == "installed mine@0.1.0\n"
    assert (await command(*arguments)).out == "mine@0.1.0 is there already\n"
    wasm.write_bytes(b"two")
    refused = await command(*arguments)
    assert (refused.code, refused.err) == (1, "pie-client: the engine has other bytes as mine@0.1.0; --force replaces them\n")
    await command(*arguments, "--force")
    assert engine.installed["mine@0.1.0"][0] == b"two"


async def test_list_shows_a_table_or_json(command: "Command", engine: FakeEngine) -> None:
    process_id = converse(engine)
    heading, row = (await command("list")).out.splitlines()
    assert heading.split() == ["ID", "PROGRAM", "USER", "STATE", "AGE", "TOKENS", "INPUT"]
    assert row.split() == [process_id[:8], "converse@0.1.0", "alice", "running", "1s", "0", "{}"]
    assert process_id in (await command("list", "--full")).out
    (listed,) = json.loads((await command("list", "--json")).out)
    assert listed["id"] == process_id
    assert json.loads((await command("list", "--all", "--json")).out)[0]["id"] == process_id


async def test_attach_and_abort_take_the_beginning_of_an_id(command: "Command", engine: FakeEngine) -> None:
    first, second = converse(engine), converse(engine)
    assert (await command("attach", second[:8], "--stream", "-i", given=b"end\n")).out == "hello\nbye\n"
    assert (await command("abort", first[:8])).out == f"ended {first}\n"
    assert engine.processes[first].ended


async def test_a_beginning_of_no_id_or_of_several_is_an_error(command: "Command", engine: FakeEngine) -> None:
    converse(engine), converse(engine)
    none, several = await command("abort", "ffff"), await command("attach", "0000")
    assert (none.code, "no running process" in none.err) == (1, True)
    assert (several.code, "several processes begin with '0000'" in several.err) == (1, True)


async def test_an_interrupted_attach_leaves_the_process_running(command: "Command", engine: FakeEngine) -> None:
    process_id = converse(engine)
    child = await command.start("attach", process_id, "--stream")
    assert child.stdout is not None
    await child.stdout.readexactly(5)
    child.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(child.communicate(), PATIENCE_S)
    assert (child.returncode, err) == (130, b"pie-client: detached; the process runs on\n")
    assert not engine.processes[process_id].ended


async def test_ping_tells_how_long_it_took(command: "Command") -> None:
    assert "answered in" in (await command("ping")).out


async def test_no_engine_is_a_sentence_and_exit_status_1(command: "Command") -> None:
    done = await command("ping", "--port", "1")
    assert done.code == 1
    assert done.err.startswith("pie-client: no engine at ws://127.0.0.1:")
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["submit"],
        ["submit", "-p", "x.wasm"],
        ["submit", "echo", "--prompt", "not after --"],
        ["submit", "echo", "--input", "{"],
        ["submit", "echo", "--input", "{}", "--", "more"],
        ["list", "--nonsense"],
        ["ping", "--port", "0"],
    ],
)
async def test_wrong_usage_is_exit_status_2(command: "Command", arguments: list[str]) -> None:
    assert (await command(*arguments)).code == 2


async def test_the_version_is_told(command: "Command") -> None:
    assert (await command("--version")).out.startswith("pie-client ")


async def test_a_key_that_others_can_read_is_refused(command: "Command", tmp_path: Path) -> None:
    key = tmp_path / "id"
    private = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    key.write_bytes(private)
    key.chmod(0o644)
    refused = await command("ping", "--private-key-path", key)
    assert (refused.code, "chmod 600" in refused.err) == (1, True)
    key.chmod(0o600)
    command.engine.require_key = True
    assert (await command("ping", "--private-key-path", key)).code == 0
    assert "no key was found in ~/.ssh" in (await command("ping")).err


async def test_the_configuration_file_is_written_changed_and_shown(command: "Command", tmp_path: Path) -> None:
    path = tmp_path / ".pie/cli_config.toml"
    assert (await command("config", "init", "--no-auth")).out == f"{path}\n"
    assert (await command("config", "init")).code == 1
    assert (await command("config", "update", "--port", command.engine.port, "--username", "bob")).code == 0
    shown = (await command("config", "show")).out
    assert shown.splitlines()[1:] == [
        'host = "127.0.0.1"',
        f"port = {command.engine.port}",
        'username = "bob"',
        'private_key_path = ""',
        "enable_auth = false",
    ]
    await command("ping")
    assert command.engine.got[-2] == messages.AuthIdentify(1, "bob")


async def test_an_unknown_key_in_the_file_is_named(command: "Command", tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('hots = "x"\n')
    done = await command("ping", "--config", path)
    assert (done.code, done.err) == (1, f"pie-client: {path}: hots: unknown key; did you mean `host`?\n")
