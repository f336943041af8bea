"""What is answered without a container, whatever its kind."""

import asyncio
import logging
from dataclasses import replace

import pytest
import websockets
from gateway_serving import A_ROUTE, TOKEN, Serving

from pie_deploy.ports.routes import Link

URL = f"/f/{TOKEN}"
NOWHERE = Link(container_id="c", address="ipc:///tmp/pie-nobody-listens-here")


@pytest.mark.parametrize("path", ["/f/guess", "/f/guess/more", f"/f/{TOKEN[:-1]}", f"/f/{TOKEN}x", f"/f/{TOKEN}%00"])
async def test_a_token_that_is_none_is_404_endpoint_unknown(served: Serving, path: str) -> None:
    served.publish({TOKEN: replace(A_ROUTE, upstream=NOWHERE)})
    answer = await served.client.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "endpoint_unknown")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/f", "/f/", "/f//x", "/metrics", "/F/x"])
async def test_other_paths_are_404(served: Serving, path: str) -> None:
    assert (await served.client.get(path)).status_code == 404


@pytest.mark.parametrize("status", ["deploying", "failed", "tearing_down", None])
async def test_in_every_state_but_running_it_is_404_with_the_state(served: Serving, status: str | None) -> None:
    served.publish({TOKEN: replace(A_ROUTE, state="not_running")}, status=status)
    answer = await served.client.post(URL, content=b"1")
    assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")
    assert answer.json()["error"] == {
        "code": "endpoint_not_running",
        "message": "the endpoint's backend is not running",
        "details": [],
        "state": status or "undeployed",
    }


async def test_a_vertex_that_is_restarting_is_503_with_retry_after(served: Serving) -> None:
    served.publish({TOKEN: replace(A_ROUTE, state="restarting")})
    answer = await served.client.post(URL, content=b"1")
    assert (answer.status_code, answer.headers["retry-after"], answer.headers["cache-control"]) == (503, "1", "no-store")


async def test_after_a_withdrawal_the_token_is_unknown(served: Serving) -> None:
    served.publish({TOKEN: replace(A_ROUTE, state="not_running")})
    served.gateway.withdraw("b-1")
    assert (await served.client.get(URL)).json()["error"]["code"] == "endpoint_unknown"


@pytest.mark.parametrize(
    ("direction", "method", "allow"),
    [
        ("egress", "POST", "GET, HEAD"),
        ("egress", "DELETE", "GET, HEAD"),
        ("ingress", "TRACE", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
    ],
)
async def test_other_methods_than_the_endpoints_are_405(served: Serving, direction: str, method: str, allow: str) -> None:
    served.publish({TOKEN: replace(A_ROUTE, upstream=NOWHERE, direction=direction, transports=("http", "sse"))})
    answer = await served.client.request(method, URL)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)


async def test_there_is_nothing_to_get_where_bodies_are_values(served: Serving) -> None:
    served.publish({TOKEN: replace(A_ROUTE, upstream=NOWHERE, takes_values=True)})
    answer = await served.client.get(URL)
    assert (answer.status_code, answer.headers["allow"]) == (405, "PATCH, POST, PUT")


async def test_http_to_an_endpoint_of_websockets_is_405(served: Serving) -> None:
    served.publish({TOKEN: replace(A_ROUTE, upstream=NOWHERE, transports=("ws",))})
    answer = await served.client.get(URL)
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "transport_not_supported")


async def handshake_status(served: Serving, path: str) -> int:
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(served.url.replace("http", "ws") + path, proxy=None)
    return refused.value.response.status_code


async def test_handshakes_are_refused_with_404_and_405(served: Serving) -> None:
    served.publish({TOKEN: replace(A_ROUTE, state="not_running"), "http": replace(A_ROUTE, upstream=NOWHERE)})
    assert await handshake_status(served, "/f/guess") == 404
    assert await handshake_status(served, URL) == 404
    assert await handshake_status(served, "/f/http") == 405


async def test_too_many_requests_at_once_are_503(served: Serving) -> None:
    served.gateway._requests_max = 1
    container = await served.serve()
    asking = asyncio.create_task(served.client.post(URL, content=b"1"))
    while not container.received:
        await asyncio.sleep(0.005)
    answer = await served.client.post(URL, content=b"2")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "overloaded")
    asking.cancel()


async def test_no_log_line_has_a_token(served: Serving, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await served.serve(timeout_ns=10_000_000)
    await served.client.post(URL, content=b"1")
    await served.client.post("/f/guessed-token", content=b"1")
    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("pie_deploy", "uvicorn"))]
    assert ours and not any(TOKEN in line or "guessed-token" in line for line in ours)


async def test_statistics_count_answers_and_refusals(served: Serving) -> None:
    served.publish({TOKEN: replace(A_ROUTE, state="not_running")})
    await served.client.get(URL)
    await served.client.get("/f/guess")
    statistics = served.gateway.statistics()
    assert statistics.endpoints == 1
    assert (statistics.requests_total, statistics.requests_active) == (2, 0)
    assert statistics.answers == {"4xx": 2}
    assert statistics.refusals == {"endpoint_not_running": 1, "endpoint_unknown": 1}
