"""HTTP requests over links."""

import asyncio
from dataclasses import replace

import httpx
import pytest
from endpoint_container import EndpointContainer
from gateway_serving import A_ROUTE, TOKEN, Serving

from pie_deploy.gateway import link_http, links
from pie_deploy.ports.routes import Link
from pie_flow.endpoint_link import WINDOW_BYTES, Body, Cancel, Credit, Emitted, FromGateway, Request, Response

URL = f"/f/{TOKEN}"


async def emit(container: EndpointContainer, message: FromGateway, body: bytes) -> None:
    """Answer a request at once, with its body."""
    if isinstance(message, Request):
        await container.say(Emitted(id=message.id, endpoint="out"), b"[" + body + b"]")


async def test_a_value_with_the_id_of_a_request_is_its_answer(served: Serving) -> None:
    await served.serve(emit)
    answer = await served.client.post(URL, content=b"41")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"[41]", "application/json")


async def test_a_container_is_told_method_path_query_and_headers_but_not_those_of_the_connection(served: Serving) -> None:
    container = await served.serve(emit)
    headers = {"x-one": "1", "connection": "x-two, keep-alive", "x-two": "2", "te": "trailers"}
    await served.client.put(f"{URL}/a%2Fb?q=1&r=%20", content=b"x", headers=headers)
    request, body = await container.get(Request)
    assert (request.method, request.path, request.query, request.endpoint, body) == ("PUT", "/a%2Fb", "q=1&r=%20", "text", b"x")
    names = {name for name, _ in request.headers}
    assert "x-one" in names and not names & {"x-two", "te", "connection"}


async def test_a_value_of_megabytes_comes_whole(served: Serving) -> None:
    async def emit_much(container: EndpointContainer, message: FromGateway, body: bytes) -> None:
        await container.say(Emitted(id=message.id, endpoint="out"), body * 1_000_003)

    await served.serve(emit_much)
    answer = await served.client.post(URL, content=b"abc")
    assert (answer.content, answer.headers["content-length"]) == (b"abc" * 1_000_003, "3000009")


async def test_without_a_path_behind_the_token_it_is_the_root(served: Serving) -> None:
    container = await served.serve(emit)
    await served.client.post(URL, content=b"1")
    assert (await container.get(Request))[0].path == "/"


async def test_the_answer_may_come_from_another_container_of_the_backend(served: Serving) -> None:
    first, last = await served.container("first"), await served.container("last")
    served.publish({TOKEN: replace(A_ROUTE, upstream=first.link)}, first.link, last.link)
    asking = asyncio.create_task(served.client.post(URL, content=b"1"))
    request, _ = await first.get(Request)
    await last.say(Emitted(id=request.id, endpoint="out"), b"2")
    assert (await asking).content == b"2"


async def test_only_the_egress_that_is_asked_for_answers(served: Serving) -> None:
    container = await served.serve(answer="out")
    asking = asyncio.create_task(served.client.post(URL, content=b"1"))
    request, _ = await container.get(Request)
    await container.say(Emitted(id=request.id, endpoint="debug"), b"a look at what is on its way")
    await container.say(Emitted(id=request.id, endpoint="out"), b"2")
    assert (await asking).content == b"2"


async def test_a_container_of_another_backend_cannot_answer(served: Serving) -> None:
    mine, other = await served.serve(), await served.container("other")
    served.publish({"other": replace(A_ROUTE, upstream=other.link)}, other.link, backend="b-2")
    asking = asyncio.create_task(served.client.post(URL, content=b"1"))
    request, _ = await mine.get(Request)
    await other.say(Emitted(id=request.id, endpoint="out"), b"forged")
    await mine.say(Emitted(id=request.id, endpoint="out"), b"true")
    assert (await asking).content == b"true"


async def test_a_component_that_raises_is_answered_500_with_what_happened(served: Serving) -> None:
    async def fail(container: EndpointContainer, message: FromGateway, body: bytes) -> None:
        await container.say(Emitted(id=message.id, endpoint="out", status=500, content_type="text/plain"), b"ValueError")

    await served.serve(fail)
    answer = await served.client.post(URL, content=b"1")
    assert (answer.status_code, answer.text) == (500, "ValueError")


async def test_status_headers_and_body_of_a_response_pass(served: Serving) -> None:
    async def respond(container: EndpointContainer, message: FromGateway, body: bytes) -> None:
        await container.say(Response(id=message.id, status=202, headers=(("x-a", "b"), ("connection", "close"))), b"taken")

    await served.serve(respond)
    answer = await served.client.post(URL, content=b"1")
    assert (answer.status_code, answer.text, answer.headers["x-a"]) == (202, "taken", "b")
    assert "connection" not in answer.headers


@pytest.mark.parametrize("header", [("bad name", "x"), ("x", "a\r\nset-cookie: b=c"), ("", "x")], ids=["space", "newline", "empty"])
async def test_headers_that_are_none_are_a_bad_answer(served: Serving, header: tuple[str, str]) -> None:
    async def respond(container: EndpointContainer, message: FromGateway, body: bytes) -> None:
        if isinstance(message, Request):
            await container.say(Response(id=message.id, status=200, headers=(header,)))

    await served.serve(respond)
    answer = await served.client.post(URL, content=b"1")
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "bad_answer")


@pytest.mark.parametrize("status", [-1, 0, 101, 199, 600, 99999])
async def test_a_status_that_is_none_is_a_bad_answer(served: Serving, status: int) -> None:
    async def respond(container: EndpointContainer, message: FromGateway, body: bytes) -> None:
        if isinstance(message, Request):
            await container.say(Response(id=message.id, status=status))

    await served.serve(respond)
    assert (await served.client.post(URL, content=b"1")).status_code == 502


async def test_nobody_who_answers_in_time_is_504_and_the_container_is_told(served: Serving) -> None:
    container = await served.serve(timeout_ns=50_000_000)
    answer = await served.client.post(URL, content=b"1")
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "timeout")
    request, _ = await container.get(Request)
    assert (await container.get(Cancel))[0].id == request.id


async def test_a_caller_who_goes_is_told_to_the_container(served: Serving) -> None:
    container = await served.serve()
    asking = asyncio.create_task(served.client.post(URL, content=b"1"))
    request, _ = await container.get(Request)
    asking.cancel()
    assert (await container.get(Cancel))[0].id == request.id
    assert served.gateway.statistics().requests_active == 0


async def test_an_answered_request_is_not_cancelled(served: Serving) -> None:
    container = await served.serve(emit)
    for _ in range(3):
        await served.client.post(URL, content=b"1")
    assert container.count(Cancel) == 0


async def test_a_body_comes_in_pieces_as_the_container_takes_them(served: Serving) -> None:
    container = await served.serve(body_bytes_max=8 << 20)
    size = WINDOW_BYTES * 2
    asking = asyncio.create_task(served.client.post(URL, content=b"x" * size))
    request, first = await container.get(Request)
    assert request.more
    taken = len(first)
    number = 1
    while taken < size:
        message, piece = await container.get(Body, number)
        number += 1
        taken += len(piece)
        await container.say(Credit(id=request.id, size_bytes=len(piece)))
    assert not message.more
    await container.say(Emitted(id=request.id, endpoint="out"), b"ok")
    assert (await asking).status_code == 200


async def test_a_container_that_takes_nothing_gets_no_more_than_a_window(served: Serving) -> None:
    container = await served.serve(body_bytes_max=8 << 20, timeout_ns=500_000_000)
    answer = await served.client.post(URL, content=b"x" * (WINDOW_BYTES * 4))
    assert answer.status_code == 504
    assert sum(len(body) for _, body in container.received) < WINDOW_BYTES * 2


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_a_body_above_the_endpoints_limit_is_413(served: Serving, chunked: bool) -> None:
    await served.serve(body_bytes_max=1000)

    async def pieces():  # type: ignore[no-untyped-def]
        for _ in range(30):
            yield b"x" * 100

    answer = await served.client.post(URL, content=pieces() if chunked else b"x" * 3000)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


async def test_an_answer_may_be_a_stream(served: Serving) -> None:
    async def stream(container: EndpointContainer, message: FromGateway, body: bytes) -> None:
        if isinstance(message, Request):
            await container.say(Response(id=message.id, status=200, headers=(("content-type", "text/event-stream"),), more=True))
            await container.say(Body(id=message.id), b"data: 1\n\n")
            await container.say(Body(id=message.id, more=False), b"data: 2\n\n")

    await served.serve(stream)
    answer = await served.client.get(URL)
    assert (answer.text, answer.headers["content-type"]) == ("data: 1\n\ndata: 2\n\n", "text/event-stream")


async def test_pieces_arrive_before_the_stream_has_ended_both_ways(served: Serving) -> None:
    """Echo: a piece is sent only after the one before it has come back."""

    async def echo(container: EndpointContainer, message: FromGateway, body: bytes) -> None:
        if isinstance(message, Request):
            await container.say(Response(id=message.id, status=200, more=True), body)
        elif isinstance(message, Body):
            await container.say(Body(id=message.id, more=message.more), body)

    await served.serve(echo)
    reader, writer = await asyncio.open_connection(served.client.base_url.host, served.client.base_url.port)
    writer.write(f"POST {URL} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n".encode())
    for number, letter in enumerate((b"a", b"b", b"c")):
        writer.write(b"1\r\n" + letter + b"\r\n")
        if number == 0:
            await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(6) == b"1\r\n" + letter + b"\r\n"
    writer.write(b"0\r\n\r\n")
    assert await reader.readexactly(5) == b"0\r\n\r\n"
    writer.close()


async def test_the_answer_may_begin_before_the_body_does(served: Serving) -> None:
    container = await served.serve()
    reader, writer = await asyncio.open_connection(served.client.base_url.host, served.client.base_url.port)
    writer.write(f"POST {URL} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n".encode())
    request, _ = await container.get(Request)
    await container.say(Response(id=request.id, status=200, more=True), b"you first")
    await reader.readuntil(b"you first")
    writer.write(b"1\r\na\r\n0\r\n\r\n")
    assert (await container.get(Body))[1] == b"a"
    writer.close()


async def test_a_body_that_does_not_begin_is_408(served: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_http, "GATEWAY_BODY_IDLE_S", 0.05)
    await served.serve()
    reader, writer = await asyncio.open_connection(served.client.base_url.host, served.client.base_url.port)
    writer.write(f"POST {URL} HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n".encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_a_container_that_ignores_its_credit_is_cut_off(served: Serving) -> None:
    """When the caller reads nothing; as long as he keeps up, so does his credit."""

    async def begin(container: EndpointContainer, message: FromGateway, body: bytes) -> None:
        if isinstance(message, Request):
            await container.say(Response(id=message.id, status=200, more=True))

    container = await served.serve(begin)
    async with asyncio.timeout(60), served.client.stream("GET", URL) as answer:
        request, _ = await container.get(Request)
        for _ in range(600):
            await container.say(Body(id=request.id), b"x" * 100_000)
        while not served.gateway.statistics().bad_messages:
            await asyncio.sleep(0.01)
        with pytest.raises(httpx.RemoteProtocolError):
            await answer.aread()


async def test_when_a_container_ends_its_requests_are_502_at_once(served: Serving) -> None:
    container = await served.serve()
    asking = asyncio.create_task(served.client.post(URL, content=b"1"))
    await container.get(Request)
    await container.stop()
    answer = await asking
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "container_lost")


async def test_a_link_that_is_down_is_503_with_retry_after(served: Serving) -> None:
    container = await served.serve(emit)
    assert (await served.client.post(URL, content=b"1")).status_code == 200
    await container.stop()
    answer = await served.client.post(URL, content=b"1")
    assert answer.status_code in (502, 503)
    answer = await served.client.post(URL, content=b"1")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_a_container_that_comes_back_is_reached_again(served: Serving) -> None:
    container = await served.serve(emit)
    assert (await served.client.post(URL, content=b"1")).status_code == 200
    await container.stop()
    await container.start()
    async with asyncio.timeout(20):
        while (await served.client.post(URL, content=b"1")).status_code != 200:
            await asyncio.sleep(0.02)


async def test_a_link_that_is_announced_before_the_container_listens_is_waited_for(served: Serving) -> None:
    container = await served.container(handler=emit, start=False)
    served.publish({TOKEN: replace(A_ROUTE, upstream=container.link)}, container.link)
    asking = asyncio.create_task(served.client.post(URL, content=b"1"))
    await asyncio.sleep(0.05)
    await container.start()
    assert (await asking).status_code == 200


async def test_messages_that_are_none_are_counted_and_harm_nobody(served: Serving) -> None:
    container = await served.serve(emit)
    await container.say_raw(b"\xff\xff", b"")
    await container.say_raw(b"only one frame")
    await container.say(Emitted(id=7, endpoint="out"), b"for nobody")
    assert (await served.client.post(URL, content=b"1")).status_code == 200
    statistics = served.gateway.statistics()
    assert (statistics.bad_messages, statistics.late_messages) == (2, 1)


async def test_requests_that_are_under_way_may_end_when_the_route_goes(served: Serving) -> None:
    container = await served.serve()
    asking = asyncio.create_task(served.client.post(URL, content=b"1"))
    request, _ = await container.get(Request)
    served.publish({TOKEN: replace(A_ROUTE, state="not_running")}, status="tearing_down")
    assert (await served.client.post(URL, content=b"1")).status_code == 404
    await container.say(Emitted(id=request.id, endpoint="out"), b"late")
    assert (await asking).content == b"late"
    assert served.gateway.statistics().links == 0


async def test_a_stream_ends_when_its_route_goes(served: Serving) -> None:
    container = await served.serve()
    asking = asyncio.create_task(served.client.get(URL))
    request, _ = await container.get(Request)
    await container.say(Response(id=request.id, status=200, more=True), b"one")
    while not served.gateway.statistics().answers:
        await asyncio.sleep(0.005)
    served.publish({TOKEN: replace(A_ROUTE, state="not_running")}, status="tearing_down")
    assert (await asking).text == "one"
    await container.get(Cancel)


async def test_many_requests_share_a_link(served: Serving) -> None:
    await served.serve(emit)
    answers = await asyncio.gather(*(served.client.post(URL, content=str(n).encode()) for n in range(50)))
    assert [answer.content for answer in answers] == [f"[{n}]".encode() for n in range(50)]


@pytest.mark.parametrize("more", [False, True], ids=["whole", "stream"])
async def test_an_answer_without_a_body_by_its_status_has_none(served: Serving, more: bool) -> None:
    async def respond(container: EndpointContainer, message: FromGateway, body: bytes) -> None:
        if isinstance(message, Request):
            await container.say(Response(id=message.id, status=204, more=more), b"too much")

    await served.serve(respond)
    for _ in range(2):
        answer = await served.client.get(URL)
        assert (answer.status_code, answer.content) == (204, b"")


async def test_a_container_that_has_too_much_unread_is_overloaded(served: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "GATEWAY_LINK_BYTES_MAX", 1000)
    container = await served.serve()
    asking = asyncio.create_task(served.client.post(URL, content=b"x" * 2000))
    request, _ = await container.get(Request)
    answer = await served.client.post(URL, content=b"1")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "overloaded")
    await container.say(Emitted(id=request.id, endpoint="out"), b"done")
    assert (await asking).status_code == 200
    asking = asyncio.create_task(served.client.post(URL, content=b"1"))
    request, _ = await container.get(Request, 2)
    await container.say(Emitted(id=request.id, endpoint="out"), b"done")
    assert (await asking).status_code == 200


async def test_there_may_be_many_links(served: Serving) -> None:
    many = [Link(container_id=f"c-{n}", address=f"ipc://{served.folder / str(n)}") for n in range(500)]
    served.publish({}, *many)
    assert served.gateway.statistics().links == 500
