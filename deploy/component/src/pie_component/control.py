"""The container's end of the control link: a thread that keeps in touch with the control plane while the worker works.

The control plane may go and come back at any time: `Hello` is said whenever the connection was made anew and every few seconds,
and says all that an earlier message may have said in vain.
"""

import threading
import time
from collections import deque
from collections.abc import Callable

import msgspec
import zmq

from pie_component.limits import CONTROL_BACKLOG_MAX, HELLO_S, REFUSAL_LINGER_S
from pie_component.logs import log
from pie_component.wake import Wake
from pie_flow.container import ContainerSpec
from pie_flow.control import (
    PULSE_S,
    ConfigApplied,
    FromContainer,
    Go,
    Hello,
    Pulse,
    Ready,
    Refused,
    SetConfig,
    StartStep,
    Step,
    ToContainer,
)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(ToContainer).decode


class ControlLink:
    """`start` it, tell it how far the container has come; it collects what the control plane wants."""

    def __init__(
        self,
        zmq_context: "zmq.Context[zmq.Socket[bytes]]",
        spec: ContainerSpec,
        incarnation: str,
        pid: int,
        wake: Wake,
        pulse: Callable[[], Pulse],
    ) -> None:
        """`wake` is set when the control plane has said something. `pulse` is called on the link's thread."""
        self.may_go = spec.control_address is None
        """Whether `Go` was said; with nobody to say it, at once."""
        self.changes: deque[SetConfig] = deque()
        """To be applied by the worker."""
        self._zmq_context = zmq_context
        self._address = spec.control_address
        self._hello = Hello(
            container_id=spec.container_id,
            incarnation=incarnation,
            secret=spec.secret,
            pid=pid,
            step="started",
            config_seq=spec.config_seq,
        )
        self._outgoing: deque[FromContainer] = deque(maxlen=CONTROL_BACKLOG_MAX)
        self._wake_worker = wake
        self._wake_link = Wake()
        self._pulse = pulse
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="control", daemon=True)

    def start(self) -> None:
        if self._address is not None:
            self._thread.start()

    def step(self, step: StartStep) -> None:
        """The container has come so far."""
        self._hello = msgspec.structs.replace(self._hello, step=step)
        self._say(Step(step=step))

    def ready(self) -> None:
        self._hello = msgspec.structs.replace(self._hello, step="ready")
        self._say(Ready())

    def refuse(self, refused: Refused) -> None:
        self._say(refused)

    def config_applied(self, applied: ConfigApplied) -> None:
        self._hello = msgspec.structs.replace(self._hello, config_seq=max(applied.seq, self._hello.config_seq))
        self._say(applied)

    def close(self) -> None:
        """Send what is left to be sent, within some time, and end."""
        self._is_closing = True
        self._wake_link.set()
        if self._thread.is_alive():
            self._thread.join(REFUSAL_LINGER_S + 1)

    def _say(self, message: FromContainer) -> None:
        self._outgoing.append(message)
        self._wake_link.set()

    def _run(self) -> None:
        socket = self._zmq_context.socket(zmq.DEALER)
        socket.setsockopt(zmq.LINGER, int(REFUSAL_LINGER_S * 1000))
        socket.setsockopt(zmq.SNDHWM, CONTROL_BACKLOG_MAX)
        socket.setsockopt(zmq.RECONNECT_IVL, 50)
        monitor = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        socket.connect(str(self._address))
        try:
            self._converse(socket, monitor)
        finally:
            socket.disable_monitor()
            monitor.close(linger=0)
            socket.close()

    def _converse(self, socket: "zmq.Socket[bytes]", monitor: "zmq.Socket[bytes]") -> None:
        poller = zmq.Poller()
        for part in (socket, monitor, self._wake_link.fd):
            poller.register(part, zmq.POLLIN)
        hello_at_s, pulse_at_s = 0.0, time.monotonic() + PULSE_S
        while True:
            now_s = time.monotonic()
            if now_s >= hello_at_s:
                hello_at_s = now_s + HELLO_S
                self._send(socket, self._hello)
            if now_s >= pulse_at_s:
                pulse_at_s = now_s + PULSE_S
                self._send(socket, self._pulse())
            self._wake_link.clear()
            while self._outgoing:
                self._send(socket, self._outgoing.popleft())
            if self._is_closing:
                return
            events = dict(poller.poll(max(0, round((pulse_at_s - now_s) * 1000))))
            if monitor in events:
                monitor.recv_multipart()
                hello_at_s = 0.0
            if socket in events:
                self._receive(socket.recv())

    def _send(self, socket: "zmq.Socket[bytes]", message: FromContainer) -> None:
        try:
            socket.send(_encode(message), zmq.NOBLOCK)
        except zmq.Again:
            return  # nobody is there; `Hello` will say it again

    def _receive(self, frame: bytes) -> None:
        try:
            message: ToContainer = _decode(frame)
        except (ValueError, RecursionError) as error:
            log.error("the control plane said something that is no message: %s", error)
            return
        if isinstance(message, Go):
            self.may_go = True
        elif isinstance(message, SetConfig):
            self.changes.append(message)
        self._wake_worker.set()
