"""ZMTP in bytes: what is said, in whatever pieces it comes."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie_deploy.zmtp import GREETING_BYTES, Receiver, ZmtpError, message, opening

MAX = 1000
PARTS_MAX = 3
OPENING = opening(b"DEALER", b"somebody")


def fed(data: bytes, cuts: list[int] = []) -> list[list[bytes]]:  # noqa: B006 (is not changed)
    """The messages in some bytes that come in pieces."""
    receiver, found, begin = Receiver(MAX, PARTS_MAX), [], 0
    for end in [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]:
        found += receiver.feed(data[begin:end])
        begin = end
    return found


@given(
    st.lists(st.lists(st.binary(max_size=MAX // PARTS_MAX), min_size=1, max_size=PARTS_MAX), max_size=8),
    st.lists(st.integers(0, 10_000), max_size=20),
)
def test_messages_come_as_they_were_sent_however_they_are_cut(messages: list[list[bytes]], cuts: list[int]) -> None:
    assert fed(OPENING + b"".join(message(*parts) for parts in messages), cuts) == messages


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_messages_or_an_error(data: bytes, is_greeted: bool) -> None:
    with suppress(ZmtpError):
        fed((OPENING if is_greeted else b"") + data)


@pytest.mark.parametrize(
    "greeting",
    [
        b"GET / HTTP/1.1\r\n".ljust(GREETING_BYTES, b"x"),
        OPENING[:10] + b"\x02" + OPENING[11:GREETING_BYTES],
        OPENING[:12] + b"CURVE".ljust(20, b"\0") + OPENING[32:GREETING_BYTES],
    ],
    ids=["HTTP", "ZMTP 2", "CURVE"],
)
def test_another_greeting_is_an_error(greeting: bytes) -> None:
    with pytest.raises(ZmtpError):
        fed(greeting)


def test_a_message_before_ready_is_an_error() -> None:
    with pytest.raises(ZmtpError):
        fed(OPENING[:GREETING_BYTES] + message(b"x"))


def test_a_peer_is_ready_when_it_has_said_so() -> None:
    receiver = Receiver(MAX)
    list(receiver.feed(OPENING[:-1]))
    assert not receiver.is_ready
    list(receiver.feed(OPENING[-1:]))
    assert receiver.is_ready


def test_the_largest_message_passes_and_one_byte_more_does_not() -> None:
    assert fed(OPENING + message(bytes(MAX))) == [[bytes(MAX)]]
    with pytest.raises(ZmtpError):
        fed(OPENING + message(bytes(MAX + 1)))


def test_the_bytes_of_all_parts_count() -> None:
    assert fed(OPENING + message(bytes(MAX - 1), b"x")) == [[bytes(MAX - 1), b"x"]]
    with pytest.raises(ZmtpError):
        fed(OPENING + message(bytes(MAX - 1), b"xx"))


def test_a_part_too_many_is_an_error_however_little_it_holds() -> None:
    with pytest.raises(ZmtpError):
        fed(OPENING + message(*[b""] * (PARTS_MAX + 1)))
