"""Requests and WebSockets of a container, by their ids: who is asked, and what becomes of what the gateway says next.

Everything here happens on the thread of the link; what is sent goes through `send`.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pie_component.counters import Counters
from pie_component.endpoints.bodies import JSON, error_body
from pie_component.endpoints.egress import Egress
from pie_component.endpoints.exchange import Exchange
from pie_component.endpoints.ingress import Collected, Ingress, IngressSocket, Send
from pie_component.limits import REQUESTS_MAX, SUBSCRIBERS_MAX
from pie_flow import endpoint_link as link
from pie_flow.container import EndpointSpec

if TYPE_CHECKING:  # most components have no handlers of their own
    from pie_component.endpoints.handlers import Runner

Conversation = Collected | IngressSocket | Exchange
Later = Callable[[Callable[[], None]], None]
"""Lets the link's thread call something; may be called from any thread."""

_Refusal = tuple[int, str, str]
_BUSY = (503, "overloaded", "too many requests are under way")


class Conversations:
    def __init__(self, endpoints: Sequence[EndpointSpec], send: Send, later: Later, counters: Counters) -> None:
        self.ingresses: dict[str, Ingress] = {}
        self.egresses: dict[str, Egress] = {}
        self.runner: Runner | None = None
        self._names = frozenset(spec.name for spec in endpoints)
        self._send = send
        self._later = later
        self._counters = counters
        self._open: dict[int, Conversation] = {}
        """What has begun and not ended; subscribers are their egress's."""
        self._held_bytes = 0
        """Of bodies that are still coming."""
        self._paused: set[int] = set()
        """WebSockets with messages that the input had no room for."""
        self._is_closing = False

    def __len__(self) -> int:
        return len(self._open)

    @property
    def has_handlers_at_work(self) -> bool:
        """May be asked from any thread."""
        return any(isinstance(one, Exchange) for one in list(self._open.values()))

    @property
    def is_paused(self) -> bool:
        """Messages wait for room in an input."""
        return bool(self._paused)

    def take(self, message: link.FromGateway, body: bytes) -> None:
        """What the gateway says."""
        match message:
            case link.Request():
                self._request(message, body)
            case link.OpenSocket():
                self._open_socket(message)
            case _:
                conversation = self._open.get(message.id)
                if conversation is not None:
                    self._continue(conversation, message, body)
                else:
                    self._continue_subscriber(message, body)

    def resume(self) -> None:
        """Look whether there is room for what waits."""
        for request_id in list(self._paused):
            conversation = self._open.get(request_id)
            if not isinstance(conversation, IngressSocket):
                self._paused.discard(request_id)
            elif not conversation.resume():
                self._forget(request_id)
            elif not conversation.is_paused:
                self._paused.discard(request_id)

    def callers_have_gone(self) -> None:
        """All of them: the gateway is another one."""
        for conversation in self._open.values():
            if isinstance(conversation, Exchange):
                conversation.gone()
        self._open.clear()
        self._held_bytes = 0
        for egress in self.egresses.values():
            egress.subscribers.clear()

    def say_goodbye(self) -> None:
        """The container ends: whoever listens is told, and nobody new is let in."""
        self._is_closing = True
        for egress in self.egresses.values():
            for subscriber in egress.subscribers.values():
                subscriber.end()
            egress.subscribers.clear()
        for conversation in self._open.values():
            if isinstance(conversation, IngressSocket):
                conversation.close()
            elif isinstance(conversation, Exchange) and conversation.is_socket:
                conversation.close_socket(1001, "the container ends")
                conversation.gone()

    # --- what begins -------------------------------------------------------------------------------------------------

    def _request(self, message: link.Request, body: bytes) -> None:
        ingress = self.ingresses.get(message.endpoint)
        refusal = self._refusal(message.endpoint)
        if refusal is not None:
            self._refuse(message.id, refusal)
        elif ingress is not None:
            if message.more:
                self._open[message.id] = Collected(ingress, message, body, self._send)
                self._held_bytes += len(body)
            else:
                ingress.take(message.id, message.headers, body)
        elif message.endpoint not in self.egresses:
            self._hand_over(message, body)
        elif message.method == "GET":
            self._subscribe(message.endpoint, message.id, is_socket=False)
        else:
            self._refuse(message.id, (405, "method_not_allowed", "an egress is read with GET"))

    def _open_socket(self, message: link.OpenSocket) -> None:
        refusal = self._refusal(message.endpoint)
        if refusal is not None:
            self._refuse(message.id, refusal)
        elif message.endpoint in self.ingresses:
            self._open[message.id] = IngressSocket(self.ingresses[message.endpoint], message, self._send)
        elif message.endpoint in self.egresses:
            self._subscribe(message.endpoint, message.id, is_socket=True)
        else:
            self._hand_over(message, b"")

    def _refusal(self, endpoint: str) -> _Refusal | None:
        if endpoint not in self._names:
            return 404, "endpoint_unknown", f"the component has no endpoint {endpoint}"
        if self._is_closing or len(self._open) >= REQUESTS_MAX:
            self._counters.refused_requests += 1
            return _BUSY
        handlers = self.runner.handlers if self.runner is not None else {}
        if endpoint not in self.egresses and endpoint not in self.ingresses and endpoint not in handlers:
            return 501, "no_handler", f"the component does not handle {endpoint}"
        return None

    def _refuse(self, request_id: int, refusal: _Refusal) -> None:
        status, code, message = refusal
        headers = (("content-type", JSON), *((("retry-after", "1"),) if status == 503 else ()))
        self._send(link.Response(id=request_id, status=status, headers=headers), error_body(code, message))

    def _subscribe(self, endpoint: str, request_id: int, *, is_socket: bool) -> None:
        if sum(len(egress.subscribers) for egress in self.egresses.values()) >= SUBSCRIBERS_MAX:
            self._refuse(request_id, _BUSY)
        else:
            self.egresses[endpoint].subscribe(request_id, is_socket=is_socket)

    def _hand_over(self, message: link.Request | link.OpenSocket, body: bytes) -> None:
        assert self.runner is not None
        exchange = self.runner.begin(message, lambda: self._later(lambda: self._forget(message.id)))
        self._open[message.id] = exchange
        if isinstance(message, link.Request):
            if body:
                exchange.feed(body)
            if not message.more:
                exchange.end()

    # --- what goes on ------------------------------------------------------------------------------------------------

    def _forget(self, request_id: int) -> None:
        self._open.pop(request_id, None)

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
                self._send(link.Credit(id=message.id, size_bytes=len(body)), b"")

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
