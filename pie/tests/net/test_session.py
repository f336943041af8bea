"""A session answers whatever it can, counts the rest, and survives everything."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine_fakes.dummy_engine import dummy_config, program
from net_fakes.client import TOKEN, Client, FakeLibrary, fake_hub
from pie.auth.credentials import Credentials
from pie.config.config import LimitsConfig
from pie.config.home import Home
from pie.engine.engine import Engine
from pie.host.guest import Guest
from pie.net.hub import Hub
from pie.net.requests import AT_ONCE, IN_TURN, LOGIN, OVERTAKING
from pie.net.session import NOT_LOGGED_IN
from pie_wire.messages import AddProgram, AuthByToken, AuthIdentify, ClientMessage, LaunchProcess, Message, Ping, Response


def test_every_message_has_exactly_one_place() -> None:
    places = [set(OVERTAKING), set(AT_ONCE), set(IN_TURN), set(LOGIN)]
    assert set.union(*places) == set(ClientMessage.__args__)
    assert sum(map(len, places)) == len(ClientMessage.__args__)


async def test_before_the_login_everything_is_refused_in_words(hub: Hub) -> None:
    nobody = Client(hub)
    assert (await nobody.ask(Ping)).result == NOT_LOGGED_IN
    assert not (await nobody.ask(lambda n: LaunchProcess(n, "echo", "{}", True))).ok
    assert hub.engine.processes() == []


async def test_a_message_that_is_none_is_answered_if_it_has_a_number(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    ada.send_raw(msgspec.msgpack.encode({"type": "sing", "corr_id": 7}))
    ada.send_raw(msgspec.msgpack.encode({"type": "ping", "corr_id": "seven"}))
    ada.send_raw(msgspec.msgpack.encode({"type": "launch_process", "corr_id": 8}))
    ada.send_raw(b"\xc1")
    assert "sing" in (await ada.response(7)).result
    assert (await ada.response(8)).result.startswith("Malformed message: ")
    assert hub.statistics().frames_bad == 4


async def test_unknown_keys_are_ignored(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    ada.send_raw(msgspec.msgpack.encode({"type": "ping", "corr_id": 7, "mood": "fine"}))
    assert (await ada.response(7)).result == "Pong"


async def test_a_wrong_token_delays_what_comes_after_it(hub: Hub) -> None:
    guesser = Client(hub)
    guesser.send(AuthByToken(1, "guess"))
    guesser.send(AuthByToken(2, TOKEN))
    assert (await guesser.response(2)).ok
    assert [answer.corr_id for answer in guesser.responses()] == [1, 2]
    assert hub.statistics().logins_refused == 1


async def test_what_fails_inside_the_server_is_logged_and_not_told(
    hub: Hub, library: FakeLibrary, caplog: pytest.LogCaptureFixture
) -> None:
    async def breaks(*_: object) -> None:
        raise RuntimeError("a secret")

    library.find = breaks  # type: ignore[assignment]
    ada = await Client(hub).log_in()
    answer = await ada.ask(lambda n: LaunchProcess(n, "echo", "{}", True))
    assert "internal error" in answer.result
    assert "secret" not in answer.result
    assert "secret" in caplog.text


async def test_a_connection_that_breaks_in_mid_upload_leaves_nothing(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    ada.send(AddProgram(9, "hash", '[package]\nname = "a"\nversion = "0.1.0"', True, 0, 3, b"x" * 1000))
    while not hub.statistics().uploads_bytes:
        await asyncio.sleep(0)
    await ada.leave()
    assert hub.statistics().uploads_bytes == 0


async def test_requests_that_wait_fill_the_session(hub: Hub, library: FakeLibrary) -> None:
    ada = await Client(hub).log_in()
    library.gate.clear()
    for number in range(2000):
        if ada.session.is_full:
            break
        ada.send(LaunchProcess(number, "echo", "{}", True))
    assert number < 1100
    assert hub.engine.processes() == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


async def echo(guest: Guest) -> str:
    return guest.process.input


async def fuzzed(folder: Path, frames: list[bytes], *, logged_in: bool) -> None:
    """All frames go in; then the session still answers, and when it is gone nothing is left of it."""
    config = dummy_config(folder, LimitsConfig(processes_per_user=5))
    engine = Engine(config, Home(folder))
    hub, library = fake_hub(engine, Credentials(Home(folder), enabled=False), config)
    library.programs["echo"] = program(echo)
    client = Client(hub)
    if logged_in:
        await client.log_in()
    for frame in frames:
        client.send_raw(frame)
        await client.session.room()
    client.received.clear()
    client.send(Ping(4_000_000_000))
    assert isinstance(await client.response(4_000_000_000), Response)
    while client.session.requests_waiting:
        await asyncio.sleep(0)
    await client.leave()
    await engine.close()
    hub.held.check()
    statistics = hub.statistics()
    assert (statistics.uploads_bytes, statistics.attached) == (0, 0)


small = st.integers(0, 3)
texts = st.sampled_from(["echo", "", "ada", "../etc", "x" * 300, TOKEN, "{}"]) | st.text(max_size=20)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | texts | st.binary(max_size=50)
tags = st.sampled_from([kind.__struct_config__.tag for kind in ClientMessage.__args__]) | texts
keys = st.sampled_from(sorted({name for kind in ClientMessage.__args__ for name in kind.__struct_fields__}))
misshapen = st.builds(
    lambda tag, fields: msgspec.msgpack.encode({**fields, "type": tag}),
    tags,
    st.dictionaries(keys, scalars | st.lists(scalars, max_size=3), max_size=6),
)


def shaped(kind: type[Message]) -> st.SearchStrategy[bytes]:
    """Messages of a kind, with values that are often right."""
    by_type = {int: small, str: texts, bool: st.booleans(), bytes: st.binary(max_size=300)}
    fields = {}
    for field in msgspec.structs.fields(kind):
        node = msgspec.inspect.type_info(field.type)
        text = repr(node)
        if "ListType" in text:
            fields[field.name] = st.lists(small if "IntType" in text else texts, max_size=4)
        else:
            one = next(value for key, value in by_type.items() if f"{key.__name__.capitalize()}Type" in text)
            fields[field.name] = one | st.none() if "NoneType" in text else one
    return st.builds(kind, **fields).map(msgspec.msgpack.encode)


well_shaped = st.one_of([shaped(kind) for kind in ClientMessage.__args__ if kind is not AuthIdentify])


@given(st.lists(st.binary(max_size=100) | misshapen | well_shaped, max_size=20), st.booleans())
def test_nothing_that_comes_ends_the_session_or_stays_behind(folder: Path, frames: list[bytes], logged_in: bool) -> None:
    asyncio.run(fuzzed(folder, frames, logged_in=logged_in))


@given(misshapen)
def test_a_frame_with_a_readable_number_is_answered(folder: Path, frame: bytes) -> None:
    corr_id = msgspec.msgpack.decode(frame).get("corr_id")
    is_readable = type(corr_id) is int and 0 <= corr_id < 1 << 32
    asyncio.run(_answers(folder, frame, corr_id if is_readable else None))


async def _answers(folder: Path, frame: bytes, corr_id: int | None) -> None:
    config = dummy_config(folder)
    engine = Engine(config, Home(folder))
    hub, _ = fake_hub(engine, Credentials(Home(folder), enabled=False), config)
    client = Client(hub)
    client.send_raw(frame)
    if corr_id is not None and msgspec.msgpack.decode(frame)["type"] != "mcp_response":
        assert await client.response(corr_id)
    await client.leave()
