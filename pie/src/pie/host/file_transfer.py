"""The file part of `pie:inferlet/session`. Files cross the sandbox in pieces: a byte on its way takes 32."""

import asyncio

from pie.errors import InvalidArgumentError
from pie.host.files import Allowance, File, FileInbox
from pie.host.guest import Guest
from pie.limits import FILE_NAME_CHARACTERS_MAX, FILE_PIECE_BYTES_MAX
from pie.processes.events import ProcessEvent
from pie.sandbox.interface import HostFunction, Some, suspends
from pie.wasi.poll import FuturePollable, Pollable


class OutgoingFile:
    """What a guest has written of a file so far. Its bytes count against the guest's allowance until it is sent or dropped."""

    def __init__(self, name: str, allowance: Allowance) -> None:
        self._name = name
        self._allowance = allowance
        self._content: bytearray | None = bytearray()

    def write(self, piece: bytes) -> None:
        """Raises `InvalidArgumentError`."""
        content = self._unsent()
        if len(piece) > FILE_PIECE_BYTES_MAX:
            raise InvalidArgumentError(f"a file is written in pieces of at most {FILE_PIECE_BYTES_MAX} bytes, not {len(piece)}")
        if not self._allowance.take(len(piece)):
            raise InvalidArgumentError(f"files may have {self._allowance.bytes_max} bytes together until they are sent")
        content += piece

    def finish(self) -> ProcessEvent:
        """The event to send. Raises `InvalidArgumentError`."""
        content = self._unsent()
        if len(self._name) > FILE_NAME_CHARACTERS_MAX:
            raise InvalidArgumentError(f"a file's name has at most {FILE_NAME_CHARACTERS_MAX} characters")
        event = ProcessEvent("file", self._name, bytes(content))
        self.drop()
        return event

    def drop(self) -> None:
        if self._content is not None:
            self._allowance.give_back(len(self._content))
            self._content = None

    def _unsent(self) -> bytearray:
        if self._content is None:
            raise InvalidArgumentError("the file was sent already")
        return self._content


class IncomingFile:
    """A file that the guest reads from."""

    def __init__(self, file: File, inbox: FileInbox) -> None:
        self.file = file
        self._inbox = inbox

    def drop(self) -> None:
        self._inbox.let_go(self.file)


class FutureFile:
    """A file to come. It is given out once."""

    def __init__(self, inbox: FileInbox) -> None:
        self.future = inbox.receive()
        self._inbox = inbox
        self._taken = False

    def take(self) -> Some | None:
        if self._taken or not self.future.done():
            return None
        self._taken = True
        file = self.future.result()
        return Some(None if file is None else IncomingFile(file, self._inbox))

    def drop(self) -> None:
        """A receiver that is dropped unread takes no file, also if one had come for it."""
        if self.future.cancel() or self._taken:
            return
        file = self.future.result()
        if file is not None:
            self._inbox.give_back(file)


def new_file(guest: Guest, name: str) -> OutgoingFile:
    return OutgoingFile(name, guest.outgoing)


def write(_: Guest, file: OutgoingFile, piece: bytes) -> None:
    file.write(piece)


@suspends
def send(guest: Guest, file: OutgoingFile) -> asyncio.Future[None] | None:
    return guest.outbox.send(file.finish())


def name(_: Guest, incoming: IncomingFile) -> str:
    return incoming.file.name


def size(_: Guest, incoming: IncomingFile) -> int:
    return len(incoming.file.data)


def read(_: Guest, incoming: IncomingFile, offset: int, length: int) -> bytes:
    return incoming.file.data[offset : offset + min(length, FILE_PIECE_BYTES_MAX)]


def receive_file(guest: Guest) -> FutureFile:
    return FutureFile(guest.files)


def subscribe(_: Guest, future: FutureFile) -> Pollable:
    return FuturePollable(future.future)


def get(_: Guest, future: FutureFile) -> Some | None:
    return future.take()


FUNCTIONS: dict[str, HostFunction] = {
    "[constructor]outgoing-file": new_file,
    "[method]outgoing-file.write": write,
    "[method]outgoing-file.send": send,
    "[method]incoming-file.name": name,
    "[method]incoming-file.size": size,
    "[method]incoming-file.read": read,
    "receive-file": receive_file,
    "[method]future-file.subscribe": subscribe,
    "[method]future-file.get": get,
}
RESOURCES: dict[str, type] = {"outgoing-file": OutgoingFile, "incoming-file": IncomingFile, "future-file": FutureFile}
