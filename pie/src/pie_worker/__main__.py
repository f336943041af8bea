"""`python -m pie_worker`: started by the torch driver, which writes one line of JSON to stdin and keeps it open.

The end of stdin means that the engine is gone, however it went; then this process ends too, also in the middle of a batch.
"""

import os
import sys
import threading

import msgspec
import zmq

from pie.driver.messages import Ready, StartFailed, WorkerStart
from pie.errors import DriverError, ModelError
from pie_worker.limits import CREW_THREADS_MAX, SPINS


def main() -> None:
    # Threads of torch that wait for each other must sleep, not spin for long: whatever else wants a core (the engine, to begin
    # with) would have to wait for the spinning one, and a step of 2 ms was seen to take 285. For how long see `pie_worker.crew`.
    # OpenMP reads this when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if (os.cpu_count() or 1) <= CREW_THREADS_MAX:
        os.environ.setdefault("GOMP_SPINCOUNT", str(SPINS))
    start = msgspec.json.decode(sys.stdin.buffer.readline(), type=WorkerStart)
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    with zmq.Context() as zmq_context, zmq_context.socket(zmq.PAIR) as socket:
        socket.linger = 1000
        socket.connect(start.address)
        _run(start, socket)


def _run(start: WorkerStart, socket: "zmq.Socket[bytes]") -> None:
    # torch takes a second to import: after connecting, so that the engine knows early that the child lives.
    from pie_worker.assembly import assemble
    from pie_worker.server import Channel, serve

    channel = Channel(socket)
    try:
        runner, limits = assemble(start.config)
    except (ModelError, DriverError) as error:
        channel.send(StartFailed(error.message, "model" if isinstance(error, ModelError) else "driver-failed"))
        return
    channel.send(Ready(limits))
    serve(channel, runner)


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
