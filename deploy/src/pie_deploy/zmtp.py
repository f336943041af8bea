"""ZeroMQ's protocol as the platform speaks it to containers: bytes in, messages out. No I/O.

libzmq itself cannot be told how many parts a message may have, nor how many connections there may be, so a container could fill the
memory of the platform. Here a message has few parts and bounded size, and nothing else is understood: ZMTP 3 with the mechanism
NULL (rfc.zeromq.org/spec/23).

    greeting   ff 8×any 7f | major minor | mechanism, 20 bytes | as-server | 31 zeros
    frame      flags: 1 more, 2 long, 4 command | size, 1 byte or 8 | body
"""

from collections.abc import Iterator

GREETING_BYTES = 64
_MECHANISM = slice(12, 32)
_GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)

_MORE, _LONG, _COMMAND = 1, 2, 4
_READY = b"\x05READY"
_SHORT_MAX = 255
_HEAD_BYTES_MAX = 9


class ZmtpError(ValueError):
    """The peer does not keep to the protocol, or to the bounds."""


def opening(socket_type: bytes, identity: bytes = b"") -> bytes:
    """What is said first: greeting, and what we are. A ROUTER at the other end knows us by the identity."""
    ready = _READY + _property(b"Socket-Type", socket_type)
    if identity:
        ready += _property(b"Identity", identity)
    return _GREETING + _frame_head(len(ready), _COMMAND) + ready


def message(*parts: bytes) -> bytes:
    """One message of one part or more."""
    *others, last = parts
    return b"".join([*(_frame_head(len(part), _MORE) + part for part in others), _frame_head(len(last)), last])


def _frame_head(size: int, flags: int = 0) -> bytes:
    if size <= _SHORT_MAX:
        return bytes((flags, size))
    return bytes((flags | _LONG,)) + size.to_bytes(8, "big")


def _property(name: bytes, value: bytes) -> bytes:
    return bytes((len(name),)) + name + len(value).to_bytes(4, "big") + value


class Receiver:
    """What one peer says on a connection."""

    def __init__(self, message_bytes_max: int, parts_max: int = 1) -> None:
        """The bytes are those of all parts of a message together."""
        self.message_bytes_max = message_bytes_max
        self.is_ready = False
        """Whether the peer has said READY: then messages may come."""
        self._parts_max = parts_max
        self._parts: list[bytes] = []
        self._parts_bytes = 0
        self._buffer = bytearray()
        self._is_greeted = False

    def feed(self, data: bytes) -> Iterator[list[bytes]]:
        """The messages that are complete. Raises ZmtpError; holds at most one message's bytes beside what was fed."""
        self._buffer += data
        if not self._is_greeted and not self._greet():
            return
        while (found := self._next_frame()) is not None:
            flags, body = found
            if flags & _COMMAND:
                self._command(body)
                continue
            if not self.is_ready:
                raise ZmtpError("a message before READY")
            self._parts.append(body)
            if flags & _MORE:
                self._expect_more(len(body))
            else:
                parts, self._parts, self._parts_bytes = self._parts, [], 0
                yield parts

    def _expect_more(self, size_bytes: int) -> None:
        self._parts_bytes += size_bytes
        if len(self._parts) >= self._parts_max:
            raise ZmtpError("a message of too many parts")

    def _greet(self) -> bool:
        if len(self._buffer) < GREETING_BYTES:
            return False
        greeting = bytes(self._buffer[:GREETING_BYTES])
        if greeting[0] != 0xFF or greeting[9] != 0x7F or greeting[10] != 3 or greeting[_MECHANISM].rstrip(b"\0") != b"NULL":
            raise ZmtpError("not the greeting of ZMTP 3 without security")
        del self._buffer[:GREETING_BYTES]
        self._is_greeted = True
        return True

    def _next_frame(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        flags = buffer[0]
        head = _HEAD_BYTES_MAX if flags & _LONG else 2
        if len(buffer) < head:
            return None
        size = int.from_bytes(buffer[1:head], "big")
        if flags > _MORE | _LONG | _COMMAND or size > self.message_bytes_max - self._parts_bytes:
            raise ZmtpError("a frame that is none, or too large")
        if len(buffer) < head + size:
            return None
        with memoryview(buffer) as view:
            body = bytes(view[head : head + size])
        del buffer[: head + size]
        return flags, body

    def _command(self, body: bytes) -> None:
        if not self.is_ready and body.startswith(_READY):
            self.is_ready = True
        else:
            raise ZmtpError("a command that is not READY")
