"""Uploads, names and users, with the real library and real components in the real sandbox."""

import asyncio
from pathlib import Path

import pytest
from e2e.components import echo, module

from net_fakes.client import TOKEN, Client, FakeOperations
from pie.auth import api_keys, users
from pie.auth.credentials import Credentials
from pie.config.config import Config
from pie.config.home import Home
from pie.engine.engine import Engine
from pie.net.hub import Hub
from pie_wire.chunks import count, hash_of, split
from pie_wire.messages import AddProgram, AuthByToken, CheckProgram, LaunchProcess, Response

KEYS = {"ada": api_keys.generate(), "bob": api_keys.generate()}


@pytest.fixture
def hub(engine: Engine, config: Config, tmp_path: Path) -> Hub:
    """With authentication, and two users."""
    home = Home(tmp_path / "home")
    for name, key in KEYS.items():
        users.change(home.users, lambda all_, name=name: users.with_user(all_, name))
        api_keys.change(home.api_keys, lambda all_, name=name, key=key: api_keys.with_key(all_, name, "k", key, ""))
    return Hub(engine, Credentials(home, enabled=True), config, FakeOperations(), token=TOKEN)


async def as_user(hub: Hub, name: str) -> Client:
    client = Client(hub)
    assert (await client.ask(lambda n: AuthByToken(n, KEYS[name]))).ok
    return client


def manifest(name: str = "hello", version: str = "0.1.0") -> str:
    return f'[package]\nname = "{name}"\nversion = "{version}"\n'


async def upload(client: Client, wasm: bytes, text: str, *, force: bool = False) -> Response:
    corr_id = client.corr_id()
    for index, chunk in enumerate(split(wasm)):
        client.send(AddProgram(corr_id, hash_of(wasm), text, force, index, count(len(wasm)), chunk))
    return await client.response(corr_id)


async def test_an_uploaded_program_is_launched_by_all_of_its_names(hub: Hub) -> None:
    ada = await as_user(hub, "ada")
    assert (await upload(ada, echo(), manifest())).ok
    for target in ("hello", "hello@latest", "hello@0.1.0"):
        assert (await ada.ended(await ada.launch(target, '"hi"')))[-1].value == '"hi"'


async def test_a_program_is_not_there_for_another_user(hub: Hub) -> None:
    ada, bob = await as_user(hub, "ada"), await as_user(hub, "bob")
    await upload(ada, echo(), manifest())
    assert (await ada.ask(lambda n: CheckProgram(n, "hello", "0.1.0"))).result == "true"
    assert (await bob.ask(lambda n: CheckProgram(n, "hello", "0.1.0"))).result == "false"
    assert not (await bob.ask(lambda n: LaunchProcess(n, "hello", "{}", True))).ok


async def test_hashes_tell_whether_it_is_exactly_this_program(hub: Hub) -> None:
    ada = await as_user(hub, "ada")
    await upload(ada, echo(), manifest())
    good = (hash_of(echo()), hash_of(manifest().encode()))
    assert (await ada.ask(lambda n: CheckProgram(n, "hello", "0.1.0", *good))).result == "true"
    assert (await ada.ask(lambda n: CheckProgram(n, "hello", "0.1.0", good[1], good[0]))).result == "false"


async def test_a_component_that_does_not_compile_is_told_in_the_answer(hub: Hub) -> None:
    ada = await as_user(hub, "ada")
    for wasm in (b"no wasm", module(), b""):
        answer = await upload(ada, wasm, manifest())
        assert not answer.ok
        assert "internal error" not in answer.result
    assert (await ada.ask(lambda n: CheckProgram(n, "hello", "0.1.0"))).result == "false"


@pytest.mark.parametrize(
    "target", ["../../etc/passwd", "/etc/passwd", "a/../../b", "", "hello@", "@1.0.0", "a@b@c", "x" * 5000, "a\0b"]
)
async def test_targets_that_look_like_paths_find_nothing(hub: Hub, target: str) -> None:
    ada = await as_user(hub, "ada")
    answer = await ada.ask(lambda n: LaunchProcess(n, target, "{}", True))
    assert not answer.ok
    assert "internal error" not in answer.result


async def test_a_launch_that_follows_an_upload_at_once_finds_it(hub: Hub) -> None:
    ada = await as_user(hub, "ada")
    wasm = echo()
    ada.send(AddProgram(100, hash_of(wasm), manifest(), True, 0, 1, wasm))
    ada.send(LaunchProcess(101, "hello@0.1.0", "7", True))
    assert (await ada.ended((await ada.response(101)).result))[-1].value == "7"


async def test_a_hundred_processes_at_once_return_what_they_were_given(hub: Hub) -> None:
    ada = await as_user(hub, "ada")
    await upload(ada, echo(), manifest())
    for _ in range(2):
        ids = await asyncio.gather(*(ada.launch("hello", str(number)) for number in range(50)))
        assert [(await ada.ended(one))[-1].value for one in ids] == [str(number) for number in range(50)]
    hub.held.check()
