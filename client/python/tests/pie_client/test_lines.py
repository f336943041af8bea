import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pie_client.lines import LINES_AHEAD_MAX, READ_BYTES, lines_of


@contextmanager
def holding(data: bytes) -> Iterator[int]:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        yield file.fileno()


async def test_all_lines_arrive_in_order_without_their_ends() -> None:
    texts = [str(number) * 100 for number in range(30 * LINES_AHEAD_MAX)]
    with holding("\n".join(texts).encode()) as descriptor:
        assert [line async for line in lines_of(descriptor)] == texts


@pytest.mark.parametrize(
    ("data", "lines"), [(b"", []), (b"\n", [""]), (b"a\n\nb", ["a", "", "b"]), (b"a\nb\n", ["a", "b"]), (b"\xff", ["\ufffd"])]
)
async def test_the_end_of_the_last_line_makes_no_line(data: bytes, lines: list[str]) -> None:
    with holding(data) as descriptor:
        assert [line async for line in lines_of(descriptor)] == lines


async def test_what_nobody_asks_for_is_not_read() -> None:
    with holding(b"x\n" * 10 * READ_BYTES) as descriptor:
        await anext(lines_of(descriptor))
        await asyncio.sleep(0.05)
        assert os.lseek(descriptor, 0, os.SEEK_CUR) <= READ_BYTES


async def test_a_stream_that_says_nothing_does_not_hold_up_the_loop() -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb"), os.fdopen(writer, "w") as other_end:
        waiting = asyncio.ensure_future(anext(lines_of(reader)))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        other_end.write("at last\n")
        other_end.flush()
        assert await waiting == "at last"


async def test_a_descriptor_that_was_closed_has_no_lines() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    os.close(writer)
    assert [line async for line in lines_of(reader)] == []
