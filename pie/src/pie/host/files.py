"""Files between a process and its client: bounded in number and size, whoever of the two is slow or greedy."""

import asyncio
from collections import deque
from dataclasses import dataclass

from pie.limits import FILE_NAME_CHARACTERS_MAX, INBOX_FILES_MAX

DEFAULT_BYTES_MAX = 256 << 20


@dataclass(frozen=True, slots=True, eq=False)
class File:
    name: str
    """May be empty."""
    data: bytes


class Allowance:
    """Bytes that may be held at a time."""

    def __init__(self, bytes_max: int = DEFAULT_BYTES_MAX) -> None:
        self.bytes_max = bytes_max
        self._bytes = 0

    def take(self, count: int) -> bool:
        """Whether so many more may be held; they are from now on."""
        if self._bytes + count > self.bytes_max:
            return False
        self._bytes += count
        return True

    def give_back(self, count: int) -> None:
        self._bytes -= count


class FileInbox:
    """Files from the client, first in first out. A file counts against the bounds until the process has let go of it."""

    def __init__(self, bytes_max: int = DEFAULT_BYTES_MAX) -> None:
        """`bytes_max`: of all files together, so also of each."""
        self._allowance = Allowance(bytes_max)
        self._count = 0
        self._files: deque[File] = deque()
        self._receivers: deque[asyncio.Future[File | None]] = deque()
        self._closed = False

    def put(self, data: bytes, name: str = "") -> bool:
        """Whether the file was taken: not if it is too large, or its name too long, or the process holds too many."""
        if self._closed or self._count >= INBOX_FILES_MAX or len(name) > FILE_NAME_CHARACTERS_MAX:
            return False
        if not self._allowance.take(len(data)):
            return False
        self._count += 1
        file = File(name, data)
        if not self._hand_over(file):
            self._files.append(file)
        return True

    def receive(self) -> "asyncio.Future[File | None]":
        """The next file; None once the client has closed its side and everything was received. The receiver says `let_go` when it
        needs the file no longer, or `give_back` if it did not look at it."""
        receiver: asyncio.Future[File | None] = asyncio.get_running_loop().create_future()
        if self._files:
            receiver.set_result(self._files.popleft())
        elif self._closed:
            receiver.set_result(None)
        else:
            self._receivers.append(receiver)
        return receiver

    def let_go(self, file: File) -> None:
        """The file is needed no longer."""
        self._count -= 1
        self._allowance.give_back(len(file.data))

    def give_back(self, file: File) -> None:
        """The next one that is received."""
        if not self._hand_over(file):
            self._files.appendleft(file)

    def close(self) -> None:
        """No file will follow."""
        self._closed = True
        while self._receivers:
            receiver = self._receivers.popleft()
            if not receiver.done():
                receiver.set_result(None)

    def _hand_over(self, file: File) -> bool:
        """Whether somebody was waiting for it."""
        while self._receivers:
            receiver = self._receivers.popleft()
            if not receiver.done():
                receiver.set_result(file)
                return True
        return False
