"""What a process tells its client."""

from enum import Enum
from typing import NamedTuple, TypeAlias

from pie_client.files import ReceivedFile


class Event(Enum):
    """Kinds of events. `Return` and `Error` are the last of their process."""

    Stdout = "stdout"
    Stderr = "stderr"
    Message = "message"
    File = "file"
    Return = "return"
    Error = "error"


TERMINAL = frozenset({Event.Return, Event.Error})
Value: TypeAlias = str | ReceivedFile
"""The text of an event; a file for `Event.File`."""


class ProcessEvent(NamedTuple):
    """One event, to be taken apart: `event, value = await process.recv()`."""

    event: Event
    value: Value
