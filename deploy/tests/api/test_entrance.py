"""Who may ask, and under which id."""

import asyncio
from pathlib import Path

import pytest
from api_serving import ApiServing, api_serving, code

from pie_deploy.api import entrance


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nobody", "Basic alice-key", "alice-key"])
async def test_without_a_key_of_somebody_it_is_401(api: ApiServing, header: str) -> None:
    answer = await api.client.get("/v1/backends", headers={"authorization": header})
    assert code(answer) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_path_that_is_not_there_is_401_for_strangers(api: ApiServing) -> None:
    assert (await api.client.get("/v1/whatever", headers={"authorization": ""})).status_code == 401


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/schema/openapi.json"])
async def test_health_and_description_are_open(api: ApiServing, path: str) -> None:
    assert (await api.client.get(path, headers={"authorization": ""})).status_code == 200


async def test_what_is_made_belongs_to_the_key_s_user(api: ApiServing) -> None:
    answer = await api.client.post("/v1/backends", json={"name": "mine"}, headers={"authorization": "bearer bob-key"})
    assert answer.json()["owner"] == "bob"


async def test_a_request_id_is_kept_and_told(api: ApiServing) -> None:
    answer = await api.client.get("/v1/types", headers={"x-request-id": "abc-1"})
    assert answer.headers["x-request-id"] == "abc-1"


@pytest.mark.parametrize("given", [None, "", "a b", "x" * 65, "a\tb"])
async def test_else_one_is_made(api: ApiServing, given: str | None) -> None:
    answer = await api.client.get("/v1/nothing", headers={} if given is None else {"x-request-id": given})
    assert answer.headers["x-request-id"].startswith("q-")


async def test_the_request_id_stands_in_the_log_of_operations(api: ApiServing) -> None:
    await api.client.post("/v1/backends", json={"name": "b"})
    operation = {"op": "describe", "description": "d"}
    await api.client.post("/v1/backends/b/operations", json={"operations": [operation]}, headers={"x-request-id": "r-9"})
    (record,) = (await api.get("/v1/backends/b/operations"))["items"]
    assert (record["request_id"], record["actor"], record["surface"]) == ("r-9", "alice", "api")


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"origin": "http://evil.example"}], ids=["rebound", "foreign"])
async def test_pages_of_other_sites_are_403_even_where_no_key_is_asked(api: ApiServing, headers: dict[str, str]) -> None:
    answer = await api.client.get("/metrics", headers={"authorization": "", **headers})
    assert code(answer) == (403, "forbidden")


async def test_with_a_key_a_proxy_with_a_name_of_its_own_may_ask(api: ApiServing) -> None:
    assert (await api.client.get("/v1/backends", headers={"host": "pie.example"})).status_code == 200


async def test_a_body_that_stops_coming_is_given_up(api: ApiServing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrance, "API_BODY_IDLE_S", 0.05)
    sent = []

    async def receive() -> dict[str, object]:
        if not sent:
            sent.append(1)
            return {"type": "http.request", "body": b"{", "more_body": True}
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: object) -> None:
        pass

    headers = [(b"authorization", b"Bearer alice-key"), (b"host", b"127.0.0.1")]
    scope = {"type": "http", "method": "POST", "path": "/v1/backends", "raw_path": b"/v1/backends", "query_string": b""}
    scope |= {"headers": headers, "http_version": "1.1", "scheme": "http", "root_path": "", "client": None, "server": None}
    async with asyncio.timeout(20):
        await api.app(scope, receive, send)


async def test_readiness_is_503_until_it_is_there(tmp_path: Path) -> None:
    async with api_serving(tmp_path, is_ready=lambda: False) as api:
        assert (await api.client.get("/readyz")).status_code == 503
