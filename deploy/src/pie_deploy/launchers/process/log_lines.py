"""A container's log as lines of text: what a stream brings, with time, stream and incarnation before each line. Pure.

    1763744000123456789 o 1 hello
    ^ns since 1970      ^ ^incarnation
                        o stdout, e stderr, p the platform

The text is what the program wrote, byte for byte; nothing in it can look like the head of another line, for each line gets a head.
"""

from typing import Final, Literal

from pie_deploy.limits import LOG_LINE_BYTES_MAX
from pie_deploy.ports.launcher import LogLine

Stream = Literal["stdout", "stderr", "platform"]

_LETTERS: Final[dict[Stream, bytes]] = {"stdout": b"o", "stderr": b"e", "platform": b"p"}
_STREAMS: Final[dict[bytes, Stream]] = {letter: stream for stream, letter in _LETTERS.items()}


def platform_line(at_ns: int, incarnation: int, text: str) -> bytes:
    return _head(at_ns, "platform", incarnation) + text.replace("\n", " ").encode(errors="replace") + b"\n"


def _head(at_ns: int, stream: Stream, incarnation: int) -> bytes:
    return b"%d %s %d " % (at_ns, _LETTERS[stream], incarnation)


class LineStamper:
    """Bytes of one stream in, stamped lines out. All lines that come at once have the same time: it costs one `replace`."""

    def __init__(self, stream: Stream, incarnation: int) -> None:
        self._stream: Stream = stream
        self._incarnation = incarnation
        self._rest = bytearray()

    def feed(self, data: bytes, at_ns: int) -> bytes:
        """What is complete now. A line that gets too long is cut."""
        cut = data.rfind(b"\n")
        if cut < 0:
            self._rest += data
            return self.flush(at_ns) if len(self._rest) >= LOG_LINE_BYTES_MAX else b""
        lines = bytes(self._rest) + data[:cut]
        self._rest = bytearray(data[cut + 1 :])
        return self._stamp(lines, at_ns)

    def flush(self, at_ns: int) -> bytes:
        """What waits for its end of line, which will not come."""
        if not self._rest:
            return b""
        lines = bytes(self._rest)
        self._rest = bytearray()
        return self._stamp(lines, at_ns)

    def _stamp(self, lines: bytes, at_ns: int) -> bytes:
        head = _head(at_ns, self._stream, self._incarnation)
        return head + lines.replace(b"\n", b"\n" + head) + b"\n"


def parse_line(line: bytes) -> LogLine | None:
    """None for a line that was torn: the disk was full, or the supervisor killed, in the middle of it."""
    parts = line.split(b" ", 3)
    if len(parts) < 4 or not parts[0].isdigit() or parts[1] not in _STREAMS or not parts[2].isdigit():
        return None
    return LogLine(
        at_ns=int(parts[0]),
        stream=_STREAMS[parts[1]],
        incarnation=int(parts[2]),
        text=parts[3].decode(errors="replace").removesuffix("\r"),
    )
