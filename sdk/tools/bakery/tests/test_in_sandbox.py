"""What programs may rely on inside a component: checked in the real sandbox, with an engine that only takes messages."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bakery import build
from bakery.component import read_component
from bakery.toolchain import find_toolchain

pytest.importorskip("pie.sandbox", reason="make setup")

from pie.sandbox.interface import Err, Interface, Ok
from pie.sandbox.sandbox import Sandbox
from pie.wasi.interfaces import wasi_interfaces
from pie.wasi.poll import Pollable
from pie.wasi.sinks import CaptureSink
from pie.wasi.state import WasiState
from pie.wasi.streams import SinkOutput

PROGRAM = """\
import asyncio
import random
import time

from inferlet import session

import helper


def main(input):
    return getattr(Ways, input["way"])()


class Ways:
    def asyncio_run():
        async def both():
            first, second = await asyncio.gather(asyncio.sleep(0.001, "a"), asyncio.sleep(0.002, "b"))
            return first + second

        return asyncio.run(both())

    async def timeout():
        try:
            await asyncio.wait_for(asyncio.sleep(1000), timeout=0.01)
        except asyncio.TimeoutError:
            return "timed out"

    async def task_group():
        queue = asyncio.Queue(maxsize=1)

        async def produce():
            for number in range(5):
                await queue.put(number)

        async with asyncio.TaskGroup() as group:
            group.create_task(produce())
            return [await queue.get() for _ in range(5)]

    def late_import():
        import difflib
        from helper import bake

        return [difflib.get_close_matches("appel", ["ape", "apple"], n=1), bake()]

    def random():
        return random.random()

    def deep():
        helper.fail_deeply()

    def sleep():
        start = time.monotonic()
        time.sleep(0.01)
        return time.monotonic() - start >= 0.01

    def messages():
        for number in range(3):
            session.send({"number": number})
"""
HELPER = """\
def bake():
    import colorsys

    return colorsys.rgb_to_hsv(0, 0, 0)


def fail_deeply():
    raise ValueError("the oven is cold: äöü")
"""


@dataclass
class State:
    stdout: CaptureSink = field(default_factory=CaptureSink)
    stderr: CaptureSink = field(default_factory=CaptureSink)
    sent: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.wasi = WasiState(stdout=SinkOutput(self.stdout), stderr=SinkOutput(self.stderr))


class Handle:
    """Of something that this engine does not have."""


def engine_interfaces(imports: tuple[str, ...]) -> list[Interface]:
    """Everything a program imports from an engine. Only `session.send` is there; the rest traps."""
    wit = "".join(path.read_text() for path in find_toolchain().wit.glob("*.wit"))
    resources = {name: type(name, (Handle,), {}) for name in re.findall(r"^ +resource ([a-z-]+)", wit, re.MULTILINE)}
    interfaces = []
    for name in imports:
        if name.startswith("pie:inferlet/"):
            noun = name.removeprefix("pie:inferlet/").partition("@")[0]
            functions = {"send": lambda state, text: state.sent.append(text)} if noun == "session" else {}
            interfaces.append(Interface(name, functions, {**resources, "pollable": Pollable}))
    return interfaces


@pytest.fixture(scope="module")
def wasm(tmp_path_factory: pytest.TempPathFactory, pie_cache: Path) -> bytes:
    folder = tmp_path_factory.mktemp("project")
    (folder / "Pie.toml").write_text('[package]\nname = "ways"\nversion = "0.1.0"\n')
    (folder / "main.py").write_text(PROGRAM)
    (folder / "helper.py").write_text(HELPER)
    return build(folder, pie_cache / "bakery").wasm


@pytest.fixture
async def sandbox(wasm: bytes, pie_cache: Path) -> AsyncIterator[Sandbox]:
    interfaces = [*wasi_interfaces(), *engine_interfaces(read_component(wasm).imports)]
    sandbox = Sandbox(interfaces, cache_folder=pie_cache / "compiled")
    yield sandbox
    await sandbox.close()


async def run(sandbox: Sandbox, wasm: bytes, way: str) -> tuple[Ok | Err, State]:
    state = State()
    program = await sandbox.load(wasm)
    instance = await program.start(state)
    try:
        return await instance.run(json.dumps({"way": way})), state
    finally:
        instance.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("asyncio_run", "ab"),
        ("timeout", "timed out"),
        ("task_group", "[0, 1, 2, 3, 4]"),
        ("late_import", '[["apple"], [0.0, 0.0, 0]]'),
        ("sleep", "true"),
        ("messages", ""),
    ],
)
async def test_a_program_may_rely_on(sandbox: Sandbox, wasm: bytes, way: str, expected: str) -> None:
    answer, state = await run(sandbox, wasm, way)
    assert (answer, state.stderr.text) == (Ok(expected), "")


@pytest.mark.slow
async def test_messages_arrive_in_order(sandbox: Sandbox, wasm: bytes) -> None:
    _, state = await run(sandbox, wasm, "messages")
    assert state.sent == ['{"number": 0}', '{"number": 1}', '{"number": 2}']


@pytest.mark.slow
async def test_each_process_has_random_numbers_of_its_own(sandbox: Sandbox, wasm: bytes) -> None:
    answers = {str((await run(sandbox, wasm, "random"))[0]) for _ in range(4)}
    assert len(answers) == 4


@pytest.mark.slow
async def test_a_failure_shows_the_lines_of_the_source(sandbox: Sandbox, wasm: bytes) -> None:
    answer, state = await run(sandbox, wasm, "deep")
    assert answer == Err("the oven is cold: äöü")
    printed = state.stderr.text
    line = PROGRAM.splitlines().index("        helper.fail_deeply()") + 1
    assert printed.startswith('Traceback (most recent call last):\n  File "main.py"')
    assert f'File "main.py", line {line}, in deep\n    helper.fail_deeply()\n' in printed
    assert 'File "helper.py", line 8, in fail_deeply\n    raise ValueError("the oven is cold: äöü")\n' in printed
