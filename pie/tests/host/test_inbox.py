"""The inbox keeps order, is bounded and ends."""

import asyncio

import pytest

from pie.errors import InvalidArgumentError
from pie.host.inbox import Inbox
from pie.limits import INBOX_TEXTS_MAX


async def test_texts_wait_for_a_receiver_and_receivers_for_a_text() -> None:
    inbox = Inbox()
    inbox.put("a")
    first, second = inbox.receive(), inbox.receive()
    inbox.put("b")
    assert [await first, await second] == ["a", "b"]


async def test_a_receiver_that_gave_up_takes_no_text() -> None:
    inbox = Inbox()
    inbox.receive().cancel()
    inbox.put("a")
    assert await inbox.receive() == "a"


async def test_a_closed_inbox_gives_what_it_has_and_then_none() -> None:
    inbox = Inbox()
    inbox.put("a")
    inbox.close()
    assert [await inbox.receive(), await inbox.receive()] == ["a", None]


async def test_an_inbox_is_bounded() -> None:
    inbox = Inbox()
    for _ in range(INBOX_TEXTS_MAX):
        inbox.put("x")
    with pytest.raises(InvalidArgumentError, match="unread"):
        inbox.put("one too many")


async def test_a_sender_may_wait_for_room() -> None:
    inbox = Inbox()
    texts = [str(number) for number in range(INBOX_TEXTS_MAX + 2)]

    async def send_all() -> None:
        for text in texts:
            await inbox.send(text)

    sending = asyncio.create_task(send_all())
    await asyncio.sleep(0)
    assert not sending.done()
    assert [await inbox.receive() for _ in texts] == texts
    await sending
