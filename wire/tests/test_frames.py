"""Frames: what goes in comes out, and what is none says as much as can be read of it."""

import typing
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie_wire.errors import FrameError
from pie_wire.frames import decode_client_message, decode_server_message, encode
from pie_wire.limits import EVENT_CHARACTERS_MAX, FRAME_BYTES_MAX
from pie_wire.messages import (
    AddProgram,
    ClientMessage,
    File,
    LaunchProcess,
    Message,
    Ping,
    ProcessEvent,
    Response,
    ServerMessage,
    SignalProcess,
)

CLIENT = typing.get_args(ClientMessage)
SERVER = typing.get_args(ServerMessage)

numbers = st.integers(0, (1 << 32) - 1)
by_type: dict[object, st.SearchStrategy[object]] = {
    int: numbers,
    int | None: numbers | st.none(),
    list[int | None] | None: st.lists(numbers | st.none()) | st.none(),
}


def messages(kinds: tuple[type[Message], ...]) -> st.SearchStrategy[Message]:
    """Messages of all kinds, with any values that they may have."""
    return st.one_of([st.builds(kind, **_values(kind)) for kind in kinds])


def _values(kind: type[Message]) -> dict[str, st.SearchStrategy[object]]:
    hints = typing.get_type_hints(kind)
    return {name: by_type.get(hints[name], st.from_type(hints[name])) for name in kind.__struct_fields__}


@given(messages(CLIENT))
def test_a_client_message_survives_the_way(message: Message) -> None:
    assert decode_client_message(encode(message)) == message


@given(messages(SERVER))
def test_a_server_message_survives_the_way(message: Message) -> None:
    assert decode_server_message(encode(message)) == message


def test_a_frame_is_a_map_with_a_type_as_the_published_clients_make_it() -> None:
    assert msgspec.msgpack.decode(encode(Ping(7))) == {"type": "ping", "corr_id": 7}
    frame = {"type": "launch_process", "corr_id": 1, "inferlet": "a@0.1.0", "input": "{}", "capture_outputs": True}
    assert decode_client_message(msgspec.msgpack.encode(frame)) == LaunchProcess(1, "a@0.1.0", "{}", True)
    assert "name" not in msgspec.msgpack.decode(encode(File("p", "h", 0, 1, b"")))


def test_bytes_travel_as_binary_and_not_as_text() -> None:
    frame = encode(AddProgram(1, "h", "m", False, 0, 1, b"\xff\x00"))
    assert msgspec.msgpack.decode(frame)["chunk_data"] == b"\xff\x00"


def test_absent_keys_may_be_left_out_or_nil() -> None:
    frame = {"type": "signal_process", "process_id": "p", "message": "m", "corr_id": None}
    assert decode_client_message(msgspec.msgpack.encode(frame)) == SignalProcess("p", "m")


@pytest.mark.parametrize(
    ("frame", "corr_id"),
    [
        ({"type": "sing", "corr_id": 7}, 7),
        ({"corr_id": 7}, 7),
        ({"type": "ping", "corr_id": 1 << 32}, None),
        ({"type": "ping", "corr_id": -1}, None),
        ({"type": "ping", "corr_id": True}, None),
        ({"type": "ping"}, None),
        ({"type": "mcp_response", "corr_id": 7}, None),
        ([1, 2], None),
    ],
)
def test_a_wrong_frame_tells_its_number_if_it_has_one_to_answer(frame: object, corr_id: int | None) -> None:
    with pytest.raises(FrameError) as refused:
        decode_client_message(msgspec.msgpack.encode(frame))
    assert refused.value.corr_id == corr_id


def test_a_frame_that_is_too_large_is_refused_and_still_answered() -> None:
    with pytest.raises(FrameError) as refused:
        decode_client_message(encode(LaunchProcess(7, "a", "x" * FRAME_BYTES_MAX, True)))
    assert refused.value.corr_id == 7


@pytest.mark.parametrize("depth", [100, 100_000])
def test_deep_nesting_is_a_wrong_frame(depth: int) -> None:
    with pytest.raises(FrameError):
        decode_client_message(b"\x91" * depth)
    with pytest.raises(FrameError):
        decode_client_message(b"\x81\xa1x" + b"\x91" * depth)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_frame_error(frame: bytes) -> None:
    for decode in (decode_client_message, decode_server_message):
        with suppress(FrameError):
            decode(frame)


def test_the_longest_event_fits_a_frame_whatever_its_characters() -> None:
    for character in ("x", "\u20ac", "\U0001f600"):
        assert len(encode(ProcessEvent("p" * 36, "stdout", character * EVENT_CHARACTERS_MAX))) <= FRAME_BYTES_MAX


def test_answers_are_always_text() -> None:
    with pytest.raises(FrameError):
        decode_server_message(msgspec.msgpack.encode({"type": "response", "corr_id": 1, "ok": True, "result": 7}))
    assert decode_server_message(encode(Response(1, True, "7"))) == Response(1, True, "7")
