"""Files that the client sends to a process, in order, bounded by number and size."""

import asyncio
from collections import deque
from dataclasses import dataclass

from pie.limits import INBOX_FILES_MAX

DEFAULT_BYTES_MAX = 256 << 20


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    name: str
    """May be empty."""
    data: bytes


class FileInbox:
    """First in, first out. A file waits until the process asks for it; receivers are served in the order they asked."""

    def __init__(self, bytes_max: int = DEFAULT_BYTES_MAX) -> None:
        """`bytes_max`: of all files that wait together, so also of each."""
        self._bytes_max = bytes_max
        self._bytes = 0
        self._files: deque[ReceivedFile] = deque()
        self._receivers: deque[asyncio.Future[ReceivedFile | None]] = deque()
        self._closed = False

    def put(self, data: bytes, name: str = "") -> bool:
        """Whether the file was taken. One that is too large, or that finds too many unread ones, is not."""
        if len(data) > self._bytes_max:
            return False
        file = ReceivedFile(name, data)
        if self._hand_over(file):
            return True
        if self._closed or len(self._files) >= INBOX_FILES_MAX or self._bytes + len(data) > self._bytes_max:
            return False
        self._files.append(file)
        self._bytes += len(data)
        return True

    def receive(self) -> "asyncio.Future[ReceivedFile | None]":
        """The next file; None once the client has closed its side and everything was received."""
        receiver: asyncio.Future[ReceivedFile | None] = asyncio.get_running_loop().create_future()
        if self._files:
            file = self._files.popleft()
            self._bytes -= len(file.data)
            receiver.set_result(file)
        elif self._closed:
            receiver.set_result(None)
        else:
            self._receivers.append(receiver)
        return receiver

    def give_back(self, file: ReceivedFile) -> None:
        """A file that was received and not looked at: the next one that is received."""
        if not self._hand_over(file):
            self._files.appendleft(file)
            self._bytes += len(file.data)

    def close(self) -> None:
        """No file will follow."""
        self._closed = True
        while self._receivers:
            receiver = self._receivers.popleft()
            if not receiver.done():
                receiver.set_result(None)

    def _hand_over(self, file: ReceivedFile) -> bool:
        """Whether somebody was waiting for it."""
        while self._receivers:
            receiver = self._receivers.popleft()
            if not receiver.done():
                receiver.set_result(file)
                return True
        return False
