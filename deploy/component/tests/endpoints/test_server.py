"""Endpoints over real sockets, with the gateway's end in the test."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from component_peers import Gateway, Peers, endpoint

from pie_component import limits
from pie_component.counters import Counters
from pie_component.endpoints.bodies import BodyForm
from pie_component.endpoints.egress import Egress
from pie_component.endpoints.ingress import Ingress
from pie_component.endpoints.server import EndpointServer
from pie_component.slots import Input
from pie_flow import endpoint_link as link
from pie_flow.catalogue import CATALOGUE
from pie_flow.envelope import Failure


class Served:
    """A server with an ingress `in` for input 0, an egress `out`, and a gateway."""

    def __init__(self, peers: Peers, kind: str, *, respond: bool) -> None:
        self.counters = Counters()
        self.now_s = 0.0
        parsed = CATALOGUE.parse(kind)
        self.slot = Input(0, parsed)
        into, out = endpoint("in", kind, into=0, respond=respond), endpoint("out", kind, direction="egress", of=0)
        self.server = EndpointServer((into, out, endpoint("other")), counters=self.counters, clock=lambda: self.now_s)
        form = BodyForm(parsed)
        self.server.conversations.ingresses["in"] = Ingress(into, form, self.slot, self.server.send, self.counters, lambda: None)
        self.egress = self.server.conversations.egresses["out"] = Egress(
            out, form, self.server.send, self.counters, lambda: self.now_s
        )
        self.gateway = Gateway(peers)
        self.server.bind(peers.zmq_context, self.gateway.address)
        self.until = peers.until
        peers.on_turn(self.turn, lambda: self.server.close(0))

    def turn(self) -> None:
        if self.server.monitor.poll(0):
            self.server.handle_monitor()
        self.server.handle()
        self.server.handle_posted()
        self.server.tend(self.now_s)

    def answered(self, request_id: int) -> tuple[Any, bytes]:
        return self.until(lambda: self.gateway.answers(request_id))[0]

    def error(self, request_id: int) -> tuple[int, str]:
        message, body = self.answered(request_id)
        return message.status, json.loads(body)["error"]["code"]


Serve = Callable[..., Served]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with Peers() as peers:
        yield lambda kind="Int64", respond=True: Served(peers, kind, respond=respond)


JSON = (("content-type", "application/json"),)
TEXT = (("Content-Type", "text/plain; charset=utf-8"),)


def test_a_request_becomes_a_value_with_its_id(serve: Serve) -> None:
    served = serve()
    served.gateway.request(7, "in", b"41", headers=JSON)
    served.until(lambda: served.slot.queue)
    assert list(served.slot.queue) == [(7, 41)]
    assert served.gateway.said == []


def test_a_request_that_waits_for_nothing_is_accepted_and_its_value_answers_nobody(serve: Serve) -> None:
    served = serve(respond=False)
    served.gateway.request(7, "in", b"41")
    assert served.answered(7) == (link.Response(id=7, status=202), b"")
    assert list(served.slot.queue) == [(0, 41)]


@pytest.mark.parametrize(
    ("kind", "headers", "body", "value"),
    [
        pytest.param("String", TEXT, b'"a"', '"a"', id="text"),
        pytest.param("String", (), "é".encode(), "é", id="text-unsaid"),
        pytest.param("String", JSON, b'"a"', "a", id="text-as-json"),
        pytest.param("Bytes", (), b"\xff", b"\xff", id="octets"),
        pytest.param("{x: Int64}", TEXT, b'{"x": 1}', {"x": 1}, id="record"),
    ],
)
def test_a_body_is_read_by_its_type_and_content_type(serve: Serve, kind: str, headers: Any, body: bytes, value: Any) -> None:
    served = serve(kind)
    served.gateway.request(7, "in", body, headers=headers)
    served.until(lambda: served.slot.queue)
    assert served.slot.queue[0][1] == value


@pytest.mark.parametrize(
    ("kind", "body"), [("Int64", b"x"), ("Int64", b'"1"'), ("String", b"\xff"), ("Int32", b"99999999999"), ("[Int64]", b"[" * 5000)]
)
def test_a_body_that_is_not_of_the_type_is_refused(serve: Serve, kind: str, body: bytes) -> None:
    served = serve(kind)
    served.gateway.request(7, "in", body)
    assert served.error(7) == (422, "bad_value")
    assert not served.slot.queue


def test_a_body_in_pieces_is_put_together_under_credit(serve: Serve) -> None:
    served = serve("Bytes")
    served.gateway.request(7, "in", b"a" * 1000, more=True)
    for piece in range(20):
        served.until(lambda: 1000 * (piece + 1) == sum(m.size_bytes for m, _ in served.gateway.answers(7, link.Credit)))  # noqa: B023
        served.gateway.say(link.Body(id=7, more=piece < 19), b"b" * 1000)
    served.until(lambda: served.slot.queue)
    assert served.slot.queue[0] == (7, b"a" * 1000 + b"b" * 20_000)


def test_a_caller_that_goes_leaves_no_value(serve: Serve) -> None:
    served = serve("Bytes")
    served.gateway.request(7, "in", b"a", more=True)
    served.gateway.say(link.Cancel(id=7))
    served.gateway.say(link.Body(id=7, more=False), b"b")
    served.gateway.request(8, "in", b"next")
    served.until(lambda: served.slot.queue)
    assert list(served.slot.queue) == [(8, b"next")]


def test_more_requests_than_the_queue_takes_are_refused_for_now(serve: Serve) -> None:
    served = serve()
    served.slot.queue.extend((0, 0) for _ in range(limits.INGRESS_MESSAGES_MAX))
    served.gateway.request(7, "in", b"1")
    message, _ = served.answered(7)
    assert message.status == 503
    assert ("retry-after", "1") in message.headers
    assert served.counters.refused_requests == 1


@pytest.mark.parametrize(("name", "method", "status"), [("nothing", "GET", 404), ("other", "GET", 501), ("out", "POST", 405)])
def test_what_cannot_be_asked_is_said(serve: Serve, name: str, method: str, status: int) -> None:
    served = serve()
    served.gateway.request(7, name, method=method)
    assert served.answered(7)[0].status == status


def test_a_value_at_an_egress_answers_its_request(serve: Serve) -> None:
    served = serve()
    served.server.emit("out", 7, 42)
    message, body = served.answered(7)
    assert (message, body) == (link.Emitted(id=7, endpoint="out"), b"42")


@pytest.mark.parametrize(
    ("kind", "value", "content_type", "body"),
    [
        ("String", "a\nb", "text/plain; charset=utf-8", b"a\nb"),
        ("Bytes", b"\xff", "application/octet-stream", b"\xff"),
        ("[Int64]", [1, 2], "application/json", b"[1,2]"),
    ],
)
def test_an_answer_is_text_octets_or_json(serve: Serve, kind: str, value: Any, content_type: str, body: bytes) -> None:
    served = serve(kind)
    served.server.emit("out", 7, value)
    message, got = served.answered(7)
    assert (message.content_type, got) == (content_type, body)


def test_a_failure_answers_its_request_with_500(serve: Serve) -> None:
    served = serve()
    served.server.emit("out", 7, Failure("count", "ValueError: no"))
    message, body = served.answered(7)
    assert message.status == 500
    assert json.loads(body) == {
        "error": {"code": "component_failed", "message": "ValueError: no", "details": [], "vertex": "count"}
    }


def test_a_value_too_large_for_an_answer_is_a_failure(serve: Serve) -> None:
    served = serve("Bytes")
    served.server.emit("out", 7, bytes(link.MESSAGE_BYTES_MAX))
    assert served.answered(7)[0].status == 500


def test_an_answer_waits_for_a_gateway_that_is_away_for_a_moment(serve: Serve) -> None:
    served = serve()
    served.server.emit("out", 7, 1)
    served.until(lambda: served.gateway.answers(7))


def test_a_reader_gets_every_value_as_an_event(serve: Serve) -> None:
    served = serve("String")
    served.gateway.request(3, "out", method="GET")
    head, _ = served.answered(3)
    assert (head.status, head.more, dict(head.headers)["content-type"]) == (200, True, "text/event-stream")
    served.server.emit("out", 0, "a\nb")
    served.server.emit("out", 9, "c")
    served.until(lambda: len(served.gateway.answers(3)) == 3)
    assert served.gateway.body(3) == b'data: "a\\nb"\n\ndata: "c"\n\n'


def test_a_silent_stream_says_that_it_lives(serve: Serve) -> None:
    served = serve()
    served.gateway.request(3, "out", method="GET")
    served.answered(3)
    served.now_s += limits.KEEPALIVE_S
    served.until(lambda: served.gateway.body(3) == b":\n\n")


def test_a_reader_that_is_too_slow_is_dropped_and_counted(serve: Serve) -> None:
    served = serve("Bytes")
    served.gateway.request(3, "out", method="GET")
    served.gateway.request(4, "out", method="GET")
    served.until(lambda: len(served.egress.subscribers) == 2)
    size = len(b'data: ""\n\n') + 400_000  # in Base64
    for number in range(1, 25):
        served.server.emit("out", 0, bytes(300_000))
        served.until(lambda: len(served.gateway.body(4)) == number * size)  # noqa: B023
        served.gateway.say(link.Credit(id=4, size_bytes=size))
    served.until(lambda: served.gateway.answers(3, link.Cancel))
    assert served.counters.dropped_subscribers == 1
    assert list(served.egress.subscribers) == [4]


def test_a_reader_that_goes_is_forgotten(serve: Serve) -> None:
    served = serve()
    served.gateway.request(3, "out", method="GET")
    served.until(lambda: served.egress.subscribers)
    served.gateway.say(link.Cancel(id=3))
    served.until(lambda: not served.egress.subscribers)


def test_a_socket_to_an_ingress_brings_a_value_per_message(serve: Serve) -> None:
    served = serve()
    served.gateway.say(link.OpenSocket(id=5, endpoint="in", path="/"))
    assert served.answered(5)[0] == link.AcceptSocket(id=5)
    served.gateway.say(link.SocketMessage(id=5), b"1")
    served.gateway.say(link.SocketMessage(id=5), b"2")
    served.until(lambda: len(served.slot.queue) == 2)
    assert [value for _, value in served.slot.queue] == [1, 2]


def test_a_socket_message_that_is_no_value_closes_the_socket(serve: Serve) -> None:
    served = serve()
    served.gateway.say(link.OpenSocket(id=5, endpoint="in", path="/"))
    served.gateway.say(link.SocketMessage(id=5), b"x")
    served.until(lambda: served.gateway.answers(5, link.CloseSocket))
    assert served.gateway.answers(5, link.CloseSocket)[0][0].code == 1007


def test_a_socket_to_an_egress_gets_a_message_per_value(serve: Serve) -> None:
    served = serve("Bytes")
    served.gateway.say(link.OpenSocket(id=5, endpoint="out", path="/"))
    served.answered(5)
    served.server.emit("out", 0, b"\xff")
    served.until(lambda: len(served.gateway.answers(5)) == 2)
    assert served.gateway.answers(5)[1] == (link.SocketMessage(id=5, text=False), b"\xff")


def test_at_the_end_readers_and_sockets_are_told(serve: Serve) -> None:
    served = serve()
    served.gateway.request(3, "out", method="GET")
    served.gateway.say(link.OpenSocket(id=4, endpoint="out", path="/"))
    served.gateway.say(link.OpenSocket(id=5, endpoint="in", path="/"))
    served.until(lambda: all(served.gateway.answers(one) for one in (3, 4, 5)))
    served.server.say_goodbye()
    served.until(lambda: all(len(served.gateway.answers(one)) == 2 for one in (3, 4, 5)))
    assert served.gateway.answers(3)[1][0] == link.Body(id=3, more=False)
    assert [served.gateway.answers(one)[1][0].code for one in (4, 5)] == [1001, 1001]


def test_a_gateway_that_goes_takes_its_readers_along(serve: Serve) -> None:
    served = serve()
    served.gateway.request(3, "out", method="GET")
    served.gateway.request(4, "in", b"", more=True)
    served.until(lambda: served.egress.subscribers and served.server.conversations)
    served.gateway.close()
    served.until(lambda: not served.egress.subscribers and not served.server.conversations)
    served.gateway.connect()
    served.gateway.request(6, "in", b"1")
    served.until(lambda: served.slot.queue)


def test_what_is_no_message_is_passed_over(serve: Serve) -> None:
    served = serve()
    for frames in ([b"x"], [b"x", b"y"], [b"", b"", b""], [b"\x81\xa1t\xa4none", b""]):
        served.gateway.say_frames(frames)
    served.gateway.request(6, "in", b"1")
    deadline_s = time.monotonic() + 20
    while not served.slot.queue and time.monotonic() < deadline_s:
        served.turn()
    assert list(served.slot.queue) == [(6, 1)]


def test_a_socket_is_held_back_while_the_input_is_full(serve: Serve) -> None:
    served = serve()
    served.slot.queue.extend((0, 0) for _ in range(limits.INGRESS_MESSAGES_MAX))
    served.gateway.say(link.OpenSocket(id=5, endpoint="in", path="/"))
    served.gateway.say(link.SocketMessage(id=5), b"1")
    served.until(lambda: served.server.conversations.is_paused)
    assert served.gateway.answers(5, link.Credit) == []
    served.slot.queue.clear()
    served.server.conversations.resume()
    assert [value for _, value in served.slot.queue] == [1]
    assert not served.server.conversations.is_paused
    served.until(lambda: served.gateway.answers(5, link.Credit))


def test_large_values_fill_an_input_before_there_are_many(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pie_component.slots.INGRESS_QUEUE_BYTES_MAX", 1000)
    served = serve("Bytes")
    for request_id in (1, 2):
        served.gateway.request(request_id, "in", bytes(600))
    assert served.answered(2)[0].status == 503
    served.slot.queue.clear()
    served.gateway.request(3, "in", bytes(600))
    served.until(lambda: served.slot.queue)


def test_a_request_is_answered_once(serve: Serve) -> None:
    served = serve()
    for value in (1, 2):
        served.server.emit("out", 7, value)
    served.server.emit("out", 8, 3)
    served.until(lambda: served.gateway.answers(8))
    assert [body for _, body in served.gateway.answers(7)] == [b"1"]
