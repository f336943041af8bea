"""ZMTP in bytes: what is said, in whatever pieces it comes."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie_deploy.controller.zmtp import GREETING_BYTES, Receiver, ZmtpError, frame, opening

MAX = 1000


def fed(data: bytes, cuts: list[int]) -> list[bytes]:
    """The messages in some bytes that come in pieces."""
    receiver, found, begin = Receiver(MAX), [], 0
    for end in [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]:
        found += receiver.feed(data[begin:end])
        begin = end
    return found


@given(st.lists(st.binary(max_size=MAX), max_size=8), st.lists(st.integers(0, 10_000), max_size=20))
def test_messages_come_as_they_were_sent_however_they_are_cut(messages: list[bytes], cuts: list[int]) -> None:
    assert fed(opening() + b"".join(map(frame, messages)), cuts) == messages


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_messages_or_an_error(data: bytes, is_greeted: bool) -> None:
    with suppress(ZmtpError):
        list(Receiver(MAX).feed((opening() if is_greeted else b"") + data))


@pytest.mark.parametrize(
    "greeting",
    [
        b"GET / HTTP/1.1\r\n".ljust(GREETING_BYTES, b"x"),
        opening()[:10] + b"\x02" + opening()[11:GREETING_BYTES],
        opening()[:12] + b"CURVE".ljust(20, b"\0") + opening()[32:GREETING_BYTES],
    ],
    ids=["HTTP", "ZMTP 2", "CURVE"],
)
def test_another_greeting_is_an_error(greeting: bytes) -> None:
    with pytest.raises(ZmtpError):
        list(Receiver(MAX).feed(greeting))


def test_a_message_before_ready_is_an_error() -> None:
    with pytest.raises(ZmtpError):
        list(Receiver(MAX).feed(opening()[:GREETING_BYTES] + frame(b"x")))


def test_the_largest_message_passes_and_one_byte_more_does_not() -> None:
    assert list(Receiver(MAX).feed(opening() + frame(bytes(MAX)))) == [bytes(MAX)]
    with pytest.raises(ZmtpError):
        list(Receiver(MAX).feed(opening() + frame(bytes(MAX + 1))))
