import asyncio
import io
import os

from pie_client.lines import LINES_AHEAD_MAX, lines_of


async def test_all_lines_arrive_in_order_without_their_ends() -> None:
    texts = [str(number) for number in range(3 * LINES_AHEAD_MAX)]
    stream = io.BytesIO("\n".join(texts).encode())
    assert [line async for line in lines_of(stream)] == texts


async def test_what_nobody_asks_for_is_not_read() -> None:
    stream = io.BytesIO(b"x\n" * 10 * LINES_AHEAD_MAX)
    lines = lines_of(stream)
    await anext(lines)
    await asyncio.sleep(0.05)
    assert stream.tell() <= 2 * (LINES_AHEAD_MAX + 3)


async def test_a_stream_that_says_nothing_does_not_hold_up_the_loop() -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as stream, os.fdopen(writer, "w") as other_end:
        waiting = asyncio.ensure_future(anext(lines_of(stream)))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        other_end.write("at last\n")
        other_end.flush()
        assert await waiting == "at last"


async def test_a_stream_that_was_closed_has_no_lines() -> None:
    stream = io.BytesIO(b"x")
    stream.close()
    assert [line async for line in lines_of(stream)] == []
