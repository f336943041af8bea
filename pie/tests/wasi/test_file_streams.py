import pytest

from pie.limits import WASI_WRITE_BYTES_MAX
from pie.sandbox.interface import GuestFault
from pie.wasi import streams
from pie.wasi.file_streams import FileInput, FileOutput
from pie.wasi.scratch import Scratch
from wasi.fakes import opened


@pytest.fixture
def scratch(tmp_path):
    made = Scratch(tmp_path / "scratch", size_bytes_max=100)
    yield made
    made.remove()


@pytest.fixture
def file(scratch):
    made = opened(scratch, "file", create=True)
    yield made
    made.release()


def everything(file):
    return FileInput(file, 0).read(1000)


def test_a_stream_reads_on_from_its_offset(scratch, file):
    scratch.write(file, b"abcdef", 0)
    stream = FileInput(file, 2)
    assert (stream.read(2), stream.read(10)) == (b"cd", b"ef")
    with pytest.raises(GuestFault) as caught:
        stream.read(1)
    assert caught.value.payload == ("closed", None)


def test_a_stream_writes_on_from_its_offset(scratch, file):
    scratch.write(file, b"abcdef", 0)
    stream = FileOutput(file, 1)
    stream.write(b"XY")
    stream.write(b"Z")
    assert everything(file) == b"aXYZef"


def test_an_appending_stream_writes_at_the_end_wherever_it_is(scratch, file):
    stream = FileOutput(file, None)
    stream.write(b"one")
    scratch.write(file, b"two", 3)
    stream.write(b"three")
    assert everything(file) == b"onetwothree"


def test_a_write_beyond_the_quota_fails_with_its_code(file):
    stream = FileOutput(file, 0)
    assert streams.check_write(None, stream) == WASI_WRITE_BYTES_MAX
    with pytest.raises(GuestFault) as caught:
        streams.write(None, stream, bytes(101))
    case, error = caught.value.payload
    assert (case, error.code) == ("last-operation-failed", "quota")


def test_an_offset_beyond_all_files_reads_as_the_end(file):
    with pytest.raises(GuestFault):
        FileInput(file, (1 << 63) - 1).read(10)


def test_a_stream_outlives_the_descriptor_it_was_made_from(scratch):
    file = opened(scratch, "other", create=True)
    stream = FileOutput(file, 0)
    file.release()
    stream.write(b"late")
    stream.drop()
    assert scratch.statistics().descriptors == 0
