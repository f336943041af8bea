"""Handlers of the component's own, plain and `async`, over real sockets."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from component_peers import Gateway, Peers, endpoint

from pie_component import AsyncRequest, AsyncWebSocket, GoneError, Request, Response, WebSocket
from pie_component.async_thread import AsyncThread
from pie_component.counters import Counters
from pie_component.endpoints.handlers import Handler, Runner
from pie_component.endpoints.server import EndpointServer
from pie_component.limits import RESPONSE_HEADERS_CHARS_MAX
from pie_flow import endpoint_link as link


class Served:
    def __init__(self, peers: Peers, handler: Handler, async_thread: AsyncThread) -> None:
        self.server = EndpointServer((endpoint("own"),), counters=Counters())
        self.server.conversations.runner = Runner({"own": handler}, async_thread, self.server.post)
        self.gateway = Gateway(peers)
        self.server.bind(peers.zmq_context, self.gateway.address)
        self.server.start_thread()
        self.until = peers.until
        peers.on_turn(lambda: None, lambda: self.server.close(0))

    def ask(self, body: bytes = b"", **fields: Any) -> tuple[link.Response, bytes]:
        """A whole request and its whole answer, with credit given for all of it."""
        self.gateway.request(1, "own", body, **fields)
        return self.answer()

    def answer(self) -> tuple[link.Response, bytes]:
        given = 0
        while True:
            self.until(lambda: len(self.gateway.answers(1)) > given)  # noqa: B023
            for message, body in self.gateway.answers(1)[given:]:
                given += 1
                if isinstance(message, link.Body):
                    self.gateway.say(link.Credit(id=1, size_bytes=len(body)))
                if isinstance(message, link.Response | link.Body) and not message.more:
                    return self.gateway.answers(1, link.Response)[0][0], self.gateway.body(1)


Serve = Callable[[Handler], Served]


@pytest.fixture
def serve() -> Iterator[Serve]:
    async_thread = AsyncThread()
    with Peers() as peers:
        yield lambda handler: Served(peers, handler, async_thread)
    async_thread.close(10)


def test_a_handler_sees_the_request(serve: Serve) -> None:
    def own(request: Request) -> dict[str, Any]:
        return {"method": request.method, "path": request.path, "query": request.query, "headers": request.headers}

    headers = (("Accept", "text/html"), ("accept", "*/*"))
    _, body = serve(own).ask(method="PUT", path="/a%20b", query="x=1&y=", headers=headers)
    assert json.loads(body) == {
        "method": "PUT",
        "path": "/a%20b",
        "query": {"x": "1", "y": ""},
        "headers": {"accept": "text/html, */*"},
    }


async def plain(request: AsyncRequest) -> bytes:
    return (await request.read()).upper()


@pytest.mark.parametrize(
    ("handler", "content_type", "body"),
    [
        pytest.param(lambda request: request.read().upper(), "application/octet-stream", b"ABC", id="bytes"),
        pytest.param(lambda request: request.text().upper(), "text/plain; charset=utf-8", b"ABC", id="text"),
        pytest.param(lambda request: [1, 2], "application/json", b"[1,2]", id="json"),
        pytest.param(plain, "application/octet-stream", b"ABC", id="async"),
    ],
)
def test_what_a_handler_returns_is_the_answer(serve: Serve, handler: Handler, content_type: str, body: bytes) -> None:
    head, got = serve(handler).ask(b"abc")
    assert (head.status, dict(head.headers)["content-type"], got) == (200, content_type, body)


def test_a_response_has_status_and_headers_of_its_own(serve: Serve) -> None:
    head, body = serve(lambda request: Response("no", 418, {"X-Kind": "teapot"})).ask()
    assert (head.status, dict(head.headers)["X-Kind"], body) == (418, "teapot", b"no")


def test_a_header_may_stand_several_times(serve: Serve) -> None:
    cookies = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    head, _ = serve(lambda request: Response(headers=cookies)).ask()
    assert [pair for pair in head.headers if pair[0] == "Set-Cookie"] == cookies


@pytest.mark.parametrize(
    "headers", [[("x", "y" * RESPONSE_HEADERS_CHARS_MAX)], [("x", "y")] * link.HEADERS_MAX], ids=["long", "many"]
)
def test_headers_that_no_client_takes_are_the_handlers_failure(serve: Serve, headers: list[tuple[str, str]]) -> None:
    head, _ = serve(lambda request: Response(headers=headers)).ask()
    assert head.status == 500


def test_nothing_is_an_answer_without_a_body(serve: Serve) -> None:
    head, body = serve(lambda request: None).ask()
    assert (head.status, body) == (204, b"")


def test_a_generator_is_streamed_under_credit(serve: Serve) -> None:
    def own(request: Request) -> Iterator[bytes]:
        for number in range(10):
            yield bytes((number,)) * 300_000

    served = serve(own)
    served.gateway.request(1, "own")
    served.until(lambda: len(served.gateway.body(1)) >= link.WINDOW_BYTES)
    assert len(served.gateway.body(1)) <= link.WINDOW_BYTES + link.PIECE_BYTES_MAX
    _, body = served.answer()
    assert body == b"".join(bytes((number,)) * 300_000 for number in range(10))


def test_an_async_generator_is_streamed_too(serve: Serve) -> None:
    async def own(request: AsyncRequest) -> AsyncIterator[str]:
        for number in range(3):
            await asyncio.sleep(0)
            yield f"{number}\n"

    assert serve(own).ask()[1] == b"0\n1\n2\n"


def test_a_large_answer_goes_in_pieces(serve: Serve) -> None:
    assert serve(lambda request: bytes(3 << 20)).ask()[1] == bytes(3 << 20)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_body_is_read_while_it_comes_and_credit_given_for_what_was_read(serve: Serve, is_async: bool) -> None:
    def own(request: Request) -> Iterator[bytes]:
        for piece in request.stream():
            yield piece.upper()

    async def own_async(request: AsyncRequest) -> AsyncIterator[bytes]:
        async for piece in request.stream():
            yield piece.upper()

    served = serve(own_async if is_async else own)
    served.gateway.request(1, "own", b"a", more=True)
    served.until(lambda: served.gateway.body(1) == b"A")
    served.gateway.say(link.Body(id=1), b"b" * 10)
    served.until(lambda: served.gateway.body(1) == b"A" + b"B" * 10)
    assert sum(message.size_bytes for message, _ in served.gateway.answers(1, link.Credit)) == 11
    served.gateway.say(link.Body(id=1, more=False))
    assert served.answer()[1] == b"A" + b"B" * 10


@pytest.mark.parametrize("is_async", [False, True])
def test_a_handler_learns_that_the_caller_has_gone(serve: Serve, is_async: bool) -> None:
    learnt = threading.Event()

    def own(request: Request) -> None:
        try:
            request.read()
        except GoneError:
            learnt.set()
            raise

    async def own_async(request: AsyncRequest) -> None:
        try:
            await request.read()
        except GoneError:
            learnt.set()
            raise

    served = serve(own_async if is_async else own)
    served.gateway.request(1, "own", b"a", more=True)
    served.until(lambda: served.gateway.answers(1, link.Credit))
    served.gateway.say(link.Cancel(id=1))
    assert learnt.wait(20)
    served.until(lambda: not served.server.conversations)


def test_a_handler_that_raises_is_an_answer_without_its_secrets(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    def own(request: Request) -> None:
        raise ValueError("the password is 1234")

    head, body = serve(own).ask()
    assert head.status == 500
    assert b"1234" not in body
    assert "1234" in caplog.text


def test_an_answer_that_breaks_off_is_cancelled(serve: Serve) -> None:
    def own(request: Request) -> Iterator[bytes]:
        yield b"a"
        raise ValueError

    served = serve(own)
    served.gateway.request(1, "own")
    served.until(lambda: served.gateway.answers(1, link.Cancel))


def test_a_handler_talks_over_a_socket(serve: Serve) -> None:
    def own(socket: WebSocket) -> None:
        for message in socket:
            socket.send(message * 2)

    served = serve(own)
    served.gateway.say(link.OpenSocket(id=1, endpoint="own", path="/"))
    served.gateway.say(link.SocketMessage(id=1), b"ab")
    served.gateway.say(link.SocketMessage(id=1, text=False), b"\xff")
    served.until(lambda: len(served.gateway.answers(1, link.SocketMessage)) == 2)
    assert served.gateway.answers(1)[0][0] == link.AcceptSocket(id=1)
    assert served.gateway.answers(1, link.SocketMessage) == [
        (link.SocketMessage(id=1), b"abab"),
        (link.SocketMessage(id=1, text=False), b"\xff\xff"),
    ]
    served.gateway.say(link.CloseSocket(id=1))
    served.until(lambda: not served.server.conversations)


def test_an_async_handler_talks_over_a_socket(serve: Serve) -> None:
    async def own(socket: AsyncWebSocket) -> None:
        await socket.accept("chat")
        await socket.send(await socket.receive())
        await socket.close(4000, "enough")

    served = serve(own)
    served.gateway.say(link.OpenSocket(id=1, endpoint="own", path="/", subprotocols=("chat",)))
    served.gateway.say(link.SocketMessage(id=1), b"ab")
    served.until(lambda: served.gateway.answers(1, link.CloseSocket))
    said = [message for message, _ in served.gateway.answers(1) if not isinstance(message, link.Credit)]
    assert said == [
        link.AcceptSocket(id=1, subprotocol="chat"),
        link.SocketMessage(id=1),
        link.CloseSocket(id=1, code=4000, reason="enough"),
    ]


def test_a_handler_that_does_not_take_the_socket_refuses_it(serve: Serve) -> None:
    served = serve(lambda socket: None)
    served.gateway.say(link.OpenSocket(id=1, endpoint="own", path="/"))
    served.until(lambda: served.gateway.answers(1))
    assert served.gateway.answers(1)[0][0] == link.CloseSocket(id=1)


def test_a_message_that_the_gateway_would_cut_the_link_for_is_the_handlers_failure(serve: Serve) -> None:
    def own(socket: WebSocket) -> None:
        with pytest.raises(ValueError, match="takes"):
            socket.send(bytes(link.BODY_BYTES_MAX + 1))
        socket.send("still here")

    served = serve(own)
    served.gateway.say(link.OpenSocket(id=1, endpoint="own", path="/"))
    served.until(lambda: served.gateway.answers(1, link.SocketMessage))
    assert served.gateway.answers(1, link.SocketMessage)[0][1] == b"still here"


def test_handlers_run_beside_each_other(serve: Serve) -> None:
    barrier = threading.Barrier(3, timeout=20)

    def own(request: Request) -> int:
        return barrier.wait()

    served = serve(own)
    for request_id in (1, 2, 3):
        served.gateway.request(request_id, "own")
    served.until(lambda: all(served.gateway.answers(one) for one in (1, 2, 3)))


def test_at_the_end_a_handlers_socket_is_closed_and_its_handler_told(serve: Serve) -> None:
    ended = threading.Event()

    def own(socket: WebSocket) -> None:
        for _ in socket:
            pass
        ended.set()

    served = serve(own)
    served.gateway.say(link.OpenSocket(id=1, endpoint="own", path="/"))
    served.until(lambda: served.gateway.answers(1, link.AcceptSocket))
    served.server.say_goodbye()
    served.until(lambda: served.gateway.answers(1, link.CloseSocket))
    assert served.gateway.answers(1, link.CloseSocket)[0][0].code == 1001
    assert ended.wait(20)
    served.until(lambda: served.server.is_idle)
