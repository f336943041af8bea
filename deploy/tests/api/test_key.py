"""API keys over HTTP: made, used, revoked; and what tries to get round them."""

import asyncio
import logging
from contextlib import aclosing
from typing import Any

import httpx
import pytest
from api_serving import ApiServing, asking, bearing, code
from gateway_serving import asgi_server
from service_platform import SECOND_NS

from pie_deploy.api import entrance, streams


async def made(api: ApiServing, role: str = "viewer", *, who: dict[str, str] | None = None, **more: str) -> dict[str, Any]:
    answer = await api.client.post("/v1/keys", json={"role": role, **more}, headers=who or asking("alice"))
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()
    return found


async def test_a_key_is_used_until_it_is_revoked(api: ApiServing) -> None:
    key = await made(api, "viewer", name="ci")
    status = (await api.client.get("/v1/status", headers=bearing(key["secret"]))).json()
    assert (status["actor"], status["role"], status["key"]) == ("alice", "viewer", key["key"]["id"])
    assert code(await api.client.post("/v1/backends", json={"name": "b"}, headers=bearing(key["secret"]))) == (403, "forbidden")
    revoked = await api.client.delete("/v1/keys/ci")
    assert [row["id"] for row in revoked.json()["items"]] == [key["key"]["id"]]
    assert code(await api.client.get("/v1/status", headers=bearing(key["secret"]))) == (401, "unauthenticated")


async def test_a_key_that_expires_is_nobody_s(api: ApiServing) -> None:
    key = await made(api, expires="1h")
    api.platform.clock.advance(3600 * SECOND_NS)
    assert code(await api.client.get("/v1/types", headers=bearing(key["secret"]))) == (401, "unauthenticated")
    (row,) = (await api.get("/v1/keys"))["items"]
    assert row["expires_at_ns"] == api.platform.clock.now_ns()


async def test_a_list_shows_neither_keys_nor_what_they_are_known_by(api: ApiServing) -> None:
    key = await made(api)
    answer = await api.client.get("/v1/keys")
    assert key["secret"] not in answer.text and "digest" not in answer.text
    assert answer.json()["items"] == [key["key"]]


async def test_an_editor_makes_no_owner_s_key(api: ApiServing) -> None:
    answer = await api.client.post("/v1/keys", json={"role": "owner"}, headers=asking("edith"))
    assert code(answer) == (403, "forbidden")
    assert answer.json()["error"]["hint"] == "possible: editor, operator, viewer, agent"


async def test_nor_does_he_by_way_of_a_key_of_his(api: ApiServing) -> None:
    key = await made(api, "editor", who=asking("edith"))
    for body in ({"role": "owner"}, {"role": "viewer", "user": "alice"}):
        answer = await api.client.post("/v1/keys", json=body, headers=bearing(key["secret"]))
        assert code(answer) == (403, "forbidden")


async def test_an_agent_makes_no_keys_and_lists_none(api: ApiServing) -> None:
    assert code(await api.client.post("/v1/keys", json={"role": "agent"}, headers=asking("agnes"))) == (403, "forbidden")
    assert code(await api.client.get("/v1/keys", headers=asking("agnes"))) == (403, "forbidden")


@pytest.mark.parametrize(
    "body", [{"role": "god"}, {"role": None}, {}, {"role": "viewer", "expires": 5}, {"role": "viewer", "digest": "0" * 64}]
)
async def test_what_is_no_wish_for_a_key_is_400(api: ApiServing, body: dict[str, Any]) -> None:
    assert code(await api.client.post("/v1/keys", json=body)) == (400, "invalid_argument")


@pytest.mark.parametrize("name", ["key", "token", "access_token", "api_key", "authorization"])
async def test_a_key_in_the_url_is_none(api: ApiServing, name: str, caplog: pytest.LogCaptureFixture) -> None:
    key = await made(api)
    with caplog.at_level(logging.DEBUG):
        answer = await api.client.get(f"/v1/types?{name}={key['secret']}", headers={"authorization": ""})
        assert code(answer) == (401, "unauthenticated")
    assert key["secret"] not in "".join(record.getMessage() for record in caplog.records if record.name.startswith("pie"))


async def test_a_key_in_a_cookie_or_as_a_password_is_none(api: ApiServing) -> None:
    key = await made(api)
    for headers in ({"cookie": f"key={key['secret']}", "authorization": ""}, {"x-api-key": key["secret"], "authorization": ""}):
        assert (await api.client.get("/v1/types", headers=headers)).status_code == 401
    answer = await api.client.get("/v1/types", headers={"authorization": ""}, auth=("alice", key["secret"]))
    assert answer.status_code == 401


async def test_neither_audit_nor_log_has_a_secret(api: ApiServing, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        key = await made(api, "editor")
        await api.client.post("/v1/backends", json={"name": "b"}, headers=bearing(key["secret"]))
        await api.client.delete(f"/v1/keys/{key['key']['id']}")
        await api.client.get("/v1/types", headers=bearing(key["secret"]))
    told = (await api.client.get("/v1/audit")).text
    said = "".join(record.getMessage() for record in caplog.records if not record.name.startswith("aiosqlite"))
    assert key["secret"] not in told + said
    assert {event["data"].get("key") for event in (await api.get("/v1/audit"))["items"]} >= {key["key"]["id"]}


async def test_strangers_keys_that_cannot_be_any_cost_no_look_at_the_database(
    api: ApiServing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.platform.store, "reading", None)
    for shown in ("pie_short", "x" * 500, "pie_" + "ä" * 43):
        headers = [(b"authorization", f"Bearer {shown}".encode())]
        assert (await api.client.get("/v1/types", headers=headers)).status_code == 401


@pytest.fixture
def looking_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrance, "API_KEY_LOOK_S", 0.05)
    monkeypatch.setattr(streams, "API_PING_S", 0.05)
    monkeypatch.setattr(streams, "API_POLL_S", 0.05)


async def running(api: ApiServing) -> str:
    """A deployment whose events go on."""
    deployment = await asyncio.to_thread(api.platform.deployed)
    return deployment.id


@pytest.mark.usefixtures("looking_often")
@pytest.mark.parametrize("what", ["events", "wait?status=gone&timeout=1h"])
async def test_a_stream_ends_when_its_key_is_revoked(api: ApiServing, what: str) -> None:
    deployment_id = await running(api)
    key = await made(api)
    async with (
        asgi_server(api.app) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=bearing(key["secret"]), timeout=60) as client,
        client.stream("GET", f"/v1/deployments/{deployment_id}/{what}") as answer,
        aclosing(answer.aiter_raw()) as pieces,
    ):
        assert answer.status_code == 200
        await anext(pieces)
        await api.client.delete(f"/v1/keys/{key['key']['id']}")
        with pytest.raises(httpx.RemoteProtocolError):  # cut off: nobody takes it for the end of what there was to tell
            async for _ in pieces:
                pass
        assert (await client.get("/v1/types")).status_code == 401


@pytest.mark.usefixtures("looking_often")
async def test_a_stream_ends_when_its_key_expires_and_not_before(api: ApiServing) -> None:
    deployment_id = await running(api)
    key = await made(api, expires="1h")
    async with (
        asgi_server(api.app) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=bearing(key["secret"]), timeout=60) as client,
        client.stream("GET", f"/v1/deployments/{deployment_id}/events") as answer,
        aclosing(answer.aiter_raw()) as pieces,
    ):
        for _ in range(5):  # an event, then signs of life
            await anext(pieces)
        api.platform.clock.advance(3600 * SECOND_NS)
        with pytest.raises(httpx.RemoteProtocolError):
            async for _ in pieces:
                pass


@pytest.mark.usefixtures("looking_often")
async def test_an_upload_whose_key_is_revoked_is_no_file(api: ApiServing) -> None:
    key = await made(api, "editor")
    begun, sent = asyncio.Event(), []

    async def receive() -> dict[str, object]:
        begun.set()
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"more", "more_body": True}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    headers = [(b"authorization", f"Bearer {key['secret']}".encode()), (b"host", b"127.0.0.1")]
    scope = {"type": "http", "method": "POST", "path": "/v1/files", "raw_path": b"/v1/files", "query_string": b"name=x"}
    scope |= {"headers": headers, "http_version": "1.1", "scheme": "http", "root_path": "", "client": None, "server": None}
    upload = asyncio.create_task(api.app(scope, receive, send))
    await begun.wait()
    await api.client.delete(f"/v1/keys/{key['key']['id']}")
    await upload
    assert sent[0]["status"] == 422
    assert (await api.get("/v1/files"))["items"] == []
