"""The worker's loop, at the other end of a socket, without a process between."""

import threading
from collections.abc import Callable, Iterator

import msgspec
import pytest
import zmq

from batches import batch, request, tokens_of
from pie.driver.messages import BatchFailed, BatchResult, FromWorker, Shutdown
from pie_worker.server import Channel, serve

DECODER = msgspec.msgpack.Decoder(FromWorker)


class BrokenRunner:
    def compute(self, _: object) -> BatchResult:
        raise RuntimeError("out of luck")


@pytest.fixture
def connect() -> Iterator[Callable]:
    context = zmq.Context()
    threads: list[threading.Thread] = []
    sockets: list[zmq.Socket] = []

    def connect_one(runner: object) -> zmq.Socket:
        ours, theirs = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
        ours.bind("inproc://worker")
        theirs.connect("inproc://worker")
        sockets.extend((ours, theirs))
        threads.append(threading.Thread(target=serve, args=(Channel(theirs), runner)))
        threads[-1].start()
        return ours

    yield connect_one
    sockets[0].send(msgspec.msgpack.encode(Shutdown()))
    threads[0].join(10)
    assert not threads[0].is_alive()
    for socket in sockets:
        socket.close(0)
    context.term()


def ask(socket: zmq.Socket, message: bytes) -> object:
    socket.send(message)
    assert socket.poll(10_000)
    return DECODER.decode(socket.recv())


def test_a_batch_is_answered(connect: Callable, make_runner: Callable) -> None:
    answer = ask(connect(make_runner()[0]), msgspec.msgpack.encode(batch(request(1, [1, 2]), number=9)))
    assert isinstance(answer, BatchResult)
    assert answer.id == 9
    assert len(tokens_of(answer.outputs[0])) == 1


def test_an_invalid_batch_is_answered_with_its_failure(connect: Callable, make_runner: Callable) -> None:
    answer = ask(connect(make_runner()[0]), msgspec.msgpack.encode(batch(request(1, [1 << 20]), number=9)))
    assert isinstance(answer, BatchFailed)
    assert "token" in answer.message


def test_a_malformed_batch_is_answered_and_the_worker_goes_on(connect: Callable, make_runner: Callable) -> None:
    socket = connect(make_runner()[0])
    answer = ask(socket, msgspec.msgpack.encode(["batch", 12, "no requests"]))
    assert isinstance(answer, BatchFailed)
    assert answer.id == 12
    assert isinstance(ask(socket, msgspec.msgpack.encode(batch(request(1, [1])))), BatchResult)


def test_an_unforeseen_error_fails_the_batch_only(connect: Callable) -> None:
    socket = connect(BrokenRunner())
    for _ in range(2):
        assert ask(socket, msgspec.msgpack.encode(batch(number=3))) == BatchFailed(3, "RuntimeError: out of luck")
