"""A process's event as the frames that carry it, none of them too large for a client.

| event | too long for a frame |
|---|---|
| stdout, stderr, message | several events |
| return | a file named `return`, then an `error` that says so: a return that is not the whole would be taken for it |
| error | a file named `error`, then an `error` with its beginning |
| file | always in chunks; an empty file is one |
"""

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import UNSET

from pie.processes.events import ProcessEvent as Event
from pie_wire.chunks import count, hash_of, split
from pie_wire.limits import EVENT_CHARACTERS_MAX, FRAME_BYTES_MAX
from pie_wire.messages import File, ProcessEvent

FRAME_ROOM: Final = 512
"""Bytes that a frame has besides its text: keys, the process's id."""
ERROR_HEAD_CHARACTERS: Final = 2000
"""How much of an error that is too long is still in the error."""

_encode: Final = msgspec.msgpack.Encoder().encode


def text_frame(process_id: str, event: Event) -> bytes | None:
    """The one frame of an event that is short, as almost all are; None: ask `long_frames`."""
    if event.kind == "file" or len(event.value) > EVENT_CHARACTERS_MAX:
        return None
    try:
        return _encode(ProcessEvent(process_id, event.kind, event.value))
    except UnicodeEncodeError:
        return None


def long_frames(process_id: str, event: Event) -> Iterator[bytes]:
    """All frames of any event."""
    event = Event(event.kind, encodable(event.value), event.data)
    if event.kind == "file":
        yield from _file_frames(process_id, event.value, event.data)
    elif len(event.value) <= EVENT_CHARACTERS_MAX or len(event.value.encode()) <= FRAME_BYTES_MAX - FRAME_ROOM:
        yield _encode(ProcessEvent(process_id, event.kind, event.value))
    elif event.kind in ("return", "error"):
        yield from _file_frames(process_id, event.kind, event.value.encode())
        yield _encode(ProcessEvent(process_id, "error", _instead(event)))
    else:
        for start in range(0, len(event.value), EVENT_CHARACTERS_MAX):
            piece = event.value[start : start + EVENT_CHARACTERS_MAX]
            yield _encode(ProcessEvent(process_id, event.kind, piece))


def encodable(text: str) -> str:
    """The text without halves of characters, which an error about a strange file name may have."""
    return text.encode("utf-8", "replace").decode()


def has_chunks(event: Event) -> bool:
    """Whether file chunks are among its frames. Clients tell files apart by hash alone: one at a time."""
    return event.kind == "file" or (event.kind in ("return", "error") and len(event.value) > EVENT_CHARACTERS_MAX)


def _file_frames(process_id: str, name: str, data: bytes) -> Iterator[bytes]:
    total = count(len(data))
    file_hash = hash_of(data)
    for index, chunk in enumerate(split(data)):
        yield _encode(File(process_id, file_hash, index, total, chunk, name or UNSET))


def _instead(event: Event) -> str:
    size = f"{len(event.value)} characters"
    if event.kind == "return":
        return f"the program returned {size}, too long for one message: they came as the file 'return' before this"
    return f"{event.value[:ERROR_HEAD_CHARACTERS]}… [{size} in all: they came as the file 'error' before this]"
