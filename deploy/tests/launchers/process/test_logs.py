"""From the bytes of a stream to files and back to lines."""

import asyncio
import errno
import os
import resource
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie_deploy.clock import ManualClock
from pie_deploy.launchers.process.allowance import Allowance
from pie_deploy.launchers.process.log_lines import LineStamper, parse_line, platform_line
from pie_deploy.launchers.process.log_pump import ContainerLog, Pump
from pie_deploy.launchers.process.log_reader import LogReader, read_log
from pie_deploy.launchers.process.log_ring import LogRing, segment_path, segments
from pie_deploy.limits import LOG_BURST_BYTES, LOG_LINE_BYTES_MAX, LOG_SEGMENTS
from pie_deploy.ports.launcher import LogLine

KIB = 1 << 10
PATIENCE_S = 60.0


def parsed(data: bytes) -> list[LogLine]:
    return [line for text in data.split(b"\n") if (line := parse_line(text)) is not None]


# --- Lines -----------------------------------------------------------------------------------------------------------


def test_a_line_has_time_stream_incarnation_and_text() -> None:
    assert LineStamper("stderr", 2).feed(b"hello\n", 17) == b"17 e 2 hello\n"
    assert parsed(b"17 e 2 hello\n") == [LogLine(at_ns=17, stream="stderr", text="hello", incarnation=2)]


def test_a_line_waits_for_its_end() -> None:
    stamper = LineStamper("stdout", 1)
    assert stamper.feed(b"hel", 1) == b""
    assert stamper.feed(b"lo\nwor", 2) == b"2 o 1 hello\n"
    assert stamper.flush(3) == b"3 o 1 wor\n"
    assert stamper.flush(4) == b""


def test_empty_lines_are_lines() -> None:
    assert [line.text for line in parsed(LineStamper("stdout", 1).feed(b"\n\na\n", 1))] == ["", "", "a"]


def test_a_line_that_gets_too_long_is_cut() -> None:
    stamper = LineStamper("stdout", 1)
    written = b"".join(stamper.feed(b"x" * KIB, 1) for _ in range(3 * LOG_LINE_BYTES_MAX // KIB))
    assert [len(line.text) for line in parsed(written)] == [LOG_LINE_BYTES_MAX] * 3


def test_what_is_no_text_is_shown_as_well_as_it_can_be() -> None:
    (line,) = parsed(LineStamper("stdout", 1).feed(b"a\xff\x00b\r\n", 1))
    assert line.text == "a\ufffd\x00b"


def test_a_message_of_the_platform_is_one_line() -> None:
    (line,) = parsed(platform_line(5, 3, "two\nlines"))
    assert line == LogLine(at_ns=5, stream="platform", text="two lines", incarnation=3)


@pytest.mark.parametrize("line", [b"", b"17", b"17 o", b"17 o 1", b"x o 1 a", b"17 x 1 a", b"17 o x a", b"-1 o 1 a"])
def test_a_torn_line_is_none(line: bytes) -> None:
    assert parse_line(line) is None


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_nothing_a_program_writes_is_lost_or_taken_for_a_head(chunks: list[bytes]) -> None:
    stamper = LineStamper("stdout", 1)
    written = b"".join(stamper.feed(chunk, 1) for chunk in chunks if chunk) + stamper.flush(1)
    whole = b"".join(chunks)
    lines = whole.removesuffix(b"\n").split(b"\n") if whole else []
    assert written == b"".join(b"1 o 1 " + line + b"\n" for line in lines)


# --- The ring --------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "log"


def size_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def read_all(folder: Path) -> list[bytes]:
    reader = LogReader(folder)
    found: list[bytes] = []
    while lines := reader.read():
        found += [line for line in lines if line]
    reader.close()
    return found


def test_a_ring_keeps_the_newest_within_its_bound(folder: Path) -> None:
    ring = LogRing(folder, 8 * KIB)
    written = [b"%d o 1 %s" % (number, b"x" * 100) for number in range(1000)]
    for line in written:
        ring.write(line + b"\n")
        assert size_bytes(folder) <= 8 * KIB
    kept = read_all(folder)
    assert kept == written[-len(kept) :]
    assert sum(len(line) + 1 for line in kept) > 8 * KIB * (LOG_SEGMENTS - 2) // LOG_SEGMENTS


def test_a_block_above_a_segment_s_size_has_a_segment_of_its_own(folder: Path) -> None:
    ring = LogRing(folder, 4 * KIB)
    ring.write(b"1 o 1 a\n")
    ring.write(b"2 o 1 " + b"x" * (2 * KIB) + b"\n")
    assert len(segments(folder)) == 2


def test_a_ring_goes_on_where_another_has_stopped(folder: Path) -> None:
    for text in (b"1 o 1 a\n", b"2 o 1 b\n"):
        ring = LogRing(folder, 4 * KIB)
        ring.write(text)
        ring.close()
    assert read_all(folder) == [b"1 o 1 a", b"2 o 1 b"]
    assert segments(folder) == [1]


def test_a_line_that_was_torn_spoils_no_other(folder: Path) -> None:
    folder.mkdir()
    segment_path(folder, 1).write_bytes(b"1 o 1 a\n2 o 1 to")
    LogRing(folder, 4 * KIB).write(b"3 o 1 b\n")
    assert read_all(folder) == [b"1 o 1 a", b"2 o 1 to", b"3 o 1 b"]


@contextmanager
def disk_limit(limit_bytes: int) -> Iterator[None]:
    """No file may grow above this: a disk that is full, for the one who writes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_loses_lines_and_says_how_many(folder: Path) -> None:
    ring = LogRing(folder, 64 * KIB)
    log = ContainerLog(ring, ManualClock(9))
    stamper = LineStamper("stdout", 1)
    with disk_limit(20):
        log.write(stamper, b"before\n", 0.0)
        log.write(stamper, b"lost\n" * 10, 0.0)
        assert ring.lost_bytes > 0
    log.write(stamper, b"after\n", 0.0)
    texts = [(line.stream, line.text) for line in map(parse_line, read_all(folder)) if line is not None]
    assert texts[0] == ("stdout", "before")
    assert texts[-1] == ("stdout", "after")
    assert any(stream == "platform" and "bytes of the log are lost" in text for stream, text in texts)


def test_a_folder_that_cannot_be_made_raises_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ring = LogRing(tmp_path / "file" / "log", KIB)
    ring.write(b"1 o 1 a\n")
    assert ring.lost_bytes == 8


# --- Reading ---------------------------------------------------------------------------------------------------------


def test_a_reader_goes_on_as_the_log_grows_and_turns(folder: Path) -> None:
    ring, reader = LogRing(folder, 4 * KIB), LogReader(folder)
    assert reader.read() == []
    seen = []
    for number in range(200):
        ring.write(b"%d o 1 %s\n" % (number, b"x" * 50))
        seen += [line for line in reader.read() if line]
    assert [int(line.split()[0]) for line in seen] == list(range(200))


def test_a_reader_that_is_too_slow_misses_the_oldest(folder: Path) -> None:
    ring, reader = LogRing(folder, 4 * KIB), LogReader(folder)
    ring.write(b"0 o 1 first\n")
    assert reader.read() == [b"0 o 1 first"]
    for number in range(1, 500):
        ring.write(b"%d o 1 %s\n" % (number, b"x" * 50))
    seen = []
    while lines := reader.read():
        seen += lines
    assert int(seen[-1].split()[0]) == 499
    assert len(seen) < 499


def test_a_line_that_is_being_written_is_read_when_it_is_whole(folder: Path) -> None:
    folder.mkdir()
    path = segment_path(folder, 1)
    reader = LogReader(folder)
    path.write_bytes(b"1 o 1 hel")
    assert reader.read() == []
    with path.open("ab") as file:
        file.write(b"lo\n")
    assert reader.read() == [b"1 o 1 hello"]


async def collect(lines: AsyncIterator[LogLine]) -> list[str]:
    return [line.text async for line in lines]


async def test_tail_and_since_choose(folder: Path) -> None:
    LogRing(folder, 64 * KIB).write(b"".join(b"%d o 1 line %d\n" % (number, number) for number in range(10)))

    def read(since_ns: int, tail: int | None) -> AsyncIterator[LogLine]:
        return read_log(folder, follow=False, since_ns=since_ns, tail=tail, is_over=lambda: True)

    assert await collect(read(8, None)) == ["line 8", "line 9"]
    assert await collect(read(0, 2)) == ["line 8", "line 9"]
    assert await collect(read(9, 5)) == ["line 9"]
    assert await collect(read(0, 0)) == []


async def test_following_gives_the_tail_and_then_what_comes(folder: Path) -> None:
    ring = LogRing(folder, 64 * KIB)
    ring.write(b"1 o 1 old\n2 o 1 last\n")
    is_over = False
    following = read_log(folder, follow=True, since_ns=0, tail=1, is_over=lambda: is_over)
    async with asyncio.timeout(PATIENCE_S):
        assert (await anext(following)).text == "last"
        ring.write(b"3 o 1 new\n")
        assert (await anext(following)).text == "new"
        ring.write(b"4 o 1 end\n")
        is_over = True
        assert await collect(following) == ["end"]


# --- Pumps -----------------------------------------------------------------------------------------------------------


def test_an_allowance_bursts_then_makes_its_taker_wait() -> None:
    allowance = Allowance(bytes_per_s=10, burst_bytes=100)
    assert allowance.take(100, 0.0) == 0
    assert allowance.take(50, 0.0) == 5.0
    assert allowance.take(0, 5.0) == 0
    assert allowance.take(10, 6.0) == 0


def test_an_allowance_that_is_not_used_does_not_grow_beyond_a_burst() -> None:
    allowance = Allowance(bytes_per_s=10, burst_bytes=100)
    allowance.take(0, 0.0)
    assert allowance.take(110, 1000.0) == 1.0


@given(st.lists(st.tuples(st.integers(0, 1000), st.floats(0, 10)), max_size=30))
def test_who_waits_as_he_is_told_never_gets_more_than_his_rate(takes: list[tuple[int, float]]) -> None:
    allowance, now_s, taken = Allowance(bytes_per_s=100, burst_bytes=500), 0.0, 0
    for size, pause_s in takes:
        assert taken <= 500 + 100 * now_s + 1e-6
        now_s += allowance.take(size, now_s) + pause_s
        taken += size
    assert taken <= 500 + 100 * now_s + 1000


@pytest.fixture
async def pipe(folder: Path) -> AsyncIterator[tuple[int, Pump, LogRing]]:
    read, write = os.pipe2(os.O_CLOEXEC)
    ring = LogRing(folder, 32 << 20)
    pump = ContainerLog(ring, ManualClock(1)).pump(read, "stdout")
    yield write, pump, ring
    pump.close()
    try:
        os.close(write)
    except OSError as error:
        assert error.errno == errno.EBADF


async def written(folder: Path, count: int) -> list[bytes]:
    async with asyncio.timeout(PATIENCE_S):
        while len(read_all(folder)) < count:
            await asyncio.sleep(0.005)
    return read_all(folder)


async def test_what_comes_through_the_pipe_is_written(pipe: tuple[int, Pump, LogRing], folder: Path) -> None:
    write, _, _ = pipe
    os.write(write, b"one\ntwo\n")
    assert await written(folder, 2) == [b"1 o 0 one", b"1 o 0 two"]


async def test_the_end_of_the_pipe_ends_the_last_line(pipe: tuple[int, Pump, LogRing], folder: Path) -> None:
    write, _, _ = pipe
    os.write(write, b"one")
    os.close(write)
    assert await written(folder, 1) == [b"1 o 0 one"]


async def test_what_is_left_in_the_pipe_of_the_dead_is_taken_though_somebody_holds_it(
    pipe: tuple[int, Pump, LogRing], folder: Path
) -> None:
    write, pump, _ = pipe
    os.write(write, b"last words")
    pump.drain()
    pump.drain()
    assert read_all(folder) == [b"1 o 0 last words"]


async def test_a_flood_is_slowed_down_not_dropped(pipe: tuple[int, Pump, LogRing], folder: Path) -> None:
    write, pump, ring = pipe
    os.set_blocking(write, False)
    sent = 0
    async with asyncio.timeout(PATIENCE_S):
        while pump.is_paused is False:
            try:
                sent += os.write(write, b"flood\n" * 1000)
            except BlockingIOError:
                await asyncio.sleep(0)
    assert size_bytes(folder) < LOG_BURST_BYTES + (1 << 20)
    assert ring.lost_bytes == 0
