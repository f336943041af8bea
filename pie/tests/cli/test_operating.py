"""`pie ps`, `kill`, `drain`, `reload` against a server that runs in this very process; the commands run in a thread."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from typer.testing import CliRunner

from engine_fakes.dummy_engine import program
from pie.auth import users
from pie.config import file
from pie.config.config import LimitsConfig
from pie.host.guest import Guest
from pie.server import Server
from pie_cli.main import app
from server_fakes.serving import add_user, config_in, home_in


async def forever(_: Guest) -> str:
    await asyncio.sleep(3600)
    return "never"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """Without authentication; its configuration file is `config.toml`."""
    path = tmp_path / "config.toml"
    config = config_in(tmp_path)
    path.write_text(file.shown(config))
    async with Server(config, home_in(tmp_path), reread=lambda: file.load(home_in(tmp_path), path)) as server:
        yield server


async def run(server: Server, *arguments: str) -> tuple[int, str, str]:
    result = await asyncio.to_thread(CliRunner().invoke, app, [*arguments, "--url", server.url])
    return result.exit_code, result.stdout, result.stderr


async def test_ps_lists_the_processes_of_all_users(server: Server) -> None:
    launched = [server.engine.launch(program(forever), "{}", name) for name in ("alice", "bob")]
    code, out, _ = await run(server, "ps")
    assert code == 0
    assert out.splitlines()[0].split() == ["ID", "USER", "PROGRAM", "STATE", "AGE", "TOKENS"]
    assert [line.split()[:3] for line in out.splitlines()[1:]] == [
        [one.process.id[:8], one.process.username, "test@0.1.0"] for one in launched
    ]
    listed = json.loads((await run(server, "ps", "--json"))[1])
    assert [process["id"] for process in listed] == [one.process.id for one in launched]


async def test_kill_ends_the_process_that_begins_so(server: Server) -> None:
    launched = server.engine.launch(program(forever), "{}", "alice")
    code, out, _ = await run(server, "kill", launched.process.id[:8])
    assert (code, out) == (0, f"{launched.process.id}\n")
    assert (await launched.outcome()).kind == "error"


async def test_kill_ends_nothing_unless_it_is_clear_what(server: Server) -> None:
    launched = server.engine.launch(program(forever), "{}", "alice")
    for beginning in ("zzz", ""):
        code, _, err = await run(server, "kill", beginning)
        assert (code, err) == (1, f"pie: no processes begin with '{beginning}'; `pie ps` lists them\n")
    assert not launched.process.ended


async def test_drain_and_back(server: Server) -> None:
    assert (await run(server, "drain"))[0] == 0
    assert server.engine.draining
    assert (await run(server, "drain", "--off"))[0] == 0
    assert not server.engine.draining


async def test_reload_prints_the_keys_that_took_effect(server: Server, tmp_path: Path) -> None:
    assert (await run(server, "reload"))[1].startswith("✓ nothing")
    path = tmp_path / "config.toml"
    path.write_text(file.changed(path.read_text(), "limits.processes_per_user", "7"))
    assert await run(server, "reload") == (0, "limits.processes_per_user\n", "")
    assert server.config.limits.processes_per_user == 7


async def test_a_bad_file_is_refused_with_the_key_that_is_wrong(server: Server, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[limits]\nconections = 1\n")
    code, _, err = await run(server, "reload")
    assert code == 1
    assert "did you mean `connections`?" in err
    assert server.config.limits == LimitsConfig()


async def test_only_operators_may(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    (tmp_path / "id").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    async with Server(config_in(tmp_path, auth=True), home) as server:
        add_user(home, "alice", public)
        me = ("--username", "alice", "--private-key-path", str(tmp_path / "id"))
        for verb in (("ps",), ("kill", "x"), ("drain",), ("reload",)):
            code, _, err = await run(server, *verb, *me)
            assert code == 1
            assert "operators" in err
        code, _, err = await run(server, "ps", "--username", "alice")
        assert "--private-key-path" in err
        users.change(home.users, lambda known: users.with_user(known, "alice", operator=True))
        assert (await run(server, "ps", *me))[0] == 0


async def test_a_server_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    result = await asyncio.to_thread(CliRunner().invoke, app, ["ps", "--url", "ws://127.0.0.1:9"])
    assert result.exit_code == 1
    assert result.stderr.count("ws://127.0.0.1:9") == 1
    assert result.stderr.count("\n") == 1


async def test_a_key_that_is_not_there_or_none_is_one_clear_line(server: Server, tmp_path: Path) -> None:
    (tmp_path / "none.pem").write_text("no key")
    for name in ("none.pem", "missing.pem"):
        code, _, err = await run(server, "ps", "--private-key-path", str(tmp_path / name))
        assert code == 1
        assert err.startswith("pie: ")
        assert err.count("\n") == 1


def test_the_monitor_needs_a_terminal() -> None:
    result = CliRunner().invoke(app, ["top"])
    assert result.exit_code == 1
    assert "needs a terminal" in result.stderr
