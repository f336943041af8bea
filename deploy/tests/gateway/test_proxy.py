"""HTTP and WebSockets to a command's port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import websockets
from gateway_serving import A_ROUTE, TOKEN, Serving, asgi_server

URL = f"/f/{TOKEN}"


@asynccontextmanager
async def command(served: Serving, app: Any, **changes: object) -> AsyncIterator[None]:
    """An ASGI application as the command behind `TOKEN`."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)

    async with asgi_server(application) as port:
        served.serve_port(port, **changes)
        yield


async def body_of(receive: Any) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def echo(seen: list[Any]) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)
        body = await body_of(receive)
        headers = [(b"x-a", b"1"), (b"set-cookie", b"a=b"), (b"keep-alive", b"timeout=5")]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


async def test_requests_and_answers_pass_without_the_headers_of_the_connection(served: Serving) -> None:
    seen: list[Any] = []
    async with command(served, echo(seen)):
        headers = {"x-b": "2", "connection": "x-c", "x-c": "3", "x-forwarded-for": "6.6.6.6"}
        answer = await served.client.post(f"{URL}/a%2Fb?q=%20", content=b"body", headers=headers)
    assert (answer.status_code, answer.content, answer.headers["x-a"]) == (201, b"body", "1")
    assert "keep-alive" not in answer.headers
    (scope,) = seen
    names = dict(scope["headers"])
    assert (scope["method"], scope["raw_path"], scope["query_string"]) == ("POST", b"/a%2Fb", b"q=%20")
    assert names[b"x-b"] == b"2" and b"x-c" not in names
    assert names[b"x-forwarded-for"] == b"127.0.0.1"
    assert names[b"host"].startswith(b"127.0.0.1:")


async def test_cookies_of_one_caller_do_not_reach_another(served: Serving) -> None:
    seen: list[Any] = []
    async with command(served, echo(seen)):
        await served.client.get(URL)
        served.client.cookies.clear()
        await served.client.get(URL)
    assert not any(name == b"cookie" for name, _ in seen[1]["headers"])


async def test_a_large_body_streams(served: Serving) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 50_000

    async with command(served, echo([])):
        answer = await served.client.post(URL, content=pieces())
    assert len(answer.content) == 2_000_000


async def test_a_body_above_the_limit_is_413(served: Serving) -> None:
    async with command(served, echo([]), body_bytes_max=100):
        assert (await served.client.post(URL, content=b"x" * 101)).status_code == 413


async def test_a_command_that_does_not_answer_is_504(served: Serving) -> None:
    async def sleep(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    async with command(served, sleep, timeout_ns=50_000_000):
        assert (await served.client.get(URL)).status_code == 504


async def test_a_port_where_nobody_listens_is_503(served: Serving) -> None:
    async with asgi_server(echo([])) as port:
        pass
    served.serve_port(port)
    answer = await served.client.get(URL)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_a_server_that_speaks_no_http_is_502(served: Serving) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        served.serve_port(server.sockets[0].getsockname()[1])
        assert (await served.client.get(URL)).status_code == 502


async def test_the_command_sees_that_the_caller_has_gone(served: Serving) -> None:
    begun, gone = asyncio.Event(), asyncio.Event()

    async def wait(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        begun.set()
        assert (await receive())["type"] == "http.disconnect"
        gone.set()

    async with command(served, wait):
        asking = asyncio.create_task(served.client.get(URL))
        await begun.wait()
        asking.cancel()
        async with asyncio.timeout(20):
            await gone.wait()


async def test_events_pass_as_they_come(served: Serving) -> None:
    go_on = asyncio.Event()

    async def events(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"data: 2\n\n"})

    async with command(served, events), served.client.stream("GET", URL) as answer:
        pieces = answer.aiter_raw()
        assert await anext(pieces) == b"data: 1\n\n"
        go_on.set()
        assert await anext(pieces) == b"data: 2\n\n"


async def websocket_echo(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept", "subprotocol": next(iter(scope["subprotocols"]), None)})
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text")
        if text == "close":
            await send({"type": "websocket.close", "code": 4003, "reason": "asked"})
        elif text is not None:
            await send({"type": "websocket.send", "text": text})
        else:
            await send({"type": "websocket.send", "bytes": message["bytes"]})


def connect(served: Serving, **options: Any) -> websockets.connect:
    return websockets.connect(f"{served.url.replace('http', 'ws')}{URL}/x?y=z", proxy=None, **options)


async def test_messages_of_a_websocket_pass_both_ways(served: Serving) -> None:
    async with command(served, websocket_echo, transports=("ws",)), connect(served, subprotocols=["chat"]) as socket:
        assert socket.subprotocol == "chat"
        await socket.send("text")
        assert await socket.recv() == "text"
        await socket.send(b"\x00")
        assert await socket.recv() == b"\x00"


async def test_the_end_that_the_command_gives_a_socket_reaches_the_caller(served: Serving) -> None:
    async with command(served, websocket_echo, transports=("ws",)), connect(served) as socket:
        await socket.send("close")
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
        assert (socket.close_code, socket.close_reason) == (4003, "asked")


async def test_the_command_is_told_how_the_caller_closed(served: Serving) -> None:
    told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def wait(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        told.set_result(await receive())

    async with command(served, wait, transports=("ws",)), connect(served) as socket:
        await socket.close(4001, "enough")
        async with asyncio.timeout(20):
            message = await told
        assert (message["type"], message["code"], message["reason"]) == ("websocket.disconnect", 4001, "enough")


async def test_a_command_that_ends_without_a_word_closes_with_1012(served: Serving) -> None:
    async def vanish(socket: websockets.ServerConnection) -> None:
        socket.transport.abort()

    async with websockets.serve(vanish, "127.0.0.1", 0) as server:
        served.serve_port(server.sockets[0].getsockname()[1], transports=("ws",))
        async with connect(served) as socket:
            with pytest.raises(websockets.ConnectionClosed):
                await socket.recv()
            assert socket.close_code == 1012


async def test_a_socket_that_the_command_refuses_is_403(served: Serving) -> None:
    async def refuse(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.close"})

    async with command(served, refuse, transports=("ws",)):
        with pytest.raises(websockets.InvalidStatus) as refused:
            await connect(served)
    assert refused.value.response.status_code == 403


async def test_sockets_to_a_port_are_closed_with_1001_when_the_route_goes(served: Serving) -> None:
    async with command(served, websocket_echo, transports=("ws",)), connect(served) as socket:
        served.publish({TOKEN: replace(A_ROUTE, state="not_running")}, status="tearing_down")
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 1001
