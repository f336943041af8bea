"""The client that launched the program, if it is still there."""

import json
from typing import Any

from inferlet import _host as host
from inferlet import checked
from inferlet._loop import running_loop
from inferlet.limits import FILE_PIECE_BYTES


def send(message: Any) -> None:
    """Sends a message: strings as they are, objects with `model_dump_json` through it, anything else as JSON."""
    host.session.send(checked.text(as_text(message)))


async def receive() -> str:
    """The next message of the client, first in first out. Raises `EOFError` once no message can come any more."""
    with host.session.receive() as future:
        while (received := future.get()) is None:
            with future.subscribe() as pollable:
                await running_loop().wait(pollable)
    if received.value is None:
        raise EOFError("the client is gone; no message can come any more")
    return str(received.value)


class ReceivedFile(bytes):
    """A file's content, and what the client calls it (may be empty)."""

    name: str

    def __new__(cls, content: bytes, name: str) -> "ReceivedFile":
        file = super().__new__(cls, content)
        file.name = name
        return file


def send_file(data: bytes, name: str = "") -> None:
    """Sends a file. Waits while the client is too slow to take it."""
    content = memoryview(data).cast("B")
    with host.session.OutgoingFile(checked.text(name)) as file:
        for begin in range(0, len(content), FILE_PIECE_BYTES):
            host.call(file.write, bytes(content[begin : begin + FILE_PIECE_BYTES]))
        host.call(file.send)


async def receive_file() -> ReceivedFile:
    """The client's next file, first in first out: `bytes` with a `name`. Raises `EOFError` once no file can come any more."""
    with host.session.receive_file() as future:
        while (received := future.get()) is None:
            with future.subscribe() as pollable:
                await running_loop().wait(pollable)
    if received.value is None:
        raise EOFError("the client is gone; no file can come any more")
    with received.value as file:
        pieces = [file.read(begin, FILE_PIECE_BYTES) for begin in range(0, file.size(), FILE_PIECE_BYTES)]
        return ReceivedFile(b"".join(pieces), str(file.name()))


def as_text(value: Any) -> str:
    """A value as it leaves a program."""
    if isinstance(value, str):
        return value
    dump = getattr(value, "model_dump_json", None)
    return str(dump()) if callable(dump) else json.dumps(value, default=str)
