"""The outbox makes producers wait instead of growing, and loses nothing."""

import asyncio

from pie.host.outbox import Outbox, OutputText
from pie.processes.events import EventQueue, ProcessEvent


def message(text: str) -> ProcessEvent:
    return ProcessEvent("message", text)


def outbox(events_max: int = 2) -> Outbox:
    return Outbox(EventQueue(events_max, characters_max=1000))


async def test_a_producer_waits_while_there_is_no_room() -> None:
    box = outbox(events_max=1)
    assert box.send(message("a")) is None
    waiting = box.send(message("b"))
    assert waiting is not None
    assert not waiting.done()
    assert await box.take() == message("a")
    assert waiting.done()
    assert await box.take() == message("b")


async def test_order_holds_when_several_wait() -> None:
    box = outbox(events_max=1)
    for text in "abcd":
        box.send(message(text))
    assert [await box.take() for _ in range(4)] == [message(text) for text in "abcd"]


async def test_the_consumer_is_woken_by_an_event() -> None:
    box = outbox()
    taken = asyncio.ensure_future(box.take())
    await asyncio.sleep(0)
    box.put(message("a"))
    assert await taken == message("a")


async def test_after_the_terminal_event_there_is_nothing_more() -> None:
    box = outbox()
    box.end(ProcessEvent("return", "x"))
    box.send(message("late"))
    assert await box.take() == ProcessEvent("return", "x")
    assert await box.take() is None


async def test_a_producer_that_waits_is_let_go_at_the_end() -> None:
    box = outbox(events_max=1)
    box.send(message("a"))
    waiting = box.send(message("b"))
    box.end(ProcessEvent("error", "killed"))
    assert waiting is not None
    assert waiting.done()


async def test_output_text_never_splits_a_character() -> None:
    box = outbox(events_max=10)
    text = OutputText(box, "stdout")
    for byte in "é€".encode():
        text.write(bytes([byte]))
    assert await box.take() == ProcessEvent("stdout", "é")
    assert await box.take() == ProcessEvent("stdout", "€")
