"""All endpoints of a container: who is asked, and which answers go out.

The link's socket belongs to one thread: the worker's, or, where the component has handlers of its own, one of the server's, so
that they are served while the component's function works. What other threads have to say is posted.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import zmq

from pie_component.counters import Counters
from pie_component.endpoints.bodies import JSON, error_body
from pie_component.endpoints.egress import Egress
from pie_component.endpoints.exchange import Exchange
from pie_component.endpoints.ingress import Collected, Ingress, IngressSocket
from pie_component.endpoints.link import GatewaySocket
from pie_component.limits import PAUSED_POLL_S, REQUESTS_MAX, SUBSCRIBERS_MAX
from pie_component.wake import Wake
from pie_flow import endpoint_link as link
from pie_flow.container import EndpointSpec

if TYPE_CHECKING:  # most components have no handlers of their own
    from pie_component.endpoints.handlers import Runner

Conversation = Collected | IngressSocket | Exchange

_MESSAGES_PER_TURN = 256
"""Read from the link before the worker's turn comes again."""


class EndpointServer:
    def __init__(
        self,
        endpoints: Sequence[EndpointSpec],
        *,
        counters: Counters,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ingresses: dict[str, Ingress] = {}
        self.egresses: dict[str, Egress] = {}
        self.runner: Runner | None = None
        self._specs = {spec.name: spec for spec in endpoints}
        self._counters = counters
        self.clock = clock
        self._socket: GatewaySocket | None = None
        self.conversations: dict[int, Conversation] = {}
        """What has begun and not ended, by the request's id; subscribers are their egress's."""
        self._held_bytes = 0
        """Of bodies that are still coming."""
        self._paused: set[int] = set()
        """WebSockets with messages that the input had no room for."""
        self._posted: deque[Callable[[], None]] = deque()
        self._wake = Wake()
        self._thread: threading.Thread | None = None
        self._is_closing = False

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
        self._posted.append(lambda: self.send(message, body))
        self._wake.set()

    def emit(self, endpoint: str, correlation: int, value: Any) -> None:
        """Show a value at an egress."""
        egress = self.egresses[endpoint]
        if self._thread is None:
            egress.emit(correlation, value)
        else:
            self.post_call(lambda: egress.emit(correlation, value))

    def show(self, endpoint: str, correlation: int, value: Any) -> None:
        """Show a value that the component emits by itself. Raises KeyError for an endpoint that is no egress, ValueTypeError."""
        egress = self.egresses[endpoint]
        checked = egress.conform(value)
        self.post_call(lambda: egress.emit(correlation, checked))

    def post_call(self, call: Callable[[], None]) -> None:
        self._posted.append(call)
        self._wake.set()

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
            if received is None:
                return
            self._dispatch(*received)

    def handle_posted(self) -> None:
        self._wake.clear()
        while self._posted:
            self._posted.popleft()()

    def handle_monitor(self) -> None:
        """The gateway has gone: so have all callers."""
        assert self._socket is not None
        self._socket.gateway_has_gone()
        for conversation in self.conversations.values():
            if isinstance(conversation, Exchange):
                conversation.gone()
        self.conversations.clear()
        self._held_bytes = 0
        for egress in self.egresses.values():
            egress.subscribers.clear()

    @property
    def is_paused(self) -> bool:
        """Messages wait for room in an input."""
        return bool(self._paused)

    def resume(self) -> None:
        """Look whether there is room for what waits."""
        for request_id in list(self._paused):
            conversation = self.conversations.get(request_id)
            if not isinstance(conversation, IngressSocket):
                self._paused.discard(request_id)
            elif not conversation.resume():
                self._forget(request_id)
            elif not conversation.is_paused:
                self._paused.discard(request_id)

    def tend(self, now_s: float) -> None:
        if self._socket is not None and self._socket.has_backlog:
            self._socket.send_backlog()
        for egress in self.egresses.values():
            egress.tend(now_s)

    @property
    def is_idle(self) -> bool:
        """No handler is at work and no answer waits."""
        has_backlog = self._socket is not None and self._socket.has_backlog
        return not has_backlog and not any(isinstance(one, Exchange) for one in list(self.conversations.values()))

    def say_goodbye(self) -> None:
        """The container ends: whoever listens is told. May be called from any thread."""
        if self._thread is None:
            self._say_goodbye()
        else:
            self.post_call(self._say_goodbye)

    def _say_goodbye(self) -> None:
        self._is_closing = True
        for egress in self.egresses.values():
            for subscriber in list(egress.subscribers.values()):
                subscriber.end()
            egress.subscribers.clear()
        for conversation in self.conversations.values():
            if isinstance(conversation, IngressSocket):
                conversation.close()

    def close(self, linger_ms: int) -> None:
        """End. The thread, if there is one, has ended before."""
        if self._thread is not None:
            self.post_call(self._stop_thread)
            self._thread.join(linger_ms / 1000 + 1)
        if self._socket is not None:
            self._socket.close(linger_ms)

    # --- inside ------------------------------------------------------------------------------------------------------

    _is_stopped = False

    def _stop_thread(self) -> None:
        self._is_stopped = True

    def _serve(self) -> None:
        poller = zmq.Poller()
        for part in (self.socket, self.monitor, self._wake.fd):
            poller.register(part, zmq.POLLIN)
        while not self._is_stopped:
            events = dict(poller.poll(round(PAUSED_POLL_S * 1000) if self._paused else 1000))
            if self.monitor in events:
                self.handle_monitor()
            if self.socket in events:
                self.handle()
            self.handle_posted()
            self.resume()
            self.tend(self.clock())

    def _dispatch(self, message: link.FromGateway, body: bytes) -> None:
        match message:
            case link.Request():
                self._request(message, body)
            case link.OpenSocket():
                self._open(message)
            case _:
                conversation = self.conversations.get(message.id)
                if conversation is not None:
                    self._continue(conversation, message, body)
                else:
                    self._continue_subscriber(message, body)

    def _request(self, message: link.Request, body: bytes) -> None:
        ingress = self.ingresses.get(message.endpoint)
        if ingress is not None:
            if message.more:
                self._begin_body(ingress, message, body)
            else:
                ingress.take(message.id, message.headers, body)
        elif (refusal := self._refusal(message.endpoint)) is not None:
            self._refuse(message.id, *refusal)
        elif message.endpoint in self.egresses:
            if message.method == "GET":
                self._subscribe(message.endpoint, message.id, is_socket=False)
            else:
                self._refuse(message.id, 405, "method_not_allowed", "an egress is read with GET")
        else:
            self._hand_over(message, body)

    def _begin_body(self, ingress: Ingress, message: link.Request, body: bytes) -> None:
        if len(self.conversations) >= REQUESTS_MAX:
            self._refuse(message.id, 503, "overloaded", "too many requests are under way")
            return
        self.conversations[message.id] = Collected(ingress, message, body, self.send)
        self._held_bytes += len(body)

    def _open(self, message: link.OpenSocket) -> None:
        refusal = self._refusal(message.endpoint)
        if refusal is not None:
            self._refuse(message.id, *refusal)
        elif message.endpoint in self.ingresses:
            self.conversations[message.id] = IngressSocket(self.ingresses[message.endpoint], message, self.send)
        elif message.endpoint in self.egresses:
            self._subscribe(message.endpoint, message.id, is_socket=True)
        else:
            self._hand_over(message, b"")

    def _refusal(self, endpoint: str) -> tuple[int, str, str] | None:
        if endpoint not in self._specs:
            return 404, "endpoint_unknown", f"the component has no endpoint {endpoint}"
        if self._is_closing or len(self.conversations) >= REQUESTS_MAX:
            self._counters.refused_requests += 1
            return 503, "overloaded", "too many requests are under way"
        if (
            endpoint not in self.egresses
            and endpoint not in self.ingresses
            and (self.runner is None or endpoint not in self.runner.handlers)
        ):
            return 501, "no_handler", f"the component does not handle {endpoint}"
        return None

    def _subscribe(self, endpoint: str, request_id: int, *, is_socket: bool) -> None:
        if sum(len(egress.subscribers) for egress in self.egresses.values()) >= SUBSCRIBERS_MAX:
            self._refuse(request_id, 503, "overloaded", "too many subscribers")
        else:
            self.egresses[endpoint].subscribe(request_id, is_socket=is_socket)

    def _hand_over(self, message: link.Request | link.OpenSocket, body: bytes) -> None:
        assert self.runner is not None
        exchange = self.runner.begin(message, lambda: self.post_call(lambda: self._forget(message.id)))
        self.conversations[message.id] = exchange
        if isinstance(message, link.Request):
            if body:
                exchange.feed(body)
            if not message.more:
                exchange.end()

    def _forget(self, request_id: int) -> None:
        self.conversations.pop(request_id, None)

    def _refuse(self, request_id: int, status: int, code: str, message: str) -> None:
        headers = (("content-type", JSON), *((("retry-after", "1"),) if status == 503 else ()))
        self.send(link.Response(id=request_id, status=status, headers=headers), error_body(code, message))

    def _continue(self, conversation: Conversation, message: link.FromGateway, body: bytes) -> None:
        match conversation:
            case Collected():
                self._continue_body(conversation, message, body)
            case IngressSocket():
                self._continue_ingress(conversation, message, body)
            case Exchange():
                self._continue_exchange(conversation, message, body)

    def _continue_body(self, collected: Collected, message: link.FromGateway, body: bytes) -> None:
        if isinstance(message, link.Body):
            before = collected.size_bytes
            if collected.add(body, more=message.more, held_bytes=self._held_bytes):
                self._held_bytes += len(body)
                return
            self._held_bytes -= before
            self._forget(message.id)
        elif isinstance(message, link.Cancel):
            self._held_bytes -= collected.size_bytes
            self._forget(message.id)

    def _continue_ingress(self, socket: IngressSocket, message: link.FromGateway, body: bytes) -> None:
        if isinstance(message, link.SocketMessage):
            if not socket.add(body, is_text=message.text):
                self._forget(message.id)
            elif socket.is_paused:
                self._paused.add(message.id)
        elif isinstance(message, link.Cancel | link.CloseSocket):
            self._forget(message.id)

    def _continue_subscriber(self, message: link.FromGateway, body: bytes) -> None:
        for egress in self.egresses.values():
            subscriber = egress.subscribers.get(message.id)
            if subscriber is None:
                continue
            if isinstance(message, link.Credit):
                subscriber.credit(message.size_bytes)
            elif isinstance(message, link.Cancel | link.CloseSocket):
                del egress.subscribers[message.id]
            elif isinstance(message, link.SocketMessage):  # who reads an egress has nothing to say
                self.send(link.Credit(id=message.id, size_bytes=len(body)), b"")

    def _continue_exchange(self, exchange: Exchange, message: link.FromGateway, body: bytes) -> None:
        match message:
            case link.Body(more=more):
                if body:
                    exchange.feed(body)
                if not more:
                    exchange.end()
            case link.SocketMessage(text=is_text):
                exchange.feed(body, is_text=is_text)
            case link.Credit(size_bytes=size_bytes):
                exchange.credit(size_bytes)
            case link.Cancel() | link.CloseSocket():
                exchange.gone()
