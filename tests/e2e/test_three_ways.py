"""A local file, a client's upload and the registry are three ways to the same program, with the same result."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from e2e import components
from e2e.command import Command, Done
from e2e.conftest import dummy_config, model_without_weights
from e2e.serving import home_beside, serving
from msgspec.structs import replace

from pie.config.home import Home
from pie.server.server import Server
from pie_client import PieClient
from programs_fakes.registry import FakeRegistry, manifest_text

pytestmark = pytest.mark.slow

INPUT = '{"n": 1}'


@pytest.fixture
async def registry() -> AsyncIterator[FakeRegistry]:
    async with FakeRegistry().serving() as registry:
        registry.publish("echo", "0.1.0", components.echo())
        registry.publish("alice/echo", "2.0.0", components.echo())
        yield registry


@pytest.fixture
def own_home(home: Home, tmp_path: Path, registry: FakeRegistry) -> Home:
    own = home_beside(home, tmp_path / "home")
    (tmp_path / "model").mkdir()
    model = model_without_weights(tmp_path / "model")
    own.config.write_text(
        f'[server]\nregistry = "{registry.url}"\n[[model]]\nname = "m"\nhf_repo = "{model}"\ndriver.type = "dummy"\n'
    )
    return own


@pytest.fixture
def pie(own_home: Home) -> Command:
    return Command({"PATH": os.environ["PATH"], "PIE_HOME": str(own_home.root)}, own_home.root)


async def run(pie: Command, *arguments: str | Path) -> Done:
    return await asyncio.to_thread(lambda: pie("run", "-q", *arguments, "--input", INPUT))


async def test_the_same_bytes_give_the_same_result(pie: Command, own_home: Home, registry: FakeRegistry, tmp_path: Path) -> None:
    wasm, manifest = tmp_path / "echo.wasm", tmp_path / "Pie.toml"
    wasm.write_bytes(components.echo())
    manifest.write_text(manifest_text("echo", "0.1.0"))
    local = await run(pie, "--path", wasm, "--manifest", manifest)
    pulled = await run(pie, "echo")
    config = serving(dummy_config(tmp_path / "model"))
    config = replace(config, server=replace(config.server, registry=registry.url))
    async with Server(config, own_home) as server, PieClient(server.url) as client:
        await client.authenticate("bob")
        by_name = await (await client.launch_process("alice/echo", json.loads(INPUT))).result()
        await client.install_program(wasm, manifest)
        uploaded = await (await client.launch_process("echo", json.loads(INPUT))).result()
    assert [local.out, pulled.out] == [INPUT + "\n"] * 2, local.err + pulled.err
    assert by_name == uploaded == json.loads(INPUT)


async def test_a_program_below_its_owner_is_run_by_that_name(pie: Command) -> None:
    for target in ("alice/echo", "alice/echo@2.0.0"):
        assert (await run(pie, target)).out == INPUT + "\n"


async def test_what_was_run_once_runs_without_the_registry(pie: Command, registry: FakeRegistry) -> None:
    assert (await run(pie, "echo")).code == 0
    registry.fault = "error"
    assert (await run(pie, "echo")).out == INPUT + "\n"
    refused = await run(pie, "other")
    assert refused.code == 1
    assert "answered with status 500" in refused.err
    assert "Traceback" not in refused.err


async def test_a_registry_that_lies_is_one_clear_line(pie: Command, registry: FakeRegistry, own_home: Home) -> None:
    registry.programs["echo"]["0.1.0"].checksum = "0" * 64
    refused = await run(pie, "echo")
    assert refused.code == 1
    assert refused.err.splitlines()[-1].endswith("the checksum differs")
    assert not list(own_home.programs.rglob("*.program"))
