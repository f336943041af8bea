import tempfile
from collections.abc import Iterator

import pytest
import zmq

from pie_component.edges.producer import Producer
from pie_flow.envelope import Packed

NOTHING = Packed(0, False, b"", (), 0, ())


@pytest.fixture
def producer() -> Iterator[Producer]:
    """One whose consumer has not come up."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with tempfile.TemporaryDirectory(prefix="pie-", dir="/tmp") as folder:
        producer = Producer(context, f"ipc://{folder}/edge", 1, lambda lost: NOTHING)
        yield producer
        producer.close(0)
        context.term()


def test_who_has_produced_nothing_need_not_wait_for_a_consumer_before_the_end(producer: Producer) -> None:
    assert producer.is_sent
    assert producer.is_waiting


def test_what_was_produced_and_not_taken_is_still_here(producer: Producer) -> None:
    producer.send(Packed(1, False, b"x", (), 1, (0,)))
    assert not producer.is_sent
