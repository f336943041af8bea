"""The endpoints of a container: the link's socket, and the thread that serves it.

That is the worker's thread, or, where the component has handlers of its own, one of the server's, so that they are served while the
component's function works. What other threads have to say is posted.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import zmq

from pie_component.counters import Counters
from pie_component.endpoints.conversations import Conversations
from pie_component.endpoints.link import GatewaySocket
from pie_component.limits import PAUSED_POLL_S, POSTED_MAX
from pie_component.wake import Wake
from pie_flow import endpoint_link as link
from pie_flow.container import EndpointSpec

_MESSAGES_PER_TURN = 256
"""Read from the link before the worker's turn comes again."""


class EndpointServer:
    def __init__(
        self, endpoints: Sequence[EndpointSpec], *, counters: Counters, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.conversations = Conversations(endpoints, self.send, self.post_call, counters)
        self.clock = clock
        self._socket: GatewaySocket | None = None
        self._posted: deque[Callable[[], None]] = deque()
        self._wake = Wake()
        self._thread: threading.Thread | None = None
        self._is_stopped = False

    # --- putting together --------------------------------------------------------------------------------------------

    def bind(self, zmq_context: "zmq.Context[zmq.Socket[bytes]]", address: str) -> None:
        """Listen for the gateway. Raises TransportError."""
        self._socket = GatewaySocket(zmq_context, address)

    def start_thread(self) -> None:
        """From here on the link is served by a thread of its own."""
        self._thread = threading.Thread(target=self._serve, name="endpoints", daemon=True)
        self._thread.start()

    @property
    def is_threaded(self) -> bool:
        return self._thread is not None

    @property
    def socket(self) -> "zmq.Socket[bytes]":
        assert self._socket is not None
        return self._socket.socket

    @property
    def monitor(self) -> "zmq.Socket[bytes]":
        assert self._socket is not None
        return self._socket.monitor

    # --- from any thread ---------------------------------------------------------------------------------------------

    def post(self, message: link.FromContainer, body: bytes) -> None:
        self.post_call(lambda: self.send(message, body))

    def post_call(self, call: Callable[[], None]) -> None:
        """Let the link's thread call something."""
        self._posted.append(call)
        self._wake.set()

    def emit(self, endpoint: str, correlation: int, value: Any) -> None:
        """Show a value at an egress. Waits while the link's thread has much to do."""
        egress = self.conversations.egresses[endpoint]
        if self._thread is None:
            egress.emit(correlation, value)
            return
        while len(self._posted) > POSTED_MAX and self._thread.is_alive():
            time.sleep(0.001)
        self.post_call(lambda: egress.emit(correlation, value))

    def show(self, endpoint: str, correlation: int, value: Any) -> None:
        """Show a value that the component emits by itself. Raises KeyError for an endpoint that is no egress, ValueTypeError."""
        egress = self.conversations.egresses[endpoint]
        checked = egress.conform(value)
        self.post_call(lambda: egress.emit(correlation, checked))

    def say_goodbye(self) -> None:
        """The container ends: whoever listens is told."""
        if self._thread is None:
            self.conversations.say_goodbye()
        else:
            self.post_call(self.conversations.say_goodbye)

    @property
    def is_idle(self) -> bool:
        """No handler is at work and no answer waits."""
        has_backlog = self._socket is not None and self._socket.has_backlog
        return not has_backlog and not self._posted and not self.conversations.has_handlers_at_work

    # --- on the thread of the link -----------------------------------------------------------------------------------

    @property
    def wake_fd(self) -> int:
        """Readable when something was posted."""
        return self._wake.fd

    def send(self, message: link.FromContainer, body: bytes) -> None:
        if self._socket is not None:
            self._socket.send(message, body)

    def handle(self) -> None:
        """Messages have come."""
        assert self._socket is not None
        for _ in range(_MESSAGES_PER_TURN):
            received = self._socket.receive()
            if received is not None:
                self.conversations.take(*received)
            if not self._socket.has_more:
                return

    def handle_posted(self) -> None:
        self._wake.clear()
        while self._posted:
            self._posted.popleft()()

    def handle_monitor(self) -> None:
        """The gateway has gone."""
        assert self._socket is not None
        self._socket.gateway_has_gone()
        self.conversations.callers_have_gone()

    def tend(self, now_s: float) -> None:
        if self._socket is not None and self._socket.has_backlog:
            self._socket.send_backlog()
        for egress in self.conversations.egresses.values():
            egress.tend(now_s)

    def close(self, linger_ms: int) -> None:
        """End, the thread included if there is one."""
        if self._thread is not None:
            self.post_call(self._stop)
            self._thread.join(linger_ms / 1000 + 1)
        if self._socket is not None:
            self._socket.close(linger_ms)

    def _stop(self) -> None:
        self._is_stopped = True

    def _serve(self) -> None:
        poller = zmq.Poller()
        for part in (self.socket, self.monitor, self._wake.fd):
            poller.register(part, zmq.POLLIN)
        while not self._is_stopped:
            events = dict(poller.poll(round(PAUSED_POLL_S * 1000) if self.conversations.is_paused else 1000))
            if self.monitor in events:
                self.handle_monitor()
            if self.socket in events:
                self.handle()
            self.handle_posted()
            self.conversations.resume()
            self.tend(self.clock())
