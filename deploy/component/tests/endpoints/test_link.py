"""The link's end in the container: strangers' bytes, and its own end."""

import tempfile
import threading

import msgspec
import zmq
from hypothesis import given
from hypothesis import strategies as st

from pie_component.endpoints.link import GatewaySocket, decoded
from pie_flow import endpoint_link as link

MESSAGES = (
    link.Request(id=1, endpoint="in", method="POST", path="/", headers=(("accept", "*/*"),), more=True),
    link.OpenSocket(id=2, endpoint="in", path="/", subprotocols=("chat",)),
    link.Body(id=3, more=False),
    link.SocketMessage(id=4, text=False),
    link.CloseSocket(id=5, code=1001, reason="ends"),
    link.Credit(id=6, size_bytes=1 << 20),
    link.Cancel(id=7, reason="gone"),
)


def is_read_or_refused(frame: bytes) -> bool:
    try:
        return isinstance(decoded(frame), link.FromGateway)
    except ValueError:
        return True


@given(st.sampled_from(MESSAGES))
def test_a_message_is_read_as_it_was(message: link.FromGateway) -> None:
    assert decoded(msgspec.msgpack.encode(message)) == message


@given(st.binary(max_size=100))
def test_arbitrary_bytes_are_refused(frame: bytes) -> None:
    assert is_read_or_refused(frame)


@given(st.sampled_from(MESSAGES), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=4))
def test_changed_bytes_are_refused_or_are_a_message(message: link.FromGateway, changes: list[tuple[int, int]]) -> None:
    frame = bytearray(msgspec.msgpack.encode(message))
    for index, value in changes:
        frame[index % len(frame)] = value
    assert is_read_or_refused(bytes(frame))


def test_a_message_that_nests_without_measure_is_refused() -> None:
    assert is_read_or_refused(b"\x81\xa1x" + b"\x91" * 100_000)


def test_a_closed_link_does_not_hold_up_the_end_of_its_context() -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with tempfile.TemporaryDirectory(prefix="pie-", dir="/tmp") as folder:
        GatewaySocket(context, f"ipc://{folder}/link").close(linger_ms=0)
        end = threading.Thread(target=context.term, daemon=True)
        end.start()
        end.join(30)
    assert not end.is_alive()
