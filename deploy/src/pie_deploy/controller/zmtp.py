"""ZeroMQ's protocol as a ROUTER speaks it to a DEALER: bytes in, messages out. No I/O.

libzmq itself cannot be told how many parts a message may have, nor how many connections there may be, so a container could fill the
memory of the control plane. Here a message is one frame of bounded size, and nothing else is understood: ZMTP 3 with the mechanism
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


def frame(body: bytes, flags: int = 0) -> bytes:
    if len(body) <= _SHORT_MAX:
        return bytes((flags, len(body))) + body
    return bytes((flags | _LONG,)) + len(body).to_bytes(8, "big") + body


def opening() -> bytes:
    """What is said first: greeting, and that we are a ROUTER."""
    kind, value = b"Socket-Type", b"ROUTER"
    ready = _READY + bytes((len(kind),)) + kind + len(value).to_bytes(4, "big") + value
    return _GREETING + frame(ready, _COMMAND)


class Receiver:
    """One peer's side of a connection."""

    def __init__(self, message_bytes_max: int) -> None:
        self.message_bytes_max = message_bytes_max
        self._buffer = bytearray()
        self._is_greeted = False
        self._is_ready = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The messages that are complete. Raises ZmtpError; holds at most one message's bytes beside what was fed."""
        self._buffer += data
        if not self._is_greeted and not self._greet():
            return
        while (found := self._next_frame()) is not None:
            flags, body = found
            if flags & _COMMAND:
                self._command(body)
            elif not self._is_ready or flags & _MORE:
                raise ZmtpError("a message before READY, or one of several parts")
            else:
                yield body

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
        if flags > _MORE | _LONG | _COMMAND or size > self.message_bytes_max:
            raise ZmtpError("a frame that is none, or too large")
        if len(buffer) < head + size:
            return None
        body = bytes(buffer[head : head + size])
        del buffer[: head + size]
        return flags, body

    def _command(self, body: bytes) -> None:
        if not self._is_ready and body.startswith(_READY):
            self._is_ready = True
        else:
            raise ZmtpError("a command that is not READY")
