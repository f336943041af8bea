"""Functions that clients of Pie 0.5 send as source: built, run, and never trusted."""

import json
from pathlib import Path
from unittest.mock import ANY

import pytest

from pie.engine.engine import Engine
from pie.errors import ProgramError
from pie.processes.events import ProcessEvent

pytestmark = pytest.mark.slow

GREET = """import os, socket

seen = []


def attempt(what):
    try:
        seen.append(repr(what()))
    except BaseException:
        seen.append("refused")


attempt(lambda: open("{secret}").read())
attempt(lambda: open("{secret}.written", "w").write("x"))
attempt(lambda: open("/etc/passwd").read())
attempt(lambda: os.environ["PIE_TEST_SECRET"])
attempt(lambda: socket.create_connection(("127.0.0.1", 22), timeout=1))
attempt(lambda: os.system("true"))


async def greet(name: str, times: int = 2):
    import inferlet

    return {{"text": f"Hello {{name}}! " * times, "models": len(inferlet.runtime.models()), "seen": seen}}
"""
"""Greets, and tells what it saw when it looked around while it was imported. A build takes long: one for all tests."""


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("secret") / "secret"
    path.write_text("the engine's own")
    return path


@pytest.fixture
def greet(secret: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Whichever test builds it, there is something to see."""
    monkeypatch.setenv("PIE_TEST_SECRET", "in the environment")
    return GREET.format(secret=secret).encode()


def manifest(entry: str = "greet", call: str = 'call = "kwargs"', name: str = "greet", language: str = "python") -> str:
    return (
        f'[package]\nname = "{name}"\nversion = "0.1.2"\n\n[runtime]\nlanguage = "{language}"\nentry = "{entry}"\n{call}\n\n'
        '[parameters]\nname = {type = "string"}\ntimes = {type = "int", optional = true, description = "default: 2"}\n'
    )


async def outcome(engine: Engine, target: str, program_input: object) -> ProcessEvent:
    program = await engine.library.find("", target)
    return await engine.launch(program, json.dumps(program_input)).outcome()


async def test_a_function_runs_with_the_inputs_fields_as_its_arguments(dummy_engine: Engine, greet: bytes) -> None:
    await dummy_engine.library.add("", greet, manifest(), force=True)
    said = await outcome(dummy_engine, "greet@0.1.2", {"name": "Ada"})
    assert said.kind == "return"
    assert json.loads(said.value) == {"text": "Hello Ada! Hello Ada! ", "models": 1, "seen": ANY}
    missing = await outcome(dummy_engine, "greet", {})
    assert (missing.kind, "missing 1 required positional argument: 'name'" in missing.value) == ("error", True)
    assert "is an object with its arguments" in (await outcome(dummy_engine, "greet", ["Ada"])).value


async def test_what_was_uploaded_is_what_its_hash_is_compared_with(dummy_engine: Engine, greet: bytes) -> None:
    from blake3 import blake3

    await dummy_engine.library.add("", greet, manifest(), force=True)
    assert dummy_engine.library.has("", "greet", "0.1.2", blake3(greet).hexdigest(), blake3(manifest().encode()).hexdigest())


@pytest.mark.parametrize(
    ("source", "text", "problem"),
    [
        (b"def other(): pass", manifest(), "greet"),
        (b"import numpy\ndef greet(name): pass", manifest(), "numpy"),
        (b"", manifest(entry="__import__('os')"), "no name of a function"),
        (b"", manifest(language="ruby"), "programs in 'ruby' cannot be built here"),
        (b"\xff\xfe", manifest(), "cannot be built"),
        (b"x = " + b"(" * 100_000, manifest(), "cannot be built"),
        (b"#" * (2 << 20), manifest(), "at most"),
        (b"raise SystemExit(0)", manifest(), "cannot be built"),
    ],
)
async def test_what_cannot_be_built_says_why(dummy_engine: Engine, source: bytes, text: str, problem: str) -> None:
    with pytest.raises(ProgramError, match=r".") as caught:
        await dummy_engine.library.add("", source, text, force=True)
    assert problem in caught.value.message


async def test_what_runs_while_it_is_built_reaches_nothing(dummy_engine: Engine, greet: bytes, secret: Path) -> None:
    await dummy_engine.library.add("", greet, manifest(), force=True)
    event = await outcome(dummy_engine, "greet", {"name": ""})
    assert json.loads(event.value)["seen"] == ["refused"] * 6
    assert not secret.with_name("secret.written").exists()
