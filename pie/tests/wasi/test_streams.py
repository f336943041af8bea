import asyncio

import pytest

from pie.limits import WASI_BLOCKING_WRITE_BYTES_MAX, WASI_OUTPUT_BYTES_MAX, WASI_READ_BYTES_MAX
from pie.sandbox.interface import GuestFault, GuestTrap
from pie.wasi import streams
from pie.wasi.poll import poll
from pie.wasi.sinks import CaptureSink
from pie.wasi.streams import BytesInput, InputStream, OutputStream, SinkOutput
from wasi.fakes import FullSink, Switch

U64_MAX = (1 << 64) - 1


class NarrowOutput(OutputStream):
    """Takes four bytes at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.written = []

    def room(self):
        return 4

    def write(self, data):
        self.written.append(data)


class LateInput(InputStream):
    """Has nothing until `arrive`."""

    def __init__(self) -> None:
        self.switch = Switch()
        self.data = b""

    def read(self, size_max):
        data, self.data = self.data[:size_max], self.data[size_max:]
        return data

    def pollable(self):
        return self.switch

    def arrive(self, data):
        self.data = data
        self.switch.turn_on()


def is_closed(caught):
    return caught.value.payload == ("closed", None)


def test_reading_takes_up_to_the_length():
    source = BytesInput(b"abcdef")
    assert streams.read(None, source, 4) == b"abcd"
    assert streams.blocking_read(None, source, U64_MAX) == b"ef"


def test_the_end_of_input_is_closed():
    with pytest.raises(GuestFault) as caught:
        streams.read(None, InputStream(), 1)
    assert is_closed(caught)


def test_one_read_is_bounded_whatever_is_asked_for():
    source = BytesInput(bytes(WASI_READ_BYTES_MAX + 5))
    assert len(streams.read(None, source, U64_MAX)) == WASI_READ_BYTES_MAX


def test_skipping_counts_what_it_left_out():
    source = BytesInput(b"abcdef")
    assert streams.skip(None, source, 2) == 2
    assert streams.blocking_skip(None, source, 100) == 4


async def test_a_blocking_read_waits_for_bytes():
    source = LateInput()
    reading = asyncio.ensure_future(streams.blocking_read(None, source, 10))
    await asyncio.sleep(0)
    assert not reading.done()
    source.arrive(b"late")
    assert await reading == b"late"


async def test_a_blocking_skip_waits_for_bytes():
    source = LateInput()
    skipping = asyncio.ensure_future(streams.blocking_skip(None, source, 10))
    await asyncio.sleep(0)
    source.arrive(b"late")
    assert await skipping == 4


def test_a_blocking_read_of_nothing_does_not_wait():
    assert streams.blocking_read(None, LateInput(), 0) == b""


def test_a_granted_write_reaches_the_sink():
    sink = CaptureSink()
    output = SinkOutput(sink)
    assert streams.check_write(None, output) == WASI_OUTPUT_BYTES_MAX
    streams.write(None, output, b"hello")
    streams.flush(None, output)
    assert sink.data == b"hello"


def test_a_write_without_a_grant_traps():
    with pytest.raises(GuestTrap, match="granted 0"):
        streams.write(None, SinkOutput(CaptureSink()), b"x")


def test_grants_do_not_add_up():
    output = SinkOutput(FullSink(10))
    streams.check_write(None, output)
    streams.check_write(None, output)
    streams.write(None, output, bytes(WASI_OUTPUT_BYTES_MAX))
    with pytest.raises(GuestTrap):
        streams.write(None, output, b"x")


def test_a_sink_with_any_room_takes_a_write_whole():
    sink = FullSink(1)
    output = SinkOutput(sink)
    assert streams.check_write(None, output) == WASI_OUTPUT_BYTES_MAX
    streams.write(None, output, b"more than one")
    assert sink.held == b"more than one"
    assert streams.check_write(None, output) == 0


async def test_a_full_sink_makes_the_writer_wait():
    sink = FullSink(4)
    output = SinkOutput(sink)
    streams.blocking_write_and_flush(None, output, b"full")
    assert streams.check_write(None, output) == 0
    polled = poll(None, [output.pollable()])
    await asyncio.sleep(0)
    assert not polled.done()
    sink.take()
    assert await polled == [0]


async def test_a_blocking_write_waits_for_room():
    sink = FullSink(4)
    sink.write(b"full")
    writing = asyncio.ensure_future(streams.blocking_write_and_flush(None, SinkOutput(sink), b"more"))
    await asyncio.sleep(0)
    assert not writing.done()
    assert sink.take() == b"full"
    await writing
    assert sink.take() == b"more"


async def test_a_blocking_write_larger_than_a_grant_goes_out_in_pieces():
    output = NarrowOutput()
    await streams.blocking_write_and_flush(None, output, b"abcdefghij")
    assert output.written == [b"abcd", b"efgh", b"ij"]


async def test_waiting_again_and_again_piles_nothing_up_at_the_sink():
    sink = FullSink(0)
    output = SinkOutput(sink)
    for _ in range(10):
        pollable = output.pollable()
        pollable.watch(lambda: None)
        pollable.drop()
    assert len(sink.waiting) == 1


async def test_two_pollables_of_one_full_output_are_both_woken():
    sink = FullSink(1)
    output = SinkOutput(sink)
    output.write(b"x")
    polled = [poll(None, [output.pollable()]) for _ in range(2)]
    sink.take()
    assert await asyncio.gather(*polled) == [[0], [0]]


def test_more_zeroes_than_the_limit_trap():
    output = SinkOutput(CaptureSink())
    with pytest.raises(GuestTrap):
        streams.blocking_write_zeroes_and_flush(None, output, WASI_BLOCKING_WRITE_BYTES_MAX + 1)
    with pytest.raises(GuestTrap):
        streams.blocking_write_zeroes_and_flush(None, output, U64_MAX)


def test_more_zeroes_than_granted_trap():
    output = SinkOutput(CaptureSink())
    streams.check_write(None, output)
    with pytest.raises(GuestTrap):
        streams.write_zeroes(None, output, U64_MAX)


def test_a_blocking_write_beyond_the_limit_traps():
    with pytest.raises(GuestTrap, match="blocking write"):
        streams.blocking_write_and_flush(None, SinkOutput(CaptureSink()), bytes(WASI_BLOCKING_WRITE_BYTES_MAX + 1))


def test_zeroes_are_written():
    sink = CaptureSink()
    output = SinkOutput(sink)
    streams.check_write(None, output)
    streams.write_zeroes(None, output, 3)
    streams.blocking_write_zeroes_and_flush(None, output, 2)
    assert sink.data == bytes(5)


def test_splice_moves_what_fits():
    output = NarrowOutput()
    source = BytesInput(b"abcdef")
    assert streams.splice(None, output, source, U64_MAX) == 4
    assert streams.splice(None, output, source, 1) == 1
    assert output.written == [b"abcd", b"e"]


def test_splice_into_a_full_sink_moves_nothing():
    sink = FullSink(1)
    sink.write(b"x")
    source = BytesInput(b"abc")
    assert streams.splice(None, SinkOutput(sink), source, U64_MAX) == 0
    assert source.read(10) == b"abc"


async def test_a_blocking_splice_waits_for_both_ends():
    sink, source = FullSink(2), LateInput()
    sink.write(b"xx")
    splicing = asyncio.ensure_future(streams.blocking_splice(None, SinkOutput(sink), source, 100))
    await asyncio.sleep(0)
    sink.take()
    await asyncio.sleep(0)
    assert not splicing.done()
    source.arrive(b"abc")
    assert await splicing == 3
    assert sink.held == b"abc"


def test_an_error_says_what_happened():
    fault = streams.failed("the disk is full", "insufficient-space")
    case, error = fault.payload
    assert case == "last-operation-failed"
    assert streams.to_debug_string(None, error) == "the disk is full"
