from pie.wasi.sinks import CaptureSink


def test_what_was_written_is_kept():
    sink = CaptureSink()
    sink.write("schön".encode())
    assert sink.data == "schön".encode()
    assert sink.text == "schön"


def test_beyond_its_size_bytes_are_counted_and_dropped():
    sink = CaptureSink(size_bytes_max=4)
    sink.write(b"abc")
    sink.write(b"defgh")
    assert sink.data == b"abcd"
    assert sink.dropped_bytes == 4
    assert sink.text == "abcd\n[4 more bytes were dropped]"


async def test_there_is_always_room():
    sink = CaptureSink(size_bytes_max=0)
    sink.write(b"x")
    assert sink.room() > 0
    await sink.roomy()
