"""`wasi:io/streams` and `wasi:io/error`: bytes in and out of a guest, without blocking anybody else.

A stream is a small non-blocking object (`InputStream`, `OutputStream`); the functions of the interface add waiting, limits and the
grant rule: `check-write` grants a number of bytes, a `write` beyond the grant is a fault of the guest and traps.
"""

import asyncio
from collections.abc import Awaitable

from pie.limits import WASI_BLOCKING_WRITE_BYTES_MAX, WASI_OUTPUT_BYTES_MAX, WASI_READ_BYTES_MAX
from pie.sandbox.interface import GuestFault, GuestTrap, Interface, suspends
from pie.wasi.poll import FuturePollable, Pollable, Wake, until_ready
from pie.wasi.sinks import Sink
from pie.wasi.version import versioned


class IoError:
    """The resource `error`: why the last operation on a stream failed. `code` is a `wasi:filesystem` error code, if it is one."""

    def __init__(self, message: str, code: str | None = None) -> None:
        self.message = message
        self.code = code


def closed() -> GuestFault:
    """To raise when nothing can be read or written any more."""
    return GuestFault(("closed", None))


def failed(message: str, code: str | None = None) -> GuestFault:
    """To raise when the operation failed."""
    return GuestFault(("last-operation-failed", IoError(message, code)))


class InputStream:
    """The source of a stream. The base class is an empty one."""

    def read(self, size_max: int) -> bytes:
        """Up to `size_max` bytes; empty if there are none yet. Raises `closed()` at the end and `failed()` on an error."""
        raise closed()

    def pollable(self) -> Pollable:
        """Ready when `read` would give bytes, the end, or an error."""
        return Pollable()


class BytesInput(InputStream):
    """Gives the bytes it was made with, then ends."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = 0

    def read(self, size_max: int) -> bytes:
        if self._offset >= len(self._data):
            raise closed()
        data = self._data[self._offset : self._offset + size_max]
        self._offset += len(data)
        return data


class OutputStream:
    """The target of a stream, with the grant that `check-write` gave. Writes take effect at once, so there is nothing to flush."""

    def __init__(self) -> None:
        self.granted_bytes = 0

    def room(self) -> int:
        """Bytes that may be written now; 0: wait. Raises `closed()` or `failed()`."""
        raise NotImplementedError

    def write(self, data: bytes) -> None:
        """Take all of the bytes, as many as `room` said at some time before. Raises `closed()` or `failed()`."""
        raise NotImplementedError

    def pollable(self) -> Pollable:
        """Ready when `room` would not say 0."""
        return Pollable()


class SinkOutput(OutputStream):
    """stdout or stderr of one process. Every handle that the guest asks for is this one object, so grants do not add up."""

    def __init__(self, sink: Sink) -> None:
        super().__init__()
        self._sink = sink
        self._roomy: asyncio.Future[None] | None = None

    def room(self) -> int:
        """All or nothing: the sink takes any write while it has room at all, so that no write is cut short."""
        return WASI_OUTPUT_BYTES_MAX if self._sink.room() > 0 else 0

    def write(self, data: bytes) -> None:
        self._sink.write(data)

    def pollable(self) -> Pollable:
        return _RoomPollable(self)

    def roomy(self) -> asyncio.Future[None]:
        """One future at a time, so that a guest that asks often piles nothing up at the sink."""
        if self._roomy is None or self._roomy.done():
            self._roomy = self._sink.roomy()
        return self._roomy


class _RoomPollable(Pollable):
    """Ready while a sink has room."""

    __slots__ = ("_inner", "_output")

    def __init__(self, output: SinkOutput) -> None:
        self._output = output
        self._inner: FuturePollable | None = None

    def ready(self) -> bool:
        return self._output.room() > 0

    def watch(self, wake: Wake) -> None:
        self.unwatch()
        self._inner = FuturePollable(self._output.roomy())
        self._inner.watch(wake)

    def unwatch(self) -> None:
        if self._inner is not None:
            self._inner.unwatch()
            self._inner = None


# --- wasi:io/error --------------------------------------------------------------------------------------------------


def to_debug_string(_: object, error: IoError) -> str:
    return error.message


# --- input-stream ---------------------------------------------------------------------------------------------------


def read(_: object, stream: InputStream, length: int) -> bytes:
    return stream.read(min(length, WASI_READ_BYTES_MAX))


@suspends
def blocking_read(_: object, stream: InputStream, length: int) -> bytes | Awaitable[bytes]:
    size_max = min(length, WASI_READ_BYTES_MAX)
    data = stream.read(size_max)
    return data if data or not size_max else _read_later(stream, size_max)


async def _read_later(stream: InputStream, size_max: int) -> bytes:
    while True:
        await _settled(stream.pollable())
        if data := stream.read(size_max):
            return data


def skip(state: object, stream: InputStream, length: int) -> int:
    return len(read(state, stream, length))


@suspends
def blocking_skip(state: object, stream: InputStream, length: int) -> int | Awaitable[int]:
    data = blocking_read(state, stream, length)
    return len(data) if isinstance(data, bytes) else _length(data)


async def _length(data: Awaitable[bytes]) -> int:
    return len(await data)


def subscribe_input(_: object, stream: InputStream) -> Pollable:
    return stream.pollable()


# --- output-stream --------------------------------------------------------------------------------------------------


def check_write(_: object, stream: OutputStream) -> int:
    stream.granted_bytes = stream.room()
    return stream.granted_bytes


def write(_: object, stream: OutputStream, contents: bytes) -> None:
    if len(contents) > stream.granted_bytes:
        raise GuestTrap(f"write of {len(contents)} bytes, but check-write granted {stream.granted_bytes}")
    stream.granted_bytes -= len(contents)
    stream.write(contents)


def write_zeroes(state: object, stream: OutputStream, length: int) -> None:
    # The grant is checked first: `length` may be anything, the zeroes are made in the host.
    write(state, stream, bytes(min(length, stream.granted_bytes + 1)))


@suspends
def blocking_write_and_flush(_: object, stream: OutputStream, contents: bytes) -> Awaitable[None] | None:
    if len(contents) > WASI_BLOCKING_WRITE_BYTES_MAX:
        raise GuestTrap(f"blocking write of {len(contents)} bytes; {WASI_BLOCKING_WRITE_BYTES_MAX} are allowed")
    if len(contents) <= stream.room():
        stream.write(contents)
        return None
    return _write_in_pieces(stream, contents)


async def _write_in_pieces(stream: OutputStream, contents: bytes) -> None:
    while contents:
        room = await _room(stream)
        stream.write(contents[:room])
        contents = contents[room:]


@suspends
def blocking_write_zeroes_and_flush(state: object, stream: OutputStream, length: int) -> Awaitable[None] | None:
    return blocking_write_and_flush(state, stream, bytes(min(length, WASI_BLOCKING_WRITE_BYTES_MAX + 1)))


def flush(_: object, stream: OutputStream) -> None:
    stream.room()  # tells of an error


def subscribe_output(_: object, stream: OutputStream) -> Pollable:
    return stream.pollable()


def splice(_: object, target: OutputStream, source: InputStream, length: int) -> int:
    return _move(target, source, min(length, target.room()))


@suspends
def blocking_splice(_: object, target: OutputStream, source: InputStream, length: int) -> int | Awaitable[int]:
    return _splice_later(target, source, length) if length else 0


async def _splice_later(target: OutputStream, source: InputStream, length: int) -> int:
    while True:
        room = await _room(target)
        await _settled(source.pollable())
        if moved := _move(target, source, min(length, room)):
            return moved


def _move(target: OutputStream, source: InputStream, size_max: int) -> int:
    data = source.read(min(size_max, WASI_READ_BYTES_MAX))
    target.write(data)
    return len(data)


async def _room(stream: OutputStream) -> int:
    while not (room := stream.room()):
        await _settled(stream.pollable())
    return room


async def _settled(pollable: Pollable) -> None:
    if not pollable.ready():
        await until_ready(pollable)


ERROR = Interface(
    name=versioned("wasi:io/error"),
    functions={"[method]error.to-debug-string": to_debug_string},
    resources={"error": IoError},
)

STREAMS = Interface(
    name=versioned("wasi:io/streams"),
    functions={
        "[method]input-stream.read": read,
        "[method]input-stream.blocking-read": blocking_read,
        "[method]input-stream.skip": skip,
        "[method]input-stream.blocking-skip": blocking_skip,
        "[method]input-stream.subscribe": subscribe_input,
        "[method]output-stream.check-write": check_write,
        "[method]output-stream.write": write,
        "[method]output-stream.blocking-write-and-flush": blocking_write_and_flush,
        "[method]output-stream.flush": flush,
        "[method]output-stream.blocking-flush": flush,
        "[method]output-stream.subscribe": subscribe_output,
        "[method]output-stream.write-zeroes": write_zeroes,
        "[method]output-stream.blocking-write-zeroes-and-flush": blocking_write_zeroes_and_flush,
        "[method]output-stream.splice": splice,
        "[method]output-stream.blocking-splice": blocking_splice,
    },
    resources={"input-stream": InputStream, "output-stream": OutputStream, "error": IoError, "pollable": Pollable},
)
