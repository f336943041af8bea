"""The client that launched the program, if it is still there."""

import json
from typing import Any

from inferlet import _host as host
from inferlet import checked
from inferlet._loop import running_loop


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


def as_text(value: Any) -> str:
    """A value as it leaves a program."""
    if isinstance(value, str):
        return value
    dump = getattr(value, "model_dump_json", None)
    return str(dump()) if callable(dump) else json.dumps(value, default=str)
