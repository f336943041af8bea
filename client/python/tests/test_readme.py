"""The README's examples run."""

import asyncio
import contextlib
import io
import re
import shlex
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fake_engine import PATIENCE_S, FakeEngine, FakeProcess
from pie_client import PieClient

README = (Path(__file__).parents[1] / "README.md").read_text()
PARIS = "The capital of France is Paris."
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMMANDS = re.findall(r"^\$ (pie-client .*)\n((?:[^$`].*\n)*)", README, re.MULTILINE)


@pytest.fixture
async def furnished(engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """An engine with the programs, and a folder with the files, that the examples speak of."""

    async def answer(process: FakeProcess) -> None:
        await process.say("message", PARIS)
        await process.end("return", PARIS)

    engine.programs |= {"text-completion": answer, "mine": engine.programs["echo"]}
    (tmp_path / "mine.wasm").write_bytes(b"a component")
    (tmp_path / "Pie.toml").write_text('[package]\nname = "mine"\nversion = "0.1.0"\n')
    key = tmp_path / ".ssh" / "id_ed25519"
    key.parent.mkdir()
    key.write_bytes(ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    key.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return engine


@pytest.mark.parametrize("number", range(len(PYTHON)))
async def test_an_example_in_python_runs(furnished: FakeEngine, number: int) -> None:
    code = PYTHON[number].replace("ws://127.0.0.1:8080", furnished.uri)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        await asyncio.wait_for(asyncio.to_thread(exec, code, {"__name__": "example"}), PATIENCE_S)
    assert PARIS in printed.getvalue() or printed.getvalue() == "".join(f"{ {'n': n} }\n" for n in range(3))


async def test_the_commands_run_and_print_what_is_shown(furnished: FakeEngine) -> None:
    for line, shown in COMMANDS:
        verb, *arguments = shlex.split(line)[1:]
        address = [] if verb == "config" else ["--port", str(furnished.port)]
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "pie_client_cli",
            verb,
            *address,
            *arguments,
            stdout=pipe,
            stderr=pipe,
            stdin=asyncio.subprocess.DEVNULL,
        )
        out, err = await asyncio.wait_for(child.communicate(), PATIENCE_S)
        assert (child.returncode, err) == (0, b""), line
        assert out.decode() == shown or not shown, line


def test_the_readme_names_every_verb() -> None:
    verbs = [name for name in vars(PieClient) if not name.startswith("_")]
    inner = {"check_program_bytes", "terminate_unless_ended", "launch_daemon", "signal_process", "transfer_file"}
    assert [verb for verb in verbs if f"`{verb}" not in README and verb not in inner] == []
    assert len(COMMANDS) == 6
