"""Edge frames: what goes in comes out, and strangers' bytes are refused."""

import contextlib
import struct
from typing import Annotated, Any

import hypothesis.extra.numpy as hypothesis_numpy
import msgspec
import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie_flow import envelope
from pie_flow.envelope import Batch, End, EnvelopeError, Failure, Grant, Open, Packer, Unpacker
from pie_flow.variants import NOTHING, Variant, just

INT64 = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]


def round_trip(values: list[Any], *, is_marked: bool = False, kind: Any = Any, correlations: list[int] | None = None) -> Batch:
    packed = Packer(is_marked=is_marked).pack(correlations or [0] * len(values), values, {})
    frame, *arrays = envelope.frames(packed, 7, 100)
    batch = Unpacker(kind).unpack(bytes(frame), arrays)
    assert isinstance(batch, Batch)
    return batch


plain = st.recursive(
    st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.from_regex("[a-z]{1,3}", fullmatch=True), inner, max_size=4),
    max_leaves=6,
)
marked = st.recursive(
    plain | st.just(NOTHING),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.lists(inner, max_size=3)
        | inner.map(just)
        | st.builds(Variant, st.sampled_from(["Just", "[Int64]", "Red"]), inner)
    ),
    max_leaves=6,
)


@given(st.lists(plain, max_size=4))
def test_plain_values_come_back_as_they_were(values: list[Any]) -> None:
    assert round_trip(values).values == values


@given(st.lists(marked, max_size=4))
def test_tuples_and_variants_come_back_where_they_are_marked(values: list[Any]) -> None:
    batch = round_trip(values, is_marked=True)
    assert batch.values == values
    assert repr(batch.values) == repr(values)


@given(st.lists(st.integers(0, (1 << 64) - 1), max_size=8))
def test_correlation_ids_stay_with_their_values(ids: list[int]) -> None:
    batch = round_trip(list(range(len(ids))), correlations=ids)
    assert list(zip(batch.correlations, batch.values, strict=True)) == [(id_, index) for index, id_ in enumerate(ids)]


@given(
    hypothesis_numpy.arrays(
        dtype=hypothesis_numpy.integer_dtypes() | hypothesis_numpy.floating_dtypes(sizes=(16, 32, 64)) | st.just(numpy.dtype("?")),
        shape=hypothesis_numpy.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6),
    )
)
def test_small_arrays_come_back_bit_by_bit(array: numpy.ndarray[Any, Any]) -> None:
    (back,) = round_trip([array]).values
    assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_a_large_array_is_a_frame_of_its_own_over_the_same_memory() -> None:
    array = numpy.arange(100_000, dtype=numpy.float32).reshape(100, 1000)
    packed = Packer(is_marked=False).pack([0], [{"frame": array}], {})
    assert [numpy.shares_memory(numpy.frombuffer(frame, numpy.uint8), array) for frame in packed.arrays] == [True]
    batch = round_trip([{"frame": array}])
    assert numpy.array_equal(batch.values[0]["frame"], array)


def test_an_array_that_is_on_its_way_cannot_be_written_to() -> None:
    array = numpy.zeros(100_000)
    Packer(is_marked=False).pack([0], [array], {})
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


def test_an_array_that_is_not_contiguous_comes_back_in_order() -> None:
    array = numpy.arange(60_000).reshape(200, 300).T
    assert numpy.array_equal(round_trip([array]).values[0], array)


def test_an_array_of_objects_does_not_travel() -> None:
    with pytest.raises(TypeError, match="object"):
        Packer(is_marked=False).pack([0], [numpy.array([object()])], {})


def test_a_failure_takes_the_place_of_its_value() -> None:
    failure = Failure("count", "ValueError: no")
    packed = Packer(is_marked=False).pack([1, 2], [5, None], {1: failure})
    (frame,) = envelope.frames(packed, 7, 0)
    batch = Unpacker(INT64).unpack(bytes(frame))
    assert isinstance(batch, Batch)
    assert batch.values == [5, failure]


def test_a_value_of_another_type_is_refused() -> None:
    with pytest.raises(EnvelopeError):
        round_trip(["text"], kind=INT64)


def test_open_end_and_grant_come_back_as_they_were() -> None:
    grant = Grant(1, 2, 3, 4, 5, 6)
    assert Unpacker().unpack(envelope.encode_open(9)) == Open(9)
    assert Unpacker().unpack(envelope.encode_end(9)) == End(9)
    assert envelope.decode_grant(envelope.encode_grant(grant)) == grant


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_or_are_a_message(data: bytes) -> None:
    for read in (Unpacker().unpack, envelope.decode_grant):
        with contextlib.suppress(EnvelopeError):
            assert isinstance(read(data), Open | Batch | Grant)


@given(st.data(), st.booleans())
def test_a_batch_with_changed_bytes_is_refused_or_is_a_message(data: st.DataObject, is_marked: bool) -> None:
    values = data.draw(st.lists(marked if is_marked else plain, min_size=1, max_size=4))
    packed = Packer(is_marked=is_marked).pack([1] * len(values), values, {})
    frame = bytearray(envelope.frames(packed, 7, 0)[0])
    for index in data.draw(st.lists(st.integers(0, len(frame) - 1), min_size=1, max_size=4)):
        frame[index] = data.draw(st.integers(0, 255))
    with contextlib.suppress(EnvelopeError):
        assert isinstance(Unpacker().unpack(bytes(frame)), Open | Batch)


def array_frame(name: bytes, shape: tuple[int, ...], index: int = 0) -> bytes:
    head = struct.pack("<IB", index, len(shape)) + bytes((len(name),)) + struct.pack(f"<{len(shape)}Q", *shape) + name
    body = msgspec.msgpack.encode(((), [msgspec.msgpack.Ext(envelope.ARRAY_CODE, head)], {}))
    return struct.pack("<BBHIQQ", 3, 0, 0, 1, 7, 0) + body


@pytest.mark.parametrize(
    ("name", "shape", "index"),
    [
        pytest.param(b"|O8", (8,), 0, id="objects"),
        pytest.param(b"<i8", (1 << 62, 1 << 62), 0, id="huge"),
        pytest.param(b"<i8", (9,), 0, id="too-short"),
        pytest.param(b"<i8", (8,), 1, id="missing-frame"),
        pytest.param(b"|V64", (1,), 0, id="raw"),
        pytest.param(b"<i\xff", (8,), 0, id="no-dtype"),
        pytest.param(b"<i8", (1,) * 40, 0, id="many-dimensions"),
    ],
)
def test_an_array_that_lies_is_refused(name: bytes, shape: tuple[int, ...], index: int) -> None:
    with pytest.raises(EnvelopeError):
        Unpacker().unpack(array_frame(name, shape, index), [bytes(64)])


def test_an_array_that_does_not_lie_is_taken() -> None:
    batch = Unpacker().unpack(array_frame(b"<i8", (2, 4)), [bytes(64)])
    assert isinstance(batch, Batch)
    assert batch.values[0].shape == (2, 4)


def test_a_batch_that_nests_without_measure_is_refused() -> None:
    body = b"\x93\x90\x91" + b"\x91" * 5000 + b"\xc0\x80"
    with pytest.raises(EnvelopeError):
        Unpacker().unpack(struct.pack("<BBHIQQ", 3, 0, 0, 1, 7, 0) + body)
