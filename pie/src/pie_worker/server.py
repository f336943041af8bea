"""The worker's loop: receives batches over ZeroMQ, computes them one after the other, answers in order."""

import logging
import traceback

import msgspec
import zmq

from pie.driver.messages import Batch, BatchFailed, BatchResult, FromWorker, Shutdown, ToWorker
from pie.errors import DriverError
from pie_worker.runner import Runner

log = logging.getLogger(__name__)


class Channel:
    """Messages to and from the engine."""

    def __init__(self, socket: "zmq.Socket[bytes]") -> None:
        self._socket = socket
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(ToWorker)

    def send(self, message: FromWorker) -> None:
        self._socket.send(self._encoder.encode(message), copy=False)

    def receive(self) -> Batch | Shutdown | BatchFailed:
        """The next message, or what to answer to one that cannot be read."""
        content = self._socket.recv()
        try:
            message: Batch | Shutdown = self._decoder.decode(content)
        except msgspec.MsgspecError as error:
            return BatchFailed(_batch_id(content), f"the worker cannot read the batch: {error}")
        return message


def _batch_id(content: bytes) -> int:
    """The id of a batch that is not quite one. Gives up, loudly, on anything else: nobody could be told."""
    try:
        _, batch_id = msgspec.msgpack.decode(content)[:2]
    except (msgspec.MsgspecError, TypeError, ValueError) as error:
        raise SystemExit(f"the worker received {len(content)} bytes that are no message") from error
    if not isinstance(batch_id, int):
        raise SystemExit("the worker received a message that is no batch")
    return batch_id


def serve(channel: Channel, runner: Runner) -> None:
    """Until told to shut down."""
    while True:
        message = channel.receive()
        if isinstance(message, Shutdown):
            return
        channel.send(answer(runner, message) if isinstance(message, Batch) else message)


def answer(runner: Runner, batch: Batch) -> BatchResult | BatchFailed:
    try:
        return runner.compute(batch)
    except DriverError as error:
        return BatchFailed(batch.id, error.message)
    except Exception as error:
        log.error("batch %d failed\n%s", batch.id, traceback.format_exc())
        return BatchFailed(batch.id, f"{type(error).__name__}: {error}")
