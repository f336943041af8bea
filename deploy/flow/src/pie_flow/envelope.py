"""Edge frames: what the two ends of an edge say to each other. Pure.

A producer connects to a consumer. Both make a random *session* number when they start, so that each notices when the other is a
new process:

    producer → consumer    Open(session)                      at the start, and whenever no Grant comes that is wanted
    consumer → producer    Grant(sessions, taken, window)     what it has taken so far, and how much may be under way
    producer → consumer    Batch(session, sequence, …)        messages in order, as far as the grant goes
    producer → consumer    End(session)                       after the last one, when it ends as it should

All counts are totals since the `Open`, so a lost `Grant` does no harm: the next one says the same and more. A batch carries the
session of the consumer that granted it. A consumer that starts anew grants under a new session; what was under way to the old one
is lost, and the producer knows how much that was.

A batch is one frame, header and msgpack, and a further frame for each large array: `[correlations, values, failures]`. Values are
msgpack as they are; where a type holds unions, or tuples beside arrays, tuples and variants are *marked* so that they come back
as such. Arrays are an extension: small ones hold their bytes, large ones the number of the frame that does.
"""

import math
import struct
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from pie_flow.limits import ARRAY_DIMENSIONS_MAX

_HEADER = struct.Struct("<BBHIQQ")
_GRANT = struct.Struct("<B7x6Q")
_ARRAY = struct.Struct("<IB")
_OPEN, _GRANTED, _BATCH, _END = 1, 2, 3, 4
_MARKED = 1

ARRAY_CODE = 1
"""Extension code of arrays."""
INLINE_BYTES_MAX = 16 << 10
"""Of an array inside the msgpack: below, a frame of its own costs more than a copy."""
_INLINE = 0xFFFFFFFF
_DTYPE_KINDS = "?bBhHiIlLqQefdgFDG"
_VARIANT, _TUPLE = "", "("
"""Keys of marks: no record has a field of these names."""

Buffer = bytes | bytearray | memoryview


class EnvelopeError(ValueError):
    """Frames that are none of ours."""


class Failure(NamedTuple):
    """Takes the place of a value whose way through the graph ended in a component that raised."""

    vertex: str
    message: str


class Open(NamedTuple):
    session: int


class End(NamedTuple):
    session: int
    """Of the producer."""


class Grant(NamedTuple):
    consumer: int
    """Session of who grants."""
    producer: int
    """Session of the producer that it means; 0: it knows none yet."""
    messages: int
    """Taken so far."""
    size_bytes: int
    """Taken so far."""
    window_messages: int
    """May be under way and queued at the consumer."""
    window_bytes: int


class Batch(NamedTuple):
    session: int
    """Of the consumer."""
    sequence: int
    """How many messages the producer has sent to this session before."""
    correlations: list[int]
    values: list[Any]
    """A `Failure` where a value failed."""
    size_bytes: int


class Packed(NamedTuple):
    """Messages ready to be sent, to as many consumers as there are."""

    count: int  # type: ignore[assignment]  # a tuple's own `count` is used by nobody
    is_marked: bool
    body: bytes
    arrays: tuple[memoryview, ...]
    size_bytes: int
    correlations: tuple[int, ...]


# --- producer to consumer ----------------------------------------------------------------------------------------------


def encode_open(session: int) -> bytes:
    return _HEADER.pack(_OPEN, 0, 0, 0, session, 0)


def encode_end(session: int) -> bytes:
    return _HEADER.pack(_END, 0, 0, 0, session, 0)


class Packer:
    """Makes batches of values of one type."""

    def __init__(self, *, is_marked: bool) -> None:
        """`is_marked` as `pie_flow.envelope.needs_marks` says of the type."""
        self._is_marked = is_marked
        self._arrays: list[memoryview] = []
        self._encode = msgspec.msgpack.Encoder(enc_hook=self._foreign).encode

    def pack(self, correlations: Sequence[int], values: Sequence[Any], failures: Mapping[int, Failure]) -> Packed:
        """Raises TypeError and ValueError for a value that cannot be sent; `failures` by index, where the value is None."""
        self._arrays = []
        sent = [marked(value) for value in values] if self._is_marked else values
        ids = correlations if any(correlations) else ()
        try:
            body = self._encode((ids, sent, failures))
        except (OverflowError, RecursionError) as error:
            raise ValueError(str(error)) from error
        arrays = tuple(self._arrays)
        size_bytes = len(body) + sum(array.nbytes for array in arrays)
        return Packed(len(values), self._is_marked, body, arrays, size_bytes, tuple(ids))

    def _foreign(self, value: Any) -> Any:
        numpy = sys.modules.get("numpy")
        if numpy is not None:
            if isinstance(value, numpy.ndarray):
                return self._array(numpy, value)
            if isinstance(value, numpy.generic):
                return value.item()
        raise TypeError(f"a {type(value).__name__} cannot travel along an edge")

    def _array(self, numpy: Any, array: Any) -> msgspec.msgpack.Ext:
        if array.dtype.char not in _DTYPE_KINDS or array.ndim > ARRAY_DIMENSIONS_MAX:
            raise TypeError(f"an array of {array.dtype} with {array.ndim} dimensions cannot travel along an edge")
        array = numpy.ascontiguousarray(array) if array.ndim else array
        shape = struct.pack(f"<{array.ndim}Q", *array.shape) + array.dtype.str.encode()
        if array.nbytes <= INLINE_BYTES_MAX:
            head = _ARRAY.pack(_INLINE, array.ndim) + bytes((len(array.dtype.str),))
            return msgspec.msgpack.Ext(ARRAY_CODE, head + shape + array.tobytes())
        # The frame is read by the transport after we return: writing into the array from here on would change what is sent.
        array.flags.writeable = False
        self._arrays.append(memoryview(array.reshape(-1).view(numpy.uint8)))
        head = _ARRAY.pack(len(self._arrays) - 1, array.ndim) + bytes((len(array.dtype.str),))
        return msgspec.msgpack.Ext(ARRAY_CODE, head + shape)


def frames(packed: Packed, session: int, sequence: int) -> list[Buffer]:
    """A batch as it is sent to one consumer."""
    header = _HEADER.pack(_BATCH, packed.is_marked, 0, packed.count, session, sequence)
    return [header + packed.body, *packed.arrays]


class Unpacker:
    """Reads what a producer sends. With `kind`, a type as msgspec knows it, values are checked while they are decoded."""

    def __init__(self, kind: Any = Any) -> None:
        self._arrays: Sequence[Buffer] = ()
        values: Any = list.__class_getitem__(Any if kind is Any else kind | None)
        checked = tuple[list[int], values, dict[int, tuple[str, str]]]
        plain = tuple[list[int], list[Any], dict[int, tuple[str, str]]]
        self._decode = msgspec.msgpack.Decoder(checked, ext_hook=self._extension).decode
        self._decode_any = msgspec.msgpack.Decoder(plain, ext_hook=self._extension).decode

    def unpack(self, frame: bytes, arrays: Sequence[Buffer] = ()) -> Open | Batch | End:
        """Raises EnvelopeError. `arrays`: the further frames."""
        try:
            kind, flags, _, count, session, sequence = _HEADER.unpack_from(frame)
        except struct.error as error:
            raise EnvelopeError(f"a frame of {len(frame)} bytes has no header") from error
        if kind == _OPEN:
            return Open(session)
        if kind == _END:
            return End(session)
        if kind != _BATCH:
            raise EnvelopeError(f"a frame of kind {kind}")
        correlations, values = self._messages(memoryview(frame)[_HEADER.size :], arrays, bool(flags & _MARKED))
        if len(values) != count or len(correlations) != count:
            raise EnvelopeError("a batch has another number of messages than it says")
        size_bytes = len(frame) - _HEADER.size + sum(len(array) for array in arrays)
        return Batch(session, sequence, correlations, values, size_bytes)

    def _messages(self, body: memoryview, arrays: Sequence[Buffer], is_marked: bool) -> tuple[list[int], list[Any]]:
        self._arrays = arrays
        try:
            correlations, values, failures = (self._decode_any if is_marked else self._decode)(body)
            if is_marked:
                values = [unmarked(value) for value in values]
        except (TypeError, ValueError, RecursionError, struct.error) as error:
            raise EnvelopeError(str(error)) from error
        finally:
            self._arrays = ()
        for index, (vertex, message) in failures.items():
            if not 0 <= index < len(values):
                raise EnvelopeError("a failure of a message that is not in the batch")
            values[index] = Failure(vertex, message)
        return correlations or [0] * len(values), values

    def _extension(self, code: int, data: memoryview) -> Any:
        if code != ARRAY_CODE:
            raise EnvelopeError(f"extension {code}")
        return _read_array(data, self._arrays)


def _read_array(data: memoryview, arrays: Sequence[Buffer]) -> Any:
    import numpy  # only containers with arrays pay for it

    index, dimensions = _ARRAY.unpack_from(data)
    if dimensions > ARRAY_DIMENSIONS_MAX:
        raise EnvelopeError("an array with too many dimensions")
    name_length, offset = data[_ARRAY.size], _ARRAY.size + 1
    shape = struct.unpack_from(f"<{dimensions}Q", data, offset)
    offset += 8 * dimensions
    dtype = _dtype(numpy, bytes(data[offset : offset + name_length]))
    offset += name_length
    is_inline = index == _INLINE
    if not is_inline and index >= len(arrays):
        raise EnvelopeError("an array whose frame is missing")
    content = data[offset:] if is_inline else arrays[index]
    if math.prod(shape) * dtype.itemsize != len(content):
        raise EnvelopeError("an array that is not as large as its shape says")
    array = numpy.frombuffer(content, dtype=dtype).reshape(shape)
    return array.copy() if is_inline else array


def _dtype(numpy: Any, name: bytes) -> Any:
    """Only plain numbers: an array of objects would be pointers that a stranger has chosen."""
    if len(name) not in (3, 4) or name[1:2] not in (b"b", b"i", b"u", b"f", b"c"):
        raise EnvelopeError("an array of no known kind")
    return numpy.dtype(name.decode("ascii"))


# --- consumer to producer ----------------------------------------------------------------------------------------------


def encode_grant(grant: Grant) -> bytes:
    return _GRANT.pack(_GRANTED, *grant)


def decode_grant(frame: bytes) -> Grant:
    """Raises EnvelopeError."""
    if len(frame) != _GRANT.size or frame[0] != _GRANTED:
        raise EnvelopeError("a frame that is no grant")
    return Grant(*_GRANT.unpack(frame)[1:])


# --- tuples and variants -----------------------------------------------------------------------------------------------


def marked(value: Any) -> Any:
    """A value whose tuples and variants msgpack keeps apart from lists and records. Raises RecursionError for one that nests
    without measure."""
    kind = type(value)
    if kind is list:
        return [marked(item) for item in value]
    if kind is dict:
        return {key: marked(item) for key, item in value.items()}
    if kind is tuple:
        return {_TUPLE: [marked(item) for item in value]}
    if kind.__name__ == "Variant":
        return {_VARIANT: [value.tag, marked(value.value)]}
    return value


def unmarked(value: Any) -> Any:
    """The inverse of `marked`. Raises EnvelopeError."""
    kind = type(value)
    if kind is list:
        return [unmarked(item) for item in value]
    if kind is dict:
        return _unmarked_map(value)
    return value


def _unmarked_map(value: dict[Any, Any]) -> Any:
    if _TUPLE in value:
        items = value[_TUPLE]
        if type(items) is not list:
            raise EnvelopeError("a tuple that is none")
        return tuple([unmarked(item) for item in items])
    if _VARIANT in value:
        return _variant(value[_VARIANT])
    return {key: unmarked(item) for key, item in value.items()}


def _variant(parts: Any) -> Any:
    from pie_flow.variants import Variant  # few components need it

    if type(parts) is not list or len(parts) != 2 or type(parts[0]) is not str:
        raise EnvelopeError("a variant that is none")
    return Variant(parts[0], unmarked(parts[1]))
