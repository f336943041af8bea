"""One exchange: what came, what may be sent, how it ends."""

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie_deploy.gateway import failures
from pie_deploy.gateway.exchange import HELD_BYTES_PER_MESSAGE, Exchange
from pie_deploy.gateway.failures import UpstreamError
from pie_deploy.limits import GATEWAY_LINK_BYTES_MAX
from pie_flow.endpoint_link import (
    PIECE_BYTES_MAX,
    WINDOW_BYTES,
    AcceptSocket,
    Body,
    Cancel,
    CloseSocket,
    Credit,
    Emitted,
    FromContainer,
    FromGateway,
    Response,
    SocketMessage,
)


@dataclass
class FakeLink:
    """Keeps what was sent."""

    sent: list[tuple[FromGateway, bytes]] = field(default_factory=list)
    under_way_bytes: int = 0
    held_bytes: int = 0

    def send(self, message: FromGateway, body: bytes = b"") -> None:
        self.sent.append((message, body))

    @property
    def size_bytes(self) -> int:
        return sum(len(body) for _, body in self.sent)


def exchange(link: FakeLink) -> Exchange:
    return Exchange(7, link, asyncio.get_running_loop())


async def test_messages_come_in_order_and_then_the_failure() -> None:
    one = exchange(FakeLink())
    one.deliver(Response(id=7, status=200, more=True), b"a")
    one.deliver(Body(id=7), b"b")
    one.fail(UpstreamError(failures.LOST))
    assert [(await one.next())[1], (await one.next())[1]] == [b"a", b"b"]
    with pytest.raises(UpstreamError):
        await one.next()


async def test_a_stream_may_end_when_its_credit_is_used_up() -> None:
    one = exchange(FakeLink())
    one.deliver(Response(id=7, status=200, more=True), bytes(WINDOW_BYTES))
    assert one.deliver(Body(id=7, more=False), b"")
    assert not one.deliver(Body(id=7), b""), "that was the end"


async def test_the_first_failure_counts() -> None:
    one = exchange(FakeLink())
    one.fail(UpstreamError(failures.TIMED_OUT))
    one.fail(UpstreamError(failures.LOST))
    with pytest.raises(UpstreamError) as raised:
        await one.next()
    assert raised.value.refusal is failures.TIMED_OUT


async def test_a_container_that_gives_up_is_an_error() -> None:
    one = exchange(FakeLink())
    one.deliver(Cancel(id=7), b"")
    with pytest.raises(UpstreamError) as raised:
        await one.next()
    assert raised.value.refusal is failures.GAVE_UP


async def test_no_more_than_the_window_is_sent_without_credit() -> None:
    link = FakeLink()
    one = exchange(link)
    sending = asyncio.create_task(one.send_body(b"x" * (3 * WINDOW_BYTES), more=False))
    await asyncio.sleep(0)
    assert link.size_bytes == WINDOW_BYTES
    one.deliver(Credit(id=7, size_bytes=1), b"")
    await asyncio.sleep(0)
    assert link.size_bytes == WINDOW_BYTES + PIECE_BYTES_MAX
    one.deliver(Credit(id=7, size_bytes=WINDOW_BYTES), b"")
    one.deliver(Credit(id=7, size_bytes=WINDOW_BYTES), b"")
    await asyncio.sleep(0)
    one.deliver(Credit(id=7, size_bytes=WINDOW_BYTES), b"")
    await sending
    assert link.size_bytes == 3 * WINDOW_BYTES
    assert [message.more for message, _ in link.sent if isinstance(message, Body)][-2:] == [True, False]


async def test_credit_that_was_never_taken_gives_no_larger_window() -> None:
    link = FakeLink()
    one = exchange(link)
    for size in (10 * WINDOW_BYTES, -5):
        one.deliver(Credit(id=7, size_bytes=size), b"")
    sending = asyncio.create_task(one.send_body(b"x" * (2 * WINDOW_BYTES), more=False))
    await asyncio.sleep(0)
    assert link.size_bytes == WINDOW_BYTES
    sending.cancel()


async def test_who_waits_for_credit_is_told_of_a_failure() -> None:
    one = exchange(FakeLink())
    sending = asyncio.create_task(one.send_body(b"x" * (2 * WINDOW_BYTES), more=False))
    await asyncio.sleep(0)
    one.fail(UpstreamError(failures.LOST))
    with pytest.raises(UpstreamError):
        await sending


async def test_an_empty_end_of_a_body_is_sent() -> None:
    link = FakeLink()
    await exchange(link).send_body(b"", more=False)
    assert link.sent == [(Body(id=7, more=False), b"")]


async def test_what_was_consumed_is_given_back_in_steps() -> None:
    link = FakeLink()
    one = exchange(link)
    for _ in range(8):
        one.consumed(WINDOW_BYTES // 8)
    returned = [message.size_bytes for message, _ in link.sent if isinstance(message, Credit)]
    assert returned == [WINDOW_BYTES // 4] * 4


async def test_nothing_comes_after_the_last_word() -> None:
    one = exchange(FakeLink())
    assert one.deliver(Emitted(id=7, endpoint="out"), b"1")
    assert not one.deliver(Emitted(id=7, endpoint="out"), b"2")


@pytest.mark.parametrize("beginning", [Response(id=7, status=200, more=True), AcceptSocket(id=7)], ids=type)
async def test_an_answer_begins_once(beginning: FromContainer) -> None:
    """A head may be large, and needs no credit."""
    one = exchange(FakeLink())
    assert one.deliver(beginning, b"")
    assert not one.deliver(beginning, b"")


async def test_what_the_caller_has_taken_is_held_no_longer() -> None:
    link = FakeLink()
    one = exchange(link)
    one.deliver(Response(id=7, status=200, more=True), b"abc")
    one.deliver(Body(id=7), b"de")
    await one.next()
    one.consumed(3)
    assert link.held_bytes == HELD_BYTES_PER_MESSAGE + 2
    one.end()
    assert link.held_bytes == 0


async def test_empty_messages_that_wait_are_held_too() -> None:
    link = FakeLink()
    one = exchange(link)
    while one.deliver(Body(id=7), b""):
        pass
    assert link.held_bytes > WINDOW_BYTES


async def test_when_callers_take_nothing_the_endpoints_are_overloaded() -> None:
    link = FakeLink(held_bytes=GATEWAY_LINK_BYTES_MAX + 1)
    one = exchange(link)
    assert not one.deliver(Emitted(id=7, endpoint="out"), b"1")
    with pytest.raises(UpstreamError) as raised:
        await one.next()
    assert raised.value.refusal is failures.OVERLOADED


MESSAGES: st.SearchStrategy[tuple[FromContainer, int]] = st.one_of(
    st.tuples(st.builds(Body, id=st.just(7), more=st.booleans()), st.integers(0, WINDOW_BYTES)),
    st.tuples(st.builds(SocketMessage, id=st.just(7)), st.integers(0, WINDOW_BYTES)),
    st.tuples(st.builds(Response, id=st.just(7), status=st.integers(), more=st.booleans()), st.integers(0, WINDOW_BYTES)),
    st.tuples(st.builds(Emitted, id=st.just(7), endpoint=st.text(max_size=3)), st.integers(0, 2 * WINDOW_BYTES)),
    st.tuples(st.builds(CloseSocket, id=st.just(7)), st.just(0)),
    st.tuples(st.builds(Credit, id=st.just(7), size_bytes=st.integers(-(2**63), 2**63 - 1)), st.just(0)),
)


@given(messages=st.lists(MESSAGES, max_size=40), uploads=st.lists(st.integers(0, WINDOW_BYTES), max_size=5))
def test_whatever_a_container_says_what_waits_stays_bounded(messages: list[tuple[FromContainer, int]], uploads: list[int]) -> None:
    async def hold() -> None:
        link = FakeLink()
        one = exchange(link)
        taken = waiting = 0
        for (message, size), upload in zip(messages, uploads + [0] * len(messages), strict=False):
            one.send(Body(id=7), bytes(upload))
            if one.deliver(message, bytes(size)) and not isinstance(message, Credit):
                taken += size
                waiting += 1
            assert link.held_bytes == taken + waiting * HELD_BYTES_PER_MESSAGE
            assert 0 <= link.under_way_bytes <= sum(uploads)
        # The window, the message that overdrew it, and one that came whole.
        assert taken <= WINDOW_BYTES * 4
        one.end()
        assert (link.under_way_bytes, link.held_bytes) == (0, 0)

    asyncio.run(hold())
