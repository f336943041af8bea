"""Every event fits frames, and what the frames say is what the event said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie.net.event_frames import has_chunks, long_frames, text_frame
from pie.processes.events import ProcessEvent
from pie_wire.chunks import hash_of
from pie_wire.frames import decode_server_message
from pie_wire.limits import CHUNK_BYTES, EVENT_CHARACTERS_MAX, FRAME_BYTES_MAX
from pie_wire.messages import File, ServerMessage
from pie_wire.messages import ProcessEvent as EventMessage


def frames(event: ProcessEvent) -> list[ServerMessage]:
    """As a client gets them. None is too large."""
    all_frames = [frame] if (frame := text_frame("p", event)) else list(long_frames("p", event))
    assert all(len(frame) <= FRAME_BYTES_MAX for frame in all_frames)
    return [decode_server_message(frame) for frame in all_frames]


@pytest.mark.parametrize("kind", ["stdout", "stderr", "message", "return", "error"])
def test_a_short_event_is_one_frame(kind: str) -> None:
    assert frames(ProcessEvent(kind, "hello")) == [EventMessage("p", kind, "hello")]


def test_a_long_text_of_small_characters_is_one_frame_too() -> None:
    assert frames(ProcessEvent("return", "x" * 1_000_000)) == [EventMessage("p", "return", "x" * 1_000_000)]


@pytest.mark.parametrize("kind", ["stdout", "stderr", "message"])
def test_a_longer_text_is_several_events(kind: str) -> None:
    text = "a\u20ac\U0001f600" * 300_000
    pieces = frames(ProcessEvent(kind, text))
    assert len(pieces) > 1
    assert all(isinstance(piece, EventMessage) and piece.event == kind for piece in pieces)
    assert "".join(piece.value for piece in pieces) == text


def test_a_return_that_is_too_long_is_a_file_and_an_error() -> None:
    *chunks, last = frames(ProcessEvent("return", "\u20ac" * 400_000))
    assert b"".join(chunk.chunk_data for chunk in chunks).decode() == "\u20ac" * 400_000
    assert (last.event, chunks[0].name) == ("error", "return")
    assert "400000 characters" in last.value


def test_an_error_that_is_too_long_keeps_its_beginning() -> None:
    *chunks, last = frames(ProcessEvent("error", "no: " + "\u20ac" * 400_000))
    assert (last.event, chunks[0].name) == ("error", "error")
    assert last.value.startswith("no: \u20ac")


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1])
def test_a_file_is_chunks_even_when_it_is_empty(size: int) -> None:
    data = b"x" * size
    chunks = frames(ProcessEvent("file", "a.png", data))
    assert all(isinstance(chunk, File) for chunk in chunks)
    assert b"".join(chunk.chunk_data for chunk in chunks) == data
    assert {chunk.file_hash for chunk in chunks} == {hash_of(data)}
    assert {(chunk.total_chunks, chunk.name) for chunk in chunks} == {(len(chunks), "a.png")}
    assert [chunk.chunk_index for chunk in chunks] == list(range(len(chunks)))


def test_a_nameless_file_has_no_name() -> None:
    (chunk,) = frames(ProcessEvent("file", "", b"x"))
    assert chunk == File("p", hash_of(b"x"), 0, 1, b"x")


kinds = st.sampled_from(["stdout", "stderr", "message", "return", "error"])


@given(kinds, st.text(max_size=5), st.integers(EVENT_CHARACTERS_MAX // 4, EVENT_CHARACTERS_MAX))
def test_chunks_are_announced(kind: str, text: str, times: int) -> None:
    event = ProcessEvent(kind, text * times)
    if any(isinstance(message, File) for message in frames(event)):
        assert has_chunks(event)
